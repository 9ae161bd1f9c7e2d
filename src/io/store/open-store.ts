// The store that a text names, loaded only when it is the one.
import type { Clock } from "../../base/clock.ts";
import { InputError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Store } from "./store.ts";

/** `memory` or `sqlite:PATH`. */
export async function openStore(text: string, deps: { clock: Clock; log: Log }): Promise<Store> {
  if (text === "memory") {
    const { createMemoryStore } = await import("./memory-store.ts");
    return createMemoryStore(deps);
  }
  const path = /^sqlite:(.+)$/.exec(text)?.[1];
  if (path === undefined)
    throw new InputError({ code: "STORE", field: "--store", value: text, expected: "memory or sqlite:PATH" });
  const { openSqliteStore } = await import("./sqlite-store.ts");
  return openSqliteStore({ path, ...deps });
}
