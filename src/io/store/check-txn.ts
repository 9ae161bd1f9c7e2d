// What no driver accepts: a caller's bug, told before anything is sent.
import { BugError } from "../../base/errors.ts";
import { type Compare, MAX_TXN_OPERATIONS, type Operation } from "./store.ts";

/** BugError `TXN_TOO_LARGE`, `TXN_KEY_TWICE`, `KEY_MALFORMED`, `VALUE_MALFORMED`. */
export function checkTxn(compares: readonly Compare[], operations: readonly Operation[]): void {
  const size = compares.length + operations.length;
  if (size > MAX_TXN_OPERATIONS)
    throw new BugError({ code: "TXN_TOO_LARGE", size, most: MAX_TXN_OPERATIONS });
  for (const compare of compares) if (compare.kind === "revision") checkKey(compare.key);
  const keys = new Set<string>();
  for (const operation of operations) {
    const { key } = operation;
    checkKey(key);
    if (keys.has(key)) throw new BugError({ code: "TXN_KEY_TWICE", key });
    keys.add(key);
    if (operation.kind === "put" && !operation.value.isWellFormed())
      throw new BugError({ code: "VALUE_MALFORMED", key });
  }
}

/** A lone surrogate has no UTF-8: it would come back as another character, and two keys could become one. */
function checkKey(key: string): void {
  if (key === "" || !key.isWellFormed()) throw new BugError({ code: "KEY_MALFORMED", key });
}
