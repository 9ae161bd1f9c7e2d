// `romana listener`: options in, exit code out.
import { firstSignal } from "../../base/first-signal.ts";
import { describeOptions, readOptions } from "../../base/options.ts";
import { readOptionsFile } from "../../io/document/read-options-file.ts";
import { createPinoLog } from "../../io/log/pino-log.ts";
import { checkConfig, ENV_PREFIX, listenerOptions } from "./config.ts";
import { startListener } from "./wire.ts";

export async function run(
  argv: string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  if (argv.includes("--help")) {
    process.stdout.write(`romana listener [options]\n\n${describeOptions(listenerOptions, ENV_PREFIX)}\n`);
    return 0;
  }
  const config = readOptions(listenerOptions, {
    argv,
    env,
    envPrefix: ENV_PREFIX,
    readFile: readOptionsFile,
  });
  checkConfig(config);
  const log = createPinoLog("listener", config.logLevel);
  const listener = await startListener(config, { env, log });
  log.info("stopping", { signal: await firstSignal() });
  await listener.close();
  return 0;
}
