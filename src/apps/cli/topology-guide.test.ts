// docs/guide/topology.md is executed: its files are written to a directory, its commands run there, and they print what it says.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { builtInNames } from "../../core/topology/built-in.ts";
import { run } from "./main.ts";

const guide = readFileSync(join(import.meta.dirname, "../../../docs/guide/topology.md"), "utf8");
const directory = mkdtempSync(join(tmpdir(), "romana-guide-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const files = [...guide.matchAll(/^`(\S+)`:\n\n```(?:yaml|json)\n(.*?)^```$/gms)];
for (const [, name = "", text = ""] of files) writeFileSync(join(directory, name), text);
const sessions = [...guide.matchAll(/^```console\n\$ romana ([^\n]*)\n(.*?)^```$/gms)];

async function romana(words: string): Promise<string> {
  let printed = "";
  const print = (text: string): void => void (printed += text);
  const argv = words.split(" ").map((word) => (/\.\w+$/.test(word) ? join(directory, word) : word));
  await run(argv, {}, { out: print, err: print });
  return printed;
}

test("the guide has files and commands", () => {
  assert.ok(files.length >= 5 && sessions.length >= 5, `${files.length} files, ${sessions.length} commands`);
});

for (const [, words = "", output = ""] of sessions)
  test(`the guide tells the truth: romana ${words}`, async () => {
    assert.equal(await romana(words), output);
  });

test("built-in topologies are planned by name", async () => {
  for (const name of builtInNames) assert.match(await romana(`topology plan ${name}`), /^Group/, name);
});
