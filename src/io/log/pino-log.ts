// Log lines as JSON on stderr through pino. Never decides what is logged.
import { setImmediate } from "node:timers";
import { pino, type Logger } from "pino";
import type { Log } from "../../base/log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** A logger of the process; `app` is its first field in each line. */
export function createPinoLog(app: string, level: LogLevel): Log {
  const options = { level, base: { app }, formatters: { level: (label: string) => ({ level: label }) } };
  return wrap(pino(options, stderrByTurns()));
}

/**
 * The lines of one turn of the event loop are one write: a write for each would cost more than the line, and a busy daemon has a line for
 * each allocation. It is synchronous, and what is left is written as the process ends: neither exit nor exception loses a line.
 */
function stderrByTurns(): { write(line: string): void } {
  const stderr = pino.destination({ fd: 2, sync: true });
  let waiting = "";
  const flush = (): void => {
    const lines = waiting;
    waiting = "";
    if (lines !== "") stderr.write(lines);
  };
  process.on("exit", flush);
  return {
    write(line) {
      if (waiting === "") setImmediate(flush);
      waiting += line;
    },
  };
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
