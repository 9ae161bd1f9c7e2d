// The repository keeps its laws; each law rejects a fixture.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { metricFaults, purityFaults, readmeFaults, type SourceFile, sizeFaults, textFaults } from "./laws.ts";

const root = join(import.meta.dirname, "../..");
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));
const read = (path: string): SourceFile => ({ path, text: readFileSync(join(root, path), "utf8") });
const filesOf = (pattern: RegExp): SourceFile[] => tracked.filter((path) => pattern.test(path)).map(read);
const file = (text: string): SourceFile => ({ path: "fixture.ts", text });

test("files and functions of src keep their size", () => {
  const files = filesOf(/^src\/.*(?<!\.test)\.ts$/);
  assert.ok(files.length > 20, `only ${files.length} files seen`);
  assert.deepEqual(files.flatMap(sizeFaults), []);
});

test("the size law rejects a long file and a long function, and takes a list with a reason", () => {
  const body = "  x();\n".repeat(45);
  assert.equal(sizeFaults(file("const x = 1;\n".repeat(301))).length, 1);
  assert.equal(sizeFaults(file(`function f() {\n${body}}\n`)).length, 1);
  assert.equal(sizeFaults(file(`// long: a table\nfunction f() {\n${body}}\n`)).length, 0);
});

test("core is pure", () => {
  assert.deepEqual(filesOf(/^src\/core\/.*(?<!\.test)\.ts$/).flatMap(purityFaults), []);
});

test("the purity law rejects a clock, and reads no comments", () => {
  assert.equal(purityFaults(file("const t = Date.now();")).length, 1);
  assert.equal(purityFaults(file("// Date.now() is forbidden\n")).length, 0);
});

const apps = readdirSync(join(root, "src/apps"));
const readmeOf = (app: string): SourceFile => read(`src/apps/${app}/README.md`);

test("every app has a README with the headings of its kind", () => {
  assert.ok(apps.length > 0);
  assert.deepEqual(
    apps.flatMap((app) => readmeFaults(readmeOf(app))),
    [],
  );
});

test("the README law rejects a missing heading", () => {
  assert.equal(readmeFaults(file("## Name\n## Purpose\n")).length, 1);
});

test("metrics are named by the style and listed in the README", () => {
  const sourcesOf = (app: string): string =>
    filesOf(new RegExp(`^src/apps/${app}/.*(?<!\\.test)\\.ts$`))
      .map(({ text }) => text)
      .join("\n");
  assert.deepEqual(
    apps.flatMap((app) => metricFaults(app, sourcesOf(app), readmeOf(app).text)),
    [],
  );
});

test("the metric law rejects a wrong prefix, a wrong unit and a metric nobody documented", () => {
  assert.equal(metricFaults("agent", 'name: "romana_daemon_foo_bar"', "").length, 3);
});

test("nothing names a registry or a machine", () => {
  assert.deepEqual(filesOf(/\.(ts|md|json|sh|mjs|yaml|c)$/).flatMap(textFaults), []);
});

test("the text law rejects a registry", () => {
  assert.equal(textFaults(file("https://registry.npm" + "js.org/x")).length, 1);
});
