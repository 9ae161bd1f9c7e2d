// Completion as a shell asks for it: the script of bash is run by bash, the words that all scripts ask for are checked here.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const main = join(import.meta.dirname, "../../main.ts");
const romana = (...words: string[]): string =>
  execFileSync(process.execPath, [main, ...words], { encoding: "utf8" });
const suggestions = (...words: string[]): (string | undefined)[] =>
  romana("complete", "--", ...words)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith(":"))
    .map((line) => line.split("\t")[0]);

test("nouns, verbs and flags are suggested", () => {
  const nouns = suggestions("");
  for (const noun of ["host", "network", "block", "topology", "address", "tenant", "segment", "lab"])
    assert.ok(nouns.includes(noun), noun);
  assert.deepEqual(suggestions("host", "").slice(0, 4), ["list", "show", "add", "remove"]);
  assert.deepEqual(suggestions("address", "al"), ["allocate"]);
  assert.ok(suggestions("address", "list", "--").includes("--tenant"));
});

for (const shell of ["bash", "zsh", "fish"])
  test(`there is a script for ${shell}, which asks romana itself`, () => {
    assert.match(romana("completion", shell), /romana complete -- /);
  });

test("bash completes with the script, and with what its package bash-completion brings", () => {
  const script = `
    _get_comp_words_by_ref() { cur=\${COMP_WORDS[COMP_CWORD]}; words=("\${COMP_WORDS[@]}"); cword=$COMP_CWORD; }
    romana() { '${process.execPath}' '${main}' "$@"; }
    eval "$(romana completion bash)"
    COMP_WORDS=(romana host sh); COMP_CWORD=2; COMP_LINE="romana host sh"; COMP_POINT=14
    __romana_complete
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync("bash", ["-c", script], { encoding: "utf8" });
  assert.match(out, /^show\b/m);
});
