// The store that a text names, loaded only when it is the one.
import type { Clock, Rng } from "../../base/clock.ts";
import { InputError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { EtcdFiles } from "./etcd-access.ts";
import type { Store } from "./store.ts";

export type OpenDeps = { readonly clock: Clock; readonly rng: Rng; readonly log: Log };

const EXPECTED = "memory, sqlite:PATH or etcd:URL,URL…";

/** `memory`, `sqlite:PATH`, or `etcd:URL,URL…` with `files` to reach it. */
export async function openStore(text: string, deps: OpenDeps, files?: EtcdFiles): Promise<Store> {
  if (text === "memory") {
    const { createMemoryStore } = await import("./memory-store.ts");
    return createMemoryStore(deps);
  }
  const [, kind, place = ""] = /^(sqlite|etcd):(.+)$/.exec(text) ?? [];
  if (kind === "sqlite") {
    const { openSqliteStore } = await import("./sqlite-store.ts");
    return openSqliteStore({ path: place, ...deps });
  }
  if (kind !== "etcd")
    throw new InputError({ code: "STORE", field: "--store", value: text, expected: EXPECTED });
  const { etcdAccess, NO_FILES } = await import("./etcd-access.ts");
  const { openEtcdStore } = await import("./etcd-store.ts");
  return openEtcdStore(etcdAccess(place, files ?? NO_FILES), deps);
}
