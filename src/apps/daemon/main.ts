// `romana daemon`: options in, exit code out. Listens only when everything behind the port is ready.
import { lookup } from "node:dns/promises";
import { Seconds, systemClock, systemRng } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import { firstSignal } from "../../base/first-signal.ts";
import type { Log } from "../../base/log.ts";
import { describeOptions, type OptionSources, readOptions } from "../../base/options.ts";
import { within } from "../../base/within.ts";
import { createPinoLog } from "../../io/log/pino-log.ts";
import { type OpenDeps, openStore } from "../../io/store/open-store.ts";
import { readNamed } from "../../io/files/named-file.ts";
import { type DaemonConfig, daemonOptions, ENV_PREFIX } from "./config.ts";
import { asksWho, checkListener, listenAddress } from "./listener.ts";
import { startPatiently } from "./patient-start.ts";
import type { RunningDaemon } from "./wire.ts";

const STOP_WITHIN = Seconds(5);

export async function run(argv: string[], env: Env): Promise<number> {
  if (argv.includes("--help")) {
    process.stdout.write(`romana daemon [options]\n\n${describeOptions(daemonOptions, ENV_PREFIX)}\n`);
    return 0;
  }
  const config = await readConfig({ argv, env, envPrefix: ENV_PREFIX });
  checkListener(config);
  const log = createPinoLog("daemon", config.logLevel);
  const signalled = firstSignal();
  const stopped = new AbortController();
  void signalled.then(() => stopped.abort());
  const deps = { clock: systemClock, rng: systemRng, log };
  const running = await startPatiently(() => start(config, env, deps), stopped.signal, deps);
  if (!running) return 0;
  try {
    await listen(running, config);
    const { listen: address, store } = config;
    if (!asksWho(config))
      log.info("no credentials asked for: whoever reaches the port may do everything", { listen: address });
    log.info("ready", { listen: address, store, revision: running.daemon.mirror.revision });
    log.info("stopping", { signal: await Promise.race([signalled, running.ended]) });
  } finally {
    await stop(running, log);
  }
  return 0;
}

type Env = Readonly<Record<string, string | undefined>>;

async function start(config: DaemonConfig, env: Env, deps: OpenDeps): Promise<RunningDaemon> {
  const reviews =
    config.serviceAccounts.length === 0
      ? undefined
      : (await import("./access/open-token-reviews.ts")).openTokenReviews(config, env, deps);
  // The store opens in a thread of its own or far away: meanwhile the larger half of the program is loaded.
  const opening = openStore(config.store, deps, config);
  const [{ createDaemon }, store] = await Promise.all([import("./wire.ts"), opening]);
  return createDaemon(config, store, { ...deps, reviews });
}

async function listen({ app }: RunningDaemon, config: DaemonConfig): Promise<void> {
  try {
    const { host, port } = listenAddress(config);
    // Given the name, the framework would open a second server beside ours, on the other family.
    await app.listen({ host: host === "localhost" ? (await lookup(host)).address : host, port });
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new UnavailableError({ code: "LISTEN", address: config.listen, reason }, { cause });
  }
}

async function stop(running: RunningDaemon, log: Log): Promise<void> {
  if (await within(systemClock, STOP_WITHIN, running.close())) return log.info("stopped");
  // A disk that hangs holds the process: what was acknowledged is durable.
  log.error("stopped before the store was closed", { after: STOP_WITHIN });
  process.exit(1);
}

/** The parser of files is loaded only where there is a file. */
async function readConfig(sources: OptionSources): Promise<DaemonConfig> {
  const config = readOptions(daemonOptions, sources);
  if (config.config === "") return config;
  const { parseDocument } = await import("../../io/document/parse-document.ts");
  const readFile = (path: string): Record<string, unknown> => {
    const document = parseDocument(readNamed({ option: "--config", path: path }), path);
    if (document !== null && typeof document === "object" && !Array.isArray(document))
      return document as Record<string, unknown>;
    throw new InputError({ code: "CONFIG", field: path, value: document, expected: "options by name" });
  };
  return readOptions(daemonOptions, { ...sources, readFile });
}
