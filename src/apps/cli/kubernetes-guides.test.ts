// docs/guide/troubleshooting.md and quick-start.md: what they say to run exists, with these words and flags, and where they lead to is there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Command } from "commander";
import { parse as parseYaml, stringify } from "yaml";
import { cliProgram, run } from "./main.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const FOLDER = join(PROJECT, "docs/guide");
const read = (page: string): string => readFileSync(join(FOLDER, page), "utf8");

/** Of other programs, the words after the name as far as they are checked. */
const OTHERS: Readonly<Record<string, RegExp>> = {
  kubectl: /^(-n \S+ )?(get|describe|logs|exec|auth can-i|apply|create|run|label|rollout status)\b/,
  curl: /^-sk? https?:\/\//,
  ip: /^(-json )?(route|rule|link) (show|replace)\b/,
  nft: /^(-j )?list (table|chain) inet romana\b/,
  kind: /^(create cluster|load docker-image) /,
  helm: /^install romana deploy\/helm\/romana /,
  npm: /^run setup$/,
  kubeadm: /^init /,
  ls: /^\//,
};

/** As commander would take it. */
function checkWords(words: readonly string[], command: Command): void {
  const [word = "", ...rest] = words;
  const child = command.commands.find((each) => each.name() === word);
  if (child) return checkWords(rest, child);
  const { operands, unknown } = command.parseOptions([...words]);
  assert.deepEqual(cliProgram(silent).parseOptions(unknown).unknown, []);
  assert.equal(command.commands.length, 0, `${command.name()} needs another word`);
  assert.ok(
    operands.length <= command.registeredArguments.length,
    `${command.name()}: ${operands.join(" ")}`,
  );
}
const silent = { out: () => undefined, err: () => undefined, env: {} };

function checkCommand(line: string): void {
  const [program = "", ...words] = line.split(" ");
  if (program === "romana")
    return words[0] === "--version" ? undefined : checkWords(words, cliProgram(silent));
  if (program.startsWith("deploy/")) return assert.ok(existsSync(join(PROJECT, program)), program);
  assert.match(words.join(" "), OTHERS[program] ?? assert.fail(`what is ${program}?`));
}

/** What is between `<<'END'` and `END`, and loops, are left to the shell's own check. */
const linesOf = (block: string): string[] =>
  block
    .replace(/^cat >.*^END$/gms, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("for "));

for (const [page, atLeast] of [
  ["troubleshooting.md", 35],
  ["quick-start.md", 18],
] as const) {
  const guide = read(page);
  const blocks = [...guide.matchAll(/^( *)```sh\n(.*?)^ *```$/gms)].map(([, indent = "", text = ""]) =>
    text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
  const inText = [...guide.matchAll(/`(romana [^`…]+)`/g)].map(([, text = ""]) => text);
  const lines = [...blocks.flatMap(linesOf), ...inText];

  test(`${page}: its commands are shell`, () => {
    for (const block of blocks) execFileSync("bash", ["-n", "-c", block]);
    assert.ok(lines.length >= atLeast, `${lines.length} commands`);
  });
  for (const line of new Set(lines))
    test(`${page}: there is such a command: ${line}`, () => checkCommand(line));

  test(`${page}: pages and headings that it leads to are there`, () => {
    for (const [, to = "", anchor] of guide.matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)) {
      const path = to === "" ? page : to;
      assert.ok(existsSync(join(FOLDER, path)), path);
      if (anchor !== undefined) assert.ok(anchorsOf(read(path)).has(anchor), `${path}#${anchor}`);
    }
  });
}

/** As GitHub makes them. */
const anchorsOf = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    ),
  );

test("quick-start.md: its topology gives the racks the prefixes that it says", async () => {
  const [, values = ""] = /```yaml\n(.*?)```/s.exec(read("quick-start.md")) ?? [];
  const { topology } = parseYaml(values.replaceAll(/^ {3}/gm, "")) as { topology: object };
  const dir = mkdtempSync(join(tmpdir(), "romana-quick-"));
  writeFileSync(join(dir, "topology.yaml"), stringify(topology));
  let printed = "";
  const print = (text: string): void => void (printed += text);
  await run(["topology", "plan", join(dir, "topology.yaml")], {}, { out: print, err: print });
  rmSync(dir, { recursive: true });
  assert.match(printed, /rack-1 +10\.112\.0\.0\/17/);
  assert.match(printed, /rack-2 +10\.112\.128\.0\/17/);
  assert.match(read("quick-start.md"), /Rack 1 is 10\.112\.0\.0\/17, rack 2 10\.112\.128\.0\/17/);
});
