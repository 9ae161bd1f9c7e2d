// docs/guide/operations.md is followed literally: its files are written, its commands run in order in one shell, in a network namespace
// of their own, where its addresses are free. Whatever is left running ends with the shell.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const project = join(import.meta.dirname, "../../..");
const guide = readFileSync(join(project, "docs/guide/operations.md"), "utf8");
const PREPARE = "set -euo pipefail; ip link set lo up";
const WITHIN_MS = 240_000;

test("who follows the guide comes from one daemon to three on three members of etcd, through failures and a restore", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "romana-operations-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [, name = "", text = ""] of guide.matchAll(/^`(\S+)`:\n\n```yaml\n(.*?)^```$/gms))
    writeFileSync(join(directory, name), text);
  const steps = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = ""]) => text);
  assert.ok(steps.length > 10, `${steps.length} steps`);
  const script = [PREPARE, ...steps.map((text, i) => `echo "step ${i + 1}"\n${text}`)].join("\n");

  const isolated = ["--net", "--pid", "--fork", "--kill-child", "bash", "-c", script];
  const { status, stdout, stderr } = spawnSync("unshare", isolated, {
    cwd: directory,
    env: { ...process.env, ROMANA: project },
    encoding: "utf8",
    timeout: WITHIN_MS,
  });
  assert.equal(status, 0, `${stdout}\n${stderr}\n${logsIn(directory)}`);

  const addresses = /step 13[^]*/.exec(stdout)?.[0] ?? stdout;
  assert.match(addresses, /web-4/, "what the backup held is there after the restore");
  assert.doesNotMatch(addresses, /web-5/, "what came after it is not");
});

const logsIn = (directory: string): string =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".log"))
    .map(
      (name) => `${name}:\n${readFileSync(join(directory, name), "utf8").split("\n").slice(-15).join("\n")}`,
    )
    .join("\n");
