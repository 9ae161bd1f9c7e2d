// `romana listener`: options in, exit code out.
import { InputError } from "../../base/errors.ts";
import { describeOptions, readOptions } from "../../base/options.ts";
import { parseDocument } from "../../io/document/parse-document.ts";
import { createPinoLog } from "../../io/log/pino-log.ts";
import { readNamed } from "../../io/pem/pem-files.ts";
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
  const config = readOptions(listenerOptions, { argv, env, envPrefix: ENV_PREFIX, readFile: readConfig });
  checkConfig(config);
  const log = createPinoLog("listener", config.logLevel);
  const listener = await startListener(config, { env, log });
  log.info("stopping", { signal: await firstSignal() });
  await listener.close();
  return 0;
}

function readConfig(path: string): Readonly<Record<string, unknown>> {
  const document = parseDocument(readNamed({ option: "--config", path }), path);
  if (document !== null && typeof document === "object" && !Array.isArray(document))
    return document as Record<string, unknown>;
  throw new InputError({ code: "CONFIG", field: path, value: document, expected: "options by name" });
}

const firstSignal = (): Promise<string> =>
  new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
