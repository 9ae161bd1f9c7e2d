// How a command's body meets commander.
import type { Context } from "../context.ts";

/** Makes the action of a command: the body gets its context first, then the command's words, its own options last. A number is the exit code. */
export type Action = <Args extends unknown[]>(
  body: (context: Context, ...args: Args) => Promise<void | number>,
) => (...args: unknown[]) => Promise<void>;

/** A name as part of a path of the API. */
export const segmentOf = encodeURIComponent;
