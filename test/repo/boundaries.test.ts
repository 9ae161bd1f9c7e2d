// The import law (.dependency-cruiser.mjs) holds for src, and rejects each fixture that breaks one of its rules.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { cruise, type ICruiseOptions, type ICruiseResult, type IFlattenedRuleSet } from "dependency-cruiser";
// @ts-expect-error: the law is plain JavaScript, read by the depcruise command too
import untypedLaw from "../../.dependency-cruiser.mjs";

const law = untypedLaw as { forbidden: IFlattenedRuleSet["forbidden"]; options: ICruiseOptions };
const root = join(import.meta.dirname, "../..");

/** Each row: a file, what it imports, the rule that must refuse it. */
const broken: readonly (readonly [file: string, imports: string, rule: string])[] = [
  ["src/base/a.ts", "../core/net/x.ts", "base-imports-nothing"],
  ["src/core/net/a.ts", "../../io/kube/x.ts", "core-imports-base-and-core"],
  ["src/core/net/b.ts", "node:fs", "core-is-pure"],
  ["src/core/net/c.ts", "yaml", "core-has-no-npm"],
  ["src/core/net/d.ts", "../model/x.ts", "core-rank-1"],
  ["src/core/topology/a.ts", "../ipam/x.ts", "core-rank-3"],
  ["src/core/topology/b.ts", "../api/x.ts", "core-sibling-topology"],
  ["src/io/kube/a.ts", "../../core/ipam/x.ts", "io-takes-no-decisions"],
  ["src/io/kube/b.ts", "../store/x.ts", "io-no-siblings"],
  ["src/apps/agent/a.ts", "../daemon/x.ts", "apps-are-islands"],
  ["src/apps/agent/b.ts", "../../../test/x.ts", "src-imports-src"],
  ["src/apps/agent/c.ts", "./nowhere.ts", "resolvable"],
  ["src/core/net/e.ts", "./testdata/x.ts", "testdata-is-for-tests"],
];
/** What tests import may do what they do. */
const allowed: readonly (readonly [file: string, imports: string])[] = [
  ["src/core/net/a.test.ts", "node:fs"],
  ["src/core/net/testdata/x.ts", "node:fs"],
  ["src/io/kube/c.ts", "../files/x.ts"],
];
const targets = [
  "src/core/net/x.ts",
  "src/core/model/x.ts",
  "src/core/api/x.ts",
  "src/core/ipam/x.ts",
  "src/io/kube/x.ts",
  "src/io/store/x.ts",
  "src/io/files/x.ts",
  "src/apps/daemon/x.ts",
  "test/x.ts",
];
let fixture = "";

before(() => {
  fixture = mkdtempSync(join(tmpdir(), "romana-boundaries-"));
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(fixture, file)), { recursive: true });
    writeFileSync(join(fixture, file), text);
  };
  for (const target of targets) write(target, "export const x = 1;\n");
  for (const [file, imports] of [...broken, ...allowed]) write(file, `export * from "${imports}";\n`);
  write(
    "tsconfig.json",
    '{"compilerOptions":{"module":"nodenext","allowImportingTsExtensions":true,"noEmit":true}}\n',
  );
  symlinkSync(join(root, "node_modules"), join(fixture, "node_modules"));
});
after(() => {
  rmSync(fixture, { recursive: true, force: true });
});

async function violations(baseDir: string): Promise<{ modules: number; found: string[] }> {
  const reply = await cruise(["src"], {
    ...law.options,
    baseDir,
    validate: true,
    ruleSet: { forbidden: law.forbidden ?? [] },
  });
  const output = reply.output as ICruiseResult;
  return {
    modules: output.modules.length,
    found: output.summary.violations.map((v) => `${v.rule.name}: ${v.from}`),
  };
}

test("src keeps the import law", async () => {
  const { modules, found } = await violations(root);
  assert.ok(modules > 20, `the checker saw only ${modules} modules`);
  assert.deepEqual(found, []);
});

test("every rule refuses its fixture, and none what tests import", async () => {
  const { found } = await violations(fixture);
  for (const [file] of allowed) assert.ok(!found.some((each) => each.endsWith(file)), `${file} was refused`);
  for (const [file, , rule] of broken)
    assert.ok(found.includes(`${rule}: ${file}`), `${rule} did not refuse ${file}`);
});
