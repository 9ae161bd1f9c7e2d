// Log lines as JSON on stderr through pino. Never decides what is logged.
import { pino, type Logger } from "pino";
import type { Log } from "../../base/log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** A logger of the process; `app` is its first field in each line. Writes synchronously, so that a crash loses no line. */
export function createPinoLog(app: string, level: LogLevel): Log {
  const options = { level, base: { app }, formatters: { level: (label: string) => ({ level: label }) } };
  return wrap(pino(options, pino.destination({ fd: 2, sync: true })));
}

function wrap(logger: Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}
