// `romana agent`: options in, exit code out.
import { setFlagsFromString } from "node:v8";
import { Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { firstSignal } from "../../base/first-signal.ts";
import { describeOptions, type OptionTable, readOptions } from "../../base/options.ts";
import type { HostRequest } from "../../core/api/types.ts";
import type { Mirror } from "../../core/desired/mirror.ts";
import type { Replica } from "../../io/daemon/daemon-client.ts";
import { readOptionsFile } from "../../io/document/read-options-file.ts";
import { createPinoLog } from "../../io/log/pino-log.ts";
import { type AgentConfig, agentOptions, checkConfig, ENV_PREFIX } from "./config.ts";
import type { Share } from "./filter/share.ts";
import { introduce } from "./follow.ts";
import { nodeLink } from "./observe.ts";
import { throwRefused } from "./sync-loop.ts";
import { uninstall, uninstallOptions } from "./uninstall.ts";
import { closeAll, type Closing, openParts, registrationOf, startAgent } from "./wire.ts";

/** One is on every node: a small heap is worth more than a fast one. Without these V8 keeps three times what lives. */
const SMALL_HEAP = ["--optimize-for-size", "--semi-space-growth-factor=1"];
const SYNC_WITHIN = Seconds(15);

type Env = Readonly<Record<string, string | undefined>>;

export async function run(argv: string[], env: Env): Promise<number> {
  if (argv[0] === "uninstall") return runUninstall(argv.slice(1), env);
  if (argv.includes("--help")) return help("romana agent [options]", agentOptions);
  const config = readOptions(agentOptions, { argv, env, envPrefix: ENV_PREFIX, readFile: readOptionsFile });
  checkConfig(config);
  for (const flag of SMALL_HEAP) setFlagsFromString(flag);
  const log = createPinoLog("agent", config.logLevel);
  if (config.once) return syncOnce(config, log);
  const agent = await startAgent(config, { log, env });
  log.info("stopping", { signal: await Promise.race([firstSignal(), agent.failed]) });
  await agent.close();
  return 0;
}

async function runUninstall(argv: string[], env: Env): Promise<number> {
  if (argv.includes("--help")) return help("romana agent uninstall [options]", uninstallOptions);
  const config = readOptions(uninstallOptions, { argv, env, envPrefix: ENV_PREFIX });
  const lines = await uninstall(config, { log: createPinoLog("agent", config.logLevel) });
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  return 0;
}

function help(usage: string, table: OptionTable): number {
  process.stdout.write(`${usage}\n\n${describeOptions(table, ENV_PREFIX)}\n`);
  return 0;
}

/** One pass against the daemon's present world, printed as commands; with `--dry-run` nothing is changed, here or at the daemon. */
async function syncOnce(config: AgentConfig, log: Log): Promise<number> {
  const opened: Closing[] = [];
  try {
    const opening = { log, netns: undefined, changed: () => undefined, opened };
    const { hostname, client, mirror, endpoints, reconciler, share, filter } = await openParts(
      config,
      opening,
    );
    const replica = client.replica();
    const link = nodeLink(await reconciler.observation(), config.linkName);
    const stop = new AbortController();
    opened.push(() => stop.abort());
    if (!config.dryRun) {
      const registration = (): HostRequest | undefined =>
        config.register ? registrationOf(config, hostname, link) : undefined;
      const deps = { replica, mirror, endpoints, log, hostname, stateDir: config.stateDir, registration };
      await introduce(deps, stop.signal);
    }
    await hearWorld(replica, mirror, hostname, share);
    const plan = [...(await filter.describePlan()), ...(await reconciler.describePlan())];
    process.stdout.write(plan.map((line) => `${line}\n`).join(""));
    if (config.dryRun) return 0;
    await filter.sync();
    throwRefused(await reconciler.sync());
    return 0;
  } finally {
    await closeAll(opened);
  }
}

/** UnavailableError `DAEMON_SLOW`, and those of `Replica.watch`. */
async function hearWorld(
  replica: Replica,
  mirror: Mirror,
  policy: string,
  share: Pick<Share, "policy">,
): Promise<void> {
  const stop = AbortSignal.timeout(SYNC_WITHIN);
  for await (const lines of replica.watch({ policy }, stop)) {
    for (const line of lines) mirror.apply(line);
    if (mirror.synced && share.policy) return;
  }
  throw new UnavailableError({
    code: "DAEMON_SLOW",
    message: `the daemon at ${replica.url.origin} did not tell its world within ${SYNC_WITHIN / 1000} s`,
  });
}
