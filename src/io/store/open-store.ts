// The store that a text names, loaded only when it is the one.
import { existsSync } from "node:fs";
import type { Clock, Rng } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import * as options from "../../base/options.ts";
import type { EtcdFiles } from "./etcd-access.ts";
import type { Store } from "./store.ts";

export type OpenDeps = { readonly clock: Clock; readonly rng: Rng; readonly log: Log };

/** Options of every program that opens a store. */
export const etcdOptions = {
  etcdCa: options.option(options.text, "", "PEM file of the CA that etcd's certificates are of"),
  etcdCert: options.option(options.text, "", "PEM file of the certificate to show to etcd"),
  etcdKey: options.option(options.text, "", "PEM file of that certificate's key"),
  etcdUser: options.option(options.text, "", "user to log in to etcd as"),
  etcdPasswordFile: options.option(options.text, "", "file whose first line is that user's password"),
} as const satisfies options.OptionTable;

const EXPECTED = "memory, sqlite:PATH or etcd:URL,URL…";
const TEXT = /^(sqlite|etcd):(.+)$/;

/** Tells the text of a store from the name of a file. */
export const isStoreText = (text: string): boolean => text === "memory" || /^(sqlite|etcd):/.test(text);

/**
 * `memory`, `sqlite:PATH`, or `etcd:URL,URL…` with `files` to reach it. InputError `STORE`, `STORE_PATH`, and those of
 * `etcdAccess`; UnavailableError as the driver says.
 */
export async function openStore(text: string, deps: OpenDeps, files?: EtcdFiles): Promise<Store> {
  if (text === "memory") {
    const { createMemoryStore } = await import("./memory-store.ts");
    return createMemoryStore(deps);
  }
  const [, kind, place = ""] = TEXT.exec(text) ?? [];
  if (kind === "sqlite") {
    const { openSqliteStore } = await import("./sqlite-store.ts");
    return openSqliteStore({ path: place, ...deps }).catch((error: unknown) => {
      throw misplaced(text, error) ?? error;
    });
  }
  if (kind !== "etcd")
    throw new InputError({ code: "STORE", field: "store", value: text, expected: EXPECTED });
  const { etcdAccess, NO_FILES } = await import("./etcd-access.ts");
  const { openEtcdStore } = await import("./etcd-store.ts");
  return openEtcdStore(etcdAccess(place, files ?? NO_FILES), deps);
}

/** Where no store can ever be, whoever waits; `undefined` for all else. */
function misplaced(text: string, error: unknown): InputError | undefined {
  if (!(error instanceof UnavailableError) || error.code !== "STORE_PATH") return undefined;
  const expected = `sqlite:PATH of a file that this user may make or write (${error.message})`;
  return new InputError({ code: error.code, field: "store", value: text, expected });
}

/** As `openStore`, and never makes a file. InputError `STORE_MISSING`. */
export async function openExistingStore(text: string, deps: OpenDeps, files?: EtcdFiles): Promise<Store> {
  const [, kind, place = ""] = TEXT.exec(text) ?? [];
  if (text !== "memory" && (kind !== "sqlite" || existsSync(place))) return openStore(text, deps, files);
  const expected = text === "memory" ? "a store that outlives its process" : "the file of a store";
  throw new InputError({ code: "STORE_MISSING", field: "store", value: text, expected });
}
