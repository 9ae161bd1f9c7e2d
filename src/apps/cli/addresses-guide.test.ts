// docs/guide/addresses.md is executed, in order and against a daemon: its commands print what it says.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startDaemon } from "../../../test/support/daemon.ts";
import { run } from "./main.ts";

const guide = readFileSync(join(import.meta.dirname, "../../../docs/guide/addresses.md"), "utf8");
const directory = mkdtempSync(join(tmpdir(), "romana-guide-"));
const running = await startDaemon();
const url = await running.app.listen({ host: "127.0.0.1", port: 0 });
after(async () => {
  await running.close();
  rmSync(directory, { recursive: true, force: true });
});
for (const [, name = "", text = ""] of guide.matchAll(/^`(\S+)`:\n\n```yaml\n(.*?)^```$/gms))
  writeFileSync(join(directory, name), text);

async function romana(words: string): Promise<string> {
  let printed = "";
  const print = (text: string): void => void (printed += text);
  const argv = [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, word = ""]) => quoted ?? (word.endsWith(".yaml") ? join(directory, word) : word),
  );
  await run(argv, { ROMANA_ROOT_URL: url }, { out: print, err: print });
  return printed.replaceAll(`${directory}/`, "");
}

const sessions = [...guide.matchAll(/^```console\n\$ romana ([^\n]*)\n(.*?)^```$/gms)];

test("the guide has commands", () => {
  assert.ok(sessions.length >= 15, `${sessions.length} commands`);
});

for (const [, words = "", output = ""] of sessions)
  test(`the guide tells the truth: romana ${words}`, async () => {
    assert.equal(await romana(words), output);
  });
