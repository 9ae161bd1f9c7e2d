// The README says what the code does: options and commands are the same on both sides, and its examples work.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { filled } from "../../../test/support/backups.ts";
import { systemClock, systemRng } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { openStore } from "../../io/store/open-store.ts";
import { HELP } from "./config.ts";
import { run } from "./main.ts";

const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
const section = (name: string): string =>
  readme.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? "";
const found = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))].sort();

test("options", () => {
  assert.deepEqual(found(section("Options"), /`(--[a-z-]+)/g), found(HELP, /^ +(--[a-z-]+)/gm));
});

test("commands", () => {
  assert.deepEqual(found(section("Reads"), /^\| `([a-z]+) /gm), found(HELP, /^romana store ([a-z]+)/gm));
});

test("examples, one after the other", async () => {
  const folder = mkdtempSync(join(tmpdir(), "romana-readme-"));
  try {
    const deps = { clock: systemClock, rng: systemRng, log: silentLog };
    const store = await openStore(`sqlite:${folder}/romana.db`, deps);
    await filled({ "guards/v4": "{}" }, store);
    await store.close();
    const lines = section("Examples").matchAll(/^romana store (.+)$/gm);
    const examples = [...lines].map(([, words = ""]) => words);
    assert.ok(examples.length > 3);
    for (const words of examples) {
      const argv = words.replaceAll("/var/lib/romana", folder).replaceAll("monday.backup", `${folder}/b`);
      assert.equal(await run(argv.split(" "), {}, () => undefined), 0, words);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
