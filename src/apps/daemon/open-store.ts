// The store that `--store` names, loaded only when it is the one.
import { InputError } from "../../base/errors.ts";
import type { Store } from "../../io/store/store.ts";

/** `memory` or `sqlite:PATH`. */
export async function openStore(text: string): Promise<Store> {
  if (text === "memory") {
    const { createMemoryStore } = await import("../../io/store/memory-store.ts");
    return createMemoryStore();
  }
  const path = /^sqlite:(.+)$/.exec(text)?.[1];
  if (path === undefined)
    throw new InputError({ code: "STORE", field: "--store", value: text, expected: "memory or sqlite:PATH" });
  const { openSqliteStore } = await import("../../io/store/sqlite-store.ts");
  return openSqliteStore(path);
}
