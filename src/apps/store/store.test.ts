// `romana store` on real files: what it says, what it leaves behind, what it refuses.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { systemClock, systemRng } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { KEY_PREFIX } from "../../core/model/keys.ts";
import { encodeSchema, schemaKey } from "../../core/model/schema.ts";
import { openStore } from "../../io/store/open-store.ts";
import type { Operation } from "../../io/store/store.ts";
import { run } from "./main.ts";

let folder = "";
let dir = "";
let cases = 0;
before(() => (folder = mkdtempSync(join(tmpdir(), "romana-store-app-"))));
after(() => rmSync(folder, { recursive: true }));
beforeEach(() => (dir = join(folder, String(cases++))));

const file = (name: string): string => join(dir, name);
const sqlite = (name: string): string => `sqlite:${file(name)}`;
const host = (name: string): string =>
  JSON.stringify({ name, ips: ["192.168.0.1"], tags: {}, agentPort: 0, k8sInfo: {}, groups: [] });

/** A store with these records; keys without the prefix. */
async function fill(name: string, records: Readonly<Record<string, string>>): Promise<void> {
  const store = await openStore(sqlite(name), { clock: systemClock, rng: systemRng, log: silentLog });
  const puts = Object.entries(records).map(([key, value]): Operation => ({
    kind: "put",
    key: KEY_PREFIX + key,
    value,
  }));
  await store.txn([], puts);
  await store.close();
}

async function romanaStore(...argv: string[]): Promise<{ code: number; out: string }> {
  let out = "";
  const code = await run(argv, {}, (line) => void (out += `${line}\n`));
  return { code, out };
}

test("exported, verified, imported, copied, verified: each says what it did", async () => {
  await fill("a.db", { "hosts/h1": host("h1"), "hosts/h2": host("h2"), "guards/v4": "{}" });
  const exported = await romanaStore("export", sqlite("a.db"), file("backup"));
  assert.match(
    exported.out,
    /backup holds the 3 records of sqlite:.*a\.db, cluster \S+ at revision 1, schema 0/,
  );
  assert.equal(statSync(file("backup")).mode & 0o777, 0o600);
  assert.match((await romanaStore("verify", file("backup"))).out, /is whole, .*: 1 guards, 2 hosts\n$/);
  const imported = await romanaStore("import", file("backup"), sqlite("b.db"));
  assert.match(imported.out, /b\.db holds the 3 records.*\n.*hands out nothing until every host/);
  await romanaStore("copy", sqlite("b.db"), sqlite("c.db"));
  const { code, out } = await romanaStore("verify", sqlite("c.db"));
  assert.match(out, /c\.db is whole, .*schema \d+, .*: 1 guards, 2 hosts\n$/);
  assert.equal(code, 0);
  await romanaStore("export", sqlite("c.db"), file("again"));
  const entriesOf = (name: string): string[] => readFileSync(file(name), "utf8").split("\n").slice(1, -2);
  assert.deepEqual(entriesOf("again"), entriesOf("backup"));
});

test("a store that a daemon has open is left alone, and told how else", async () => {
  await fill("a.db", {});
  const daemon = await openStore(sqlite("a.db"), { clock: systemClock, rng: systemRng, log: silentLog });
  try {
    await assert.rejects(romanaStore("export", sqlite("a.db"), file("backup")), (error) => {
      assert.ok(error instanceof UnavailableError);
      assert.match(error.message, /in use by .*: stop the daemon first, or .*romana backup FILE/);
      return error.code === "STORE_LOCKED";
    });
  } finally {
    await daemon.close();
  }
  assert.equal(existsSync(file("backup")), false);
});

test("a damaged backup leaves no trace: no store is made", async () => {
  await fill("a.db", { "hosts/h1": host("h1") });
  await romanaStore("export", sqlite("a.db"), file("backup"));
  const text = readFileSync(file("backup"), "utf8");
  for (const [name, damaged] of [
    ["cut", text.slice(0, -5)],
    ["altered", text.replace("192.168.0.1", "192.168.0.2")],
  ] as const) {
    writeFileSync(file(name), damaged);
    const attempt = romanaStore("import", file(name), sqlite("b.db"));
    await assert.rejects(attempt, (error) => error instanceof InputError && /^BACKUP_/.test(error.code));
  }
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.startsWith("b.db")),
    [],
  );
});

test("an import into a store that holds something names it, and with --replace takes its place", async () => {
  await fill("a.db", { "hosts/h1": host("h1") });
  await fill("b.db", { "hosts/h2": host("h2") });
  await romanaStore("export", sqlite("a.db"), file("backup"));
  await assert.rejects(
    romanaStore("import", file("backup"), sqlite("b.db")),
    /hosts\/h2.*expected an empty store/,
  );
  await romanaStore("import", file("backup"), sqlite("b.db"), "--replace");
  await romanaStore("export", sqlite("b.db"), file("again"));
  assert.match(readFileSync(file("again"), "utf8"), /hosts\/h1/);
  assert.doesNotMatch(readFileSync(file("again"), "utf8"), /hosts\/h2/);
});

test("records that hold garbage are named by key and field, moved as they are, and make verify fail", async () => {
  await fill("a.db", { "hosts/h1": host("other"), "hosts/h2": host("h2"), "blocks/10.0.0.0%2F29": "{" });
  const found = await romanaStore("verify", sqlite("a.db"));
  assert.equal(found.code, 1);
  assert.match(found.out, /cannot be read: .*blocks\/10\.0\.0\.0%2F29.*JSON/);
  assert.match(found.out, /cannot be read: .*hosts\/h1.*field="name".*as \/romana\/v3\/hosts\/other/);
  await romanaStore("export", sqlite("a.db"), file("backup"));
  assert.match(
    (await romanaStore("import", file("backup"), sqlite("b.db"))).out,
    /cannot be read: .*hosts\/h1/,
  );
  assert.match((await romanaStore("verify", sqlite("b.db"))).out, /1 blocks, 2 hosts/);
});

test("a store of a newer schema is neither exported nor imported into", async () => {
  await fill("a.db", { "hosts/h1": host("h1") });
  await romanaStore("export", sqlite("a.db"), file("backup"));
  await fill("b.db", { [schemaKey.slice(KEY_PREFIX.length)]: encodeSchema({ version: 9 }) });
  const isNewer = /schema 9, this Romana knows up to \d+/;
  await assert.rejects(romanaStore("export", sqlite("b.db"), file("b")), isNewer);
  await assert.rejects(romanaStore("import", file("backup"), sqlite("b.db"), "--replace"), isNewer);
});

/** Each row: the words, what the error says. */
const wrong: readonly (readonly [string, RegExp])[] = [
  ["", /romana store: "": expected one of export, import, copy, verify/],
  ["move a b", /romana store: "move": expected one of/],
  ["export sqlite:x", /romana store export: "sqlite:x": expected STORE FILE/],
  ["import a b c", /romana store import: "a b c": expected FILE STORE/],
  ["verify --replace", /romana store verify: "": expected FILE\|STORE/],
  ["import a sqlite:b --force", /--force/],
  ["export sqlite:/nowhere/x.db out", /store: "sqlite:\/nowhere\/x\.db": expected the file of a store/],
  ["export memory out", /store: "memory": expected a store that outlives/],
  ["export postgres:x out", /store: "postgres:x": expected memory, sqlite:PATH or etcd:URL/],
  ["import /nowhere sqlite:x", /file: "\/nowhere": expected a file to use \(ENOENT\)/],
  ["verify /", /file: "\/": expected a file to use \(EISDIR\)/],
];
for (const [words, message] of wrong)
  test(`romana store ${words}: refused`, async () => {
    await assert.rejects(romanaStore(...words.split(" ").filter(Boolean)), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, message);
      return true;
    });
  });

test("an export to where no file can be leaves the store and nothing else", async () => {
  await fill("a.db", { "hosts/h1": host("h1") });
  await assert.rejects(
    romanaStore("export", sqlite("a.db"), "/nowhere/backup"),
    /"\/nowhere\/backup".*ENOENT/,
  );
  assert.equal((await romanaStore("verify", sqlite("a.db"))).code, 0);
});

test("help says the words", async () => {
  assert.match((await romanaStore("--help")).out, /romana store import FILE STORE/);
});
