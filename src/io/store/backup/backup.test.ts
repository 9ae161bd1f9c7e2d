// A backup is its store's records, and nothing but the whole of it is one.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { InputError, UnavailableError } from "../../../base/errors.ts";
import { encodeImport, importKey } from "../../../core/model/import-record.ts";
import { KEY_PREFIX } from "../../../core/model/keys.ts";
import { encodeSchema, schemaKey } from "../../../core/model/schema.ts";
import { upgradeStore } from "../upgrade-store.ts";
import { importRecords } from "./import-records.ts";
import { checkBackup, readBackup } from "./read-backup.ts";
import { readRecords } from "./read-records.ts";
import { backupOf, clock, filled, inChunks, memoryStore, pairsOf } from "../../../../test/support/backups.ts";
import { writeBackup } from "./write-backup.ts";

const name = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).filter((text) => text.isWellFormed());
const records = fc.dictionary(name, fc.string({ unit: "binary", maxLength: 40 }), { maxKeys: 40 });
const check = (bytes: Uint8Array) => checkBackup(inChunks(bytes), "file");

test("what is exported and imported is what there was, and its backup is the same text", async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.integer({ min: 1, max: 300 }), async (content, size) => {
      const [from, to] = [await filled(content), memoryStore()];
      const bytes = await backupOf(from);
      await importRecords(to, readBackup(inChunks(bytes, size), "file"), { replace: false });
      assert.deepEqual(await pairsOf(to), await pairsOf(from));
      const [entriesOf, again] = [
        (text: Buffer) => text.toString().split("\n").slice(1, -2),
        await backupOf(to),
      ];
      assert.deepEqual(entriesOf(again), entriesOf(bytes));
    }),
    { numRuns: 60 },
  );
});

const sample = await backupOf(
  await filled({
    "blocks/10.0.0.0/29": '{"slots":{"0":["a",1]}}',
    "hosts/é": '{"name":"é"}',
    topology: "{}",
  }),
);
const isRefused = (error: unknown): boolean => error instanceof InputError && /^BACKUP_/.test(error.code);

test("a byte altered anywhere is refused", async () => {
  for (let at = 0; at < sample.length; at++)
    for (const bit of [0x01, 0x20, 0x80]) {
      const altered = Buffer.from(sample);
      altered[at] = (altered[at] ?? 0) ^ bit;
      await assert.rejects(check(altered), isRefused, `byte ${at}, bit ${bit}`);
    }
});

test("a byte too many or too few anywhere is refused, and every truncation", async () => {
  for (let at = 0; at <= sample.length; at++) {
    const [before, after] = [sample.subarray(0, at), sample.subarray(at)];
    await assert.rejects(
      check(Buffer.concat([before, Buffer.from("\n"), after])),
      isRefused,
      `more at ${at}`,
    );
    if (at === sample.length) continue;
    await assert.rejects(check(before), isRefused, `cut at ${at}`);
    await assert.rejects(check(Buffer.concat([before, after.subarray(1)])), isRefused, `less at ${at}`);
  }
});

test("lines left out, said twice or in another order are refused, even with a digest that is right", async () => {
  const [header = "", a = "", b = "", c = ""] = sample.toString().split("\n");
  for (const lines of [
    [header, b, a, c],
    [header, a, a, b, c],
  ])
    await assert.rejects(check(signed(lines)), { code: "BACKUP_ALTERED" });
});

/** Lines with the trailer that they ask for. */
function signed(lines: readonly string[]): Buffer {
  const text = lines.map((line) => `${line}\n`).join("");
  const sha256 = createHash("sha256").update(text).digest("hex");
  return Buffer.from(`${text}${JSON.stringify({ entries: lines.length - 1, sha256 })}\n`);
}

const headerWith = (fields: object): string =>
  JSON.stringify({
    romana_backup: 1,
    cluster: "c",
    generation: 0,
    revision: 1,
    schema: 1,
    taken: "t",
    ...fields,
  });
const entry = (fields: object): string => JSON.stringify({ key: `${KEY_PREFIX}k`, value: "", ...fields });

/** Each row: what is wrong, the lines, what is said. All have a digest that is right. */
const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["another file", ['{"hosts":[]}'], /line 1: .*expected a backup of Romana/],
  ["a newer format", [headerWith({ romana_backup: 2 })], /line 1: 2: expected format 1 or older/],
  ["a newer schema", [headerWith({ schema: 99 })], /line 1: 99: expected records of schema \d+ or older/],
  ["no revision", [headerWith({ revision: null })], /line 1: .*expected cluster, generation/],
  ["a field too many", [headerWith({}), entry({ lease: "l" })], /line 2: .*expected an entry/],
  ["a value that is no text", [headerWith({}), entry({ value: {} })], /line 2: .*expected an entry/],
  ["a key elsewhere", [headerWith({}), entry({ key: "/etc/passwd" })], /line 2: .*expected a record/],
  ["the store's own key", [headerWith({}), entry({ key: importKey })], /line 2: .*expected a record/],
  [
    "half a character",
    [headerWith({}), `{"key":"${KEY_PREFIX}k","value":"\\ud800"}`],
    /line 2: .*expected a record/,
  ],
];
for (const [what, lines, message] of wrong)
  test(`${what} is refused, and named`, async () => {
    await assert.rejects(check(signed(lines)), (error) => isRefused(error) && message.test(String(error)));
  });

test("a line that never ends is not read to its end", async () => {
  const piece = Buffer.alloc(2 ** 23, "x");
  let read = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      read++;
      yield piece;
    }
  }
  await assert.rejects(checkBackup(endless(), "file"), isRefused);
  assert.ok(read < 8);
});

test("leases, and what the store says of itself, are not moved", async () => {
  const store = await filled({ topology: "{}" });
  const lease = await store.grantLease(60);
  await store.txn(
    [],
    [
      { kind: "put", key: `${KEY_PREFIX}leases/h1`, value: "{}", lease },
      { kind: "put", key: schemaKey, value: encodeSchema({ version: 1 }) },
    ],
  );
  assert.deepEqual(await pairsOf(store), [{ key: `${KEY_PREFIX}topology`, value: "{}" }]);
});

test("a backup is of one revision, whatever is written while it is made", async () => {
  const many = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`addresses/${i}`, "old"]));
  const store = await filled(many);
  let pages = 0;
  async function* disturbed(): AsyncGenerator<Uint8Array> {
    for await (const text of writeBackup(readRecords(store, { clock }))) {
      yield Buffer.from(text);
      const changes = { "addresses/0": "new", "addresses/999": "new", [`addresses/9999${pages++}`]: "new" };
      await filled(changes, store);
    }
  }
  const to = memoryStore();
  const { entries } = await importRecords(to, readBackup(disturbed(), "file"), { replace: false });
  assert.equal(entries, 2500);
  assert.ok((await pairsOf(to)).every(({ value }) => value === "old"));
  assert.ok(pages > 2);
});

test("a store that an import left half done is neither exported nor upgraded", async () => {
  const record = encodeImport({
    generation: 1,
    state: "writing",
    origin: { cluster: "c", generation: 0, revision: 7, taken: "2026" },
  });
  const store = await filled({ topology: "{}", import: record });
  const isUnfinished = (error: unknown): boolean =>
    error instanceof UnavailableError &&
    error.code === "STORE_IMPORT_UNFINISHED" &&
    /revision 7/.test(error.message);
  await assert.rejects(backupOf(store), isUnfinished);
  await assert.rejects(upgradeStore(store), isUnfinished);
});

test("records in the middle of an upgrade are not exported", async () => {
  const record = encodeSchema({ version: 0, upgrade: { to: 1, after: "" } });
  await assert.rejects(backupOf(await filled({ schema: record })), { code: "STORE_UPGRADING" });
});
