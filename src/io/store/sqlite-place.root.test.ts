// Where this user may not write: said so at once, and nothing is changed.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { openDatabase } from "./sqlite-database.ts";

const NOBODY = 65_534;

function asNobody<T>(work: () => T): T {
  process.seteuid?.(NOBODY);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

/** Root's: of `closed` nobody else sees what is in it, in `readable` nobody else may write. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "romana-place-"));
  t.after(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  for (const [name, mode] of [
    ["closed", 0o700],
    ["readable", 0o755],
  ] as const) {
    mkdirSync(join(folder, name));
    openDatabase(join(folder, name, "there.db")).db.close();
    chmodSync(join(folder, name), mode);
  }
  return folder;
}

for (const place of [
  "new.db",
  "a/b/new.db",
  "closed/new.db",
  "closed/there.db",
  "readable/new.db",
  "readable/there.db",
])
  test(`${place}, where this user may not write, is refused by its name`, (t) => {
    const path = join(folderOf(t), place);
    const isNamed = (error: unknown): boolean =>
      error instanceof UnavailableError && error.code === "STORE_PATH" && error.message.includes(path);
    assert.throws(() => asNobody(() => openDatabase(path)), isNamed);
  });
