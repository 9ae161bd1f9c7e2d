// `romana agent`: options in, exit code out.
import { readFileSync } from "node:fs";
import { hostname as machineName } from "node:os";
import { join } from "node:path";
import { Seconds, systemClock } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { describeOptions, readOptions } from "../../base/options.ts";
import { createMirror } from "../../core/desired/mirror.ts";
import { parseCidr } from "../../core/net/cidr.ts";
import { createDaemonClient } from "../../io/daemon/daemon-client.ts";
import { watchDaemon } from "../../io/daemon/watch-daemon.ts";
import { parseDocument } from "../../io/document/parse-document.ts";
import { startNativeHelper } from "../../io/kernel/native-helper.ts";
import { createPinoLog } from "../../io/log/pino-log.ts";
import { type AgentConfig, agentOptions, ENV_PREFIX, parseDaemons } from "./config.ts";
import { openEndpoints } from "./endpoints.ts";
import { createReconciler, describeChange } from "./reconcile.ts";
import { startAgent } from "./wire.ts";

const SYNC_WITHIN = Seconds(15);

export async function run(
  argv: string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  if (argv.includes("--help")) {
    process.stdout.write(`romana agent [options]\n\n${describeOptions(agentOptions, ENV_PREFIX)}\n`);
    return 0;
  }
  const config = readOptions(agentOptions, { argv, env, envPrefix: ENV_PREFIX, readFile: readConfig });
  for (const text of config.serviceClusterIpRange.split(",").filter(Boolean))
    parseCidr(text, "--service-cluster-ip-range");
  const log = createPinoLog("agent", config.logLevel);
  if (config.dryRun && !config.once)
    throw new InputError({
      code: "OPTION_VALUE",
      field: "--dry-run",
      value: true,
      expected: "--once beside it",
    });
  if (config.once) return syncOnce(config, log);
  const agent = await startAgent(config, log);
  log.info("stopping", { signal: await Promise.race([firstSignal(), agent.failed]) });
  await agent.close();
  return 0;
}

function readConfig(path: string): Readonly<Record<string, unknown>> {
  try {
    return parseDocument(readFileSync(path), path) as Record<string, unknown>;
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError({
      code: "FILE",
      field: "--config",
      value: path,
      expected: `a readable file (${String(cause)})`,
    });
  }
}

const firstSignal = (): Promise<string> =>
  new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.once(signal, () => {
        resolve(signal);
      });
  });

/** One pass against the daemon's present world; with `--dry-run` the plan is printed and nothing changed. */
async function syncOnce(config: AgentConfig, log: Log): Promise<number> {
  const client = createDaemonClient(parseDaemons(config.daemon));
  const helper = await startNativeHelper({ log });
  try {
    const mirror = createMirror();
    const endpoints = await openEndpoints(join(config.stateDir, "endpoints"), {
      log,
      changed: () => undefined,
    });
    await syncMirror(mirror, client.url);
    const options = {
      hostname: config.hostname || machineName(),
      table: config.routeTableId,
      multihop: config.multihopBlocks,
    };
    const reconciler = createReconciler(options, { kernel: await helper.kernel(), mirror, endpoints, log });
    const changes = config.dryRun ? await reconciler.plan() : (await reconciler.sync()).changes;
    process.stdout.write(changes.map((change) => `${describeChange(change)}\n`).join(""));
    return 0;
  } finally {
    client.close();
    await helper.close();
  }
}

async function syncMirror(mirror: ReturnType<typeof createMirror>, url: URL): Promise<void> {
  const stop = new AbortController();
  const late = systemClock.sleep(SYNC_WITHIN, stop.signal).then(
    () => {
      stop.abort();
    },
    () => undefined,
  );
  for await (const lines of watchDaemon(url, undefined, stop.signal)) {
    for (const line of lines) mirror.apply(line);
    if (mirror.synced) break;
  }
  stop.abort();
  await late;
  if (!mirror.synced)
    throw new UnavailableError({
      code: "DAEMON_SLOW",
      message: `the daemon at ${url.origin} did not tell its world in time`,
    });
}
