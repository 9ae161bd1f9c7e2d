// Records are taken to the program's schema, once, whatever happens in between; and never back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { parseText } from "../../core/model/codec-read.ts";
import { encodeSchema, RECORDS_SCHEMA, type RecordStep } from "../../core/model/schema.ts";
import { filled, memoryStore, pairsOf } from "../../../test/support/backups.ts";
import type { Store } from "./store.ts";
import { readSchema } from "./store-state.ts";
import { upgradeStore } from "./upgrade-store.ts";

/** Schema 1 wrote a host's labels as a text, schema 2 as an object; schema 3 has no leases in it. */
const steps: readonly RecordStep[] = [
  (_key, value) => value,
  (key, value) => {
    if (!key.includes("/hosts/")) return value;
    const { labels, ...host } = parseText(key, value).value as { labels: string };
    return JSON.stringify({
      ...host,
      tags: Object.fromEntries(labels.split(",").map((each) => each.split("="))) as object,
    });
  },
  (key, value) => (key.includes("/reservations/") ? undefined : value),
];
const old = {
  ...Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`hosts/h${i}`, `{"name":"h${i}","labels":"rack=a,zone=${i}"}`]),
  ),
  "reservations/10.0.0.1": "{}",
  topology: "{}",
};
const asNew = async (store: Store): Promise<void> => {
  assert.deepEqual((await readSchema(store, 3)).record, { version: 3 });
  const pairs = (await store.list("/romana/v3/")).entries.filter(({ key }) => !key.endsWith("/schema"));
  assert.deepEqual(
    pairs.map(({ key }) => key.split("/")[3]).filter((kind) => kind !== "hosts"),
    ["topology"],
  );
  for (const { value } of pairs.slice(0, -1))
    assert.match(value, /^\{"name":"h\d+","tags":\{"rack":"a","zone":"\d+"\}\}$/);
};

test("records of an older schema become those of this one, and each is changed once", async () => {
  const store = await filled(old);
  assert.deepEqual(await upgradeStore(store, steps), { from: 0, to: 3, changed: 201 });
  await asNew(store);
  assert.equal(await upgradeStore(store, steps), undefined);
});

test("an upgrade that is cut off at any transaction goes on where it was", async () => {
  for (let survived = 0, isWhole = false; !isWhole; survived++) {
    let left = survived;
    const isDead = (): boolean => left-- <= 0;
    let isFilled = false;
    const store = await filled(
      old,
      memoryStore((method) => {
        if (isFilled && method === "txn" && isDead()) throw new UnavailableError({ code: "STORE_TIMEOUT" });
      }),
    );
    isFilled = true;
    isWhole = await upgradeStore(store, steps).then(
      () => true,
      () => false,
    );
    left = Infinity;
    if (!isWhole) await upgradeStore(store, steps);
    await asNew(store);
  }
});

test("daemons that start together upgrade each record once", async () => {
  const store = await filled(old);
  await Promise.all([upgradeStore(store, steps), upgradeStore(store, steps), upgradeStore(store, steps)]);
  await asNew(store);
});

test("an upgrade that an older program began is brought to its end first", async () => {
  const store = await filled({
    ...old,
    schema: encodeSchema({ version: 1, upgrade: { to: 2, after: "/romana/v3/hosts/h0" } }),
    "hosts/h0": '{"name":"h0","tags":{"rack":"a","zone":"0"}}',
  });
  await upgradeStore(store, steps);
  await asNew(store);
});

test("a record that is garbage stays as it is, and holds up no other", async () => {
  const store = await filled({ "hosts/a": "{", "hosts/b": '{"name":"b","labels":"rack=a"}' });
  assert.deepEqual(await upgradeStore(store, steps), { from: 0, to: 3, changed: 1 });
  assert.deepEqual(
    (await store.list("/romana/v3/hosts/")).entries.map(({ value }) => value),
    ["{", '{"name":"b","tags":{"rack":"a"}}'],
  );
});

test("a store that says no schema, as those of before did, gets this one; its records stay", async () => {
  const store = await filled({ topology: "{}" });
  assert.deepEqual(await upgradeStore(store), { from: 0, to: RECORDS_SCHEMA, changed: 0 });
  assert.equal((await pairsOf(store)).length, 1);
});

for (const record of [{ version: 7 }, { version: 1, upgrade: { to: 7, after: "" } }])
  test(`there is no way back from ${JSON.stringify(record)}: both versions are named`, async () => {
    const store = await filled({ ...old, schema: encodeSchema(record) });
    const before = (await store.list("")).entries;
    await assert.rejects(upgradeStore(store), (error) =>
      /schema 7, this Romana knows up to \d+: there is no way back/.test(String(error)),
    );
    assert.deepEqual((await store.list("")).entries, before);
  });

for (const text of ["", "[]", '{"version":-1}', '{"version":1,"more":1}', '{"version":1,"upgrade":{}}'])
  test(`a schema that is ${text || "empty"} is garbage, and named`, async () => {
    await assert.rejects(upgradeStore(await filled({ schema: text })), (error) =>
      /STORE_GARBAGE key="\/romana\/v3\/schema"/.test(String(error)),
    );
  });
