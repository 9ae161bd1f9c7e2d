// A full disk: writes are refused, nothing that was acknowledged is lost, and all goes on when there is space again.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { mountSmallDisk } from "../../../test/support/small-disk.ts";
import { UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import type { Store, TxnResult } from "./store.ts";

async function open(t: TestContext, path: string): Promise<Store> {
  const store = await openSqliteStore({ path, clock: createFakeClock(), log: silentLog });
  t.after(() => store.close());
  return store;
}
const put = (store: Store, key: string): Promise<TxnResult> =>
  store.txn([], [{ kind: "put", key, value: "x".repeat(2000) }]);
const isFull = (error: unknown): boolean => error instanceof UnavailableError && error.code === "STORE_FULL";

/** Puts until the disk is full, many at a time; the keys that were acknowledged. */
async function putUntilFull(store: Store, name: string): Promise<string[]> {
  const kept: string[] = [];
  for (let round = 0; ; round++) {
    const keys = Array.from({ length: 20 }, (_, i) => `${name}/${String(round).padStart(4, "0")}/${i}`);
    const results = await Promise.allSettled(keys.map((key) => put(store, key)));
    for (const [i, result] of results.entries())
      if (result.status === "fulfilled") kept.push(keys[i] ?? "");
      else assert.ok(isFull(result.reason), String(result.reason));
    if (results.some(({ status }) => status === "rejected")) return kept;
  }
}

const keysOf = async (store: Store): Promise<Set<string>> =>
  new Set((await store.list("")).entries.map(({ key }) => key));

test("a full disk: STORE_FULL, reads and watches go on, no acknowledged write is lost, and space mends it", async (t) => {
  const disk = mountSmallDisk(t, 4);
  const path = join(disk.path, "romana.db");
  let store = await open(t, path);
  const told = new Set<string>();
  const stop = new AbortController();
  const watching = (async () => {
    for await (const message of store.watch("", { since: 0, signal: stop.signal }))
      if (message.kind === "events")
        for (const event of message.events) if (event.kind === "put") told.add(event.entry.key);
  })();

  disk.fill();
  const before = await putUntilFull(store, "before");
  await assert.rejects(put(store, "one"), isFull);
  assert.deepEqual(await keysOf(store), new Set(before));
  disk.free();
  await put(store, "between");
  const after = await putUntilFull(store, "after");
  const all = new Set([...before, "between", ...after]);
  assert.deepEqual(await keysOf(store), all);
  await eventually(() => assert.deepEqual(told, all));
  stop.abort();
  await watching;

  await store.close();
  disk.fill();
  store = await open(t, path);
  assert.deepEqual(await keysOf(store), all, "after a new start on the full disk");
});

test("no store is made on a disk that is full, and one is when there is space", async (t) => {
  const disk = mountSmallDisk(t, 1);
  const path = join(disk.path, "romana.db");
  disk.fill();
  await assert.rejects(open(t, path), isFull);
  disk.free();
  const store = await open(t, path);
  assert.equal(store.identity.fresh, true);
});
