// What no driver accepts: a caller's bug, told before anything is sent.
import { BugError } from "../../base/errors.ts";
import { type Compare, MAX_TXN_OPERATIONS, type Operation } from "./store.ts";

/** BugError `TXN_TOO_LARGE`, `TXN_KEY_TWICE`. */
export function checkTxn(compares: readonly Compare[], operations: readonly Operation[]): void {
  if (compares.length + operations.length > MAX_TXN_OPERATIONS)
    throw new BugError({
      code: "TXN_TOO_LARGE",
      compares: compares.length,
      operations: operations.length,
      most: MAX_TXN_OPERATIONS,
    });
  const keys = new Set<string>();
  for (const { key } of operations) {
    if (keys.has(key)) throw new BugError({ code: "TXN_KEY_TWICE", key });
    keys.add(key);
  }
}
