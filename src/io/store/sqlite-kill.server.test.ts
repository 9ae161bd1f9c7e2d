// Killed at any point, a sqlite store has every write that it acknowledged, each whole.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { keyFor, notesOf, WIDTH, WRITERS } from "../../../test/store/store-process.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { seededRng } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const KILLS = 25;
/** Milliseconds of writing before the kill, at most: among them are several checkpoints. */
const LONGEST = 150;
const PROGRAM = join(import.meta.dirname, "../../../test/store/store-process.ts");

type Acknowledged = { readonly values: number[]; revision: number };

/** Writes from `from` on until it is killed, some milliseconds after it began; what it noted was durable. */
async function writeUntilKilled(path: string, from: number, ms: number): Promise<Acknowledged> {
  const child = spawn(process.execPath, [PROGRAM, path, String(from)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  await delay(ms);
  child.kill("SIGKILL");
  await once(child, "close");
  const acknowledged: Acknowledged = { values: Array.from({ length: WRITERS }, () => -1), revision: 0 };
  const notes = readFileSync(notesOf(path), "utf8");
  rmSync(notesOf(path));
  // The last line may be cut off.
  for (const line of notes.split("\n").slice(0, -1)) {
    const [writer = 0, value = 0, revision = 0] = line.split(" ").map(Number);
    acknowledged.values[writer] = Math.max(acknowledged.values[writer] ?? -1, value);
    acknowledged.revision = Math.max(acknowledged.revision, revision);
  }
  return acknowledged;
}

/** Every value that was acknowledged or a later one, the same in all keys of its transaction; the highest value. */
async function check(path: string, { values, revision }: Acknowledged): Promise<number> {
  const store = await openSqliteStore({ path, clock: createFakeClock(), log: silentLog });
  try {
    const found = await store.list("");
    assert.ok(found.revision >= revision, `revision ${found.revision}, ${revision} was acknowledged`);
    const byKey = new Map(found.entries.map((entry) => [entry.key, entry]));
    for (const [writer, value] of values.entries()) {
      const parts = Array.from({ length: WIDTH }, (_, part) => byKey.get(keyFor(writer, part)));
      assert.equal(new Set(parts.map((entry) => entry?.value)).size, 1, "torn");
      assert.equal(new Set(parts.map((entry) => entry?.revision)).size, 1, "torn");
      const kept = Number(parts[0]?.value ?? -1);
      assert.ok(kept >= value, `writer ${writer}: ${value} was acknowledged, ${kept} is there`);
    }
    return Math.max(0, ...found.entries.map((entry) => Number(entry.value)));
  } finally {
    await store.close();
  }
}

test(`killed ${KILLS} times while it writes, the store has every acknowledged transaction, whole`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "romana-store-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "romana.db");
  const rng = seededRng(1);
  let next = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = await writeUntilKilled(path, next, rng() * LONGEST);
    next = (await check(path, acknowledged)) + 1;
  }
  assert.ok(next > KILLS, `only ${next} transactions were written`);
  t.diagnostic(`${next} transactions a writer`);
});

test("killed while it is made, a store is made by the next start, or is there", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "romana-store-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const rng = seededRng(2);
  for (let i = 0; i < 8; i++) {
    const path = join(folder, `${i}.db`);
    const child = spawn(process.execPath, [PROGRAM, path], { stdio: "ignore" });
    for (let look = 0; look < 1000 && !existsSync(path); look++) await delay(1);
    await delay(rng() * 4);
    child.kill("SIGKILL");
    await once(child, "close");
    await check(path, { values: [], revision: 0 });
  }
});
