// `romana publisher`: options in, exit code out.
import { firstSignal } from "../../base/first-signal.ts";
import { describeOptions, readOptions } from "../../base/options.ts";
import { readOptionsFile } from "../../io/document/read-options-file.ts";
import { createPinoLog } from "../../io/log/pino-log.ts";
import { checkConfig, ENV_PREFIX, publisherOptions } from "./config.ts";
import { startPublisher } from "./wire.ts";

export async function run(
  argv: string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  if (argv.includes("--help")) {
    process.stdout.write(`romana publisher [options]\n\n${describeOptions(publisherOptions, ENV_PREFIX)}\n`);
    return 0;
  }
  const config = readOptions(publisherOptions, {
    argv,
    env,
    envPrefix: ENV_PREFIX,
    readFile: readOptionsFile,
  });
  checkConfig(config);
  const log = createPinoLog("publisher", config.logLevel);
  const publisher = await startPublisher(config, log);
  log.info("stopping", { signal: await firstSignal() });
  await publisher.close();
  return 0;
}
