// Laws about the text of the repository, as functions from a file to what is wrong with it. Tests run them over the tree
// and over fixtures that each must reject.
import ts from "typescript";

export type SourceFile = { readonly path: string; readonly text: string };

const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 40;

/** Files of at most 300 lines, functions of at most 40. `// long: <reason>` on the line above a function lets a list (wiring, table, catalogue) be longer. */
export function sizeFaults({ path, text }: SourceFile): string[] {
  const lines = text.split("\n").length - 1;
  const faults = lines > MAX_FILE_LINES ? [`${path}: ${lines} lines, at most ${MAX_FILE_LINES}`] : [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body) {
      const [first, last] = [lineOf(node.getStart()), lineOf(node.end)];
      const length = last - first + 1;
      const excused =
        text.slice(node.getFullStart(), node.getStart()).includes("// long:") ||
        lineBefore(text, source, node).includes("// long:");
      if (length > MAX_FUNCTION_LINES && !excused)
        faults.push(`${path}:${first}: a function of ${length} lines, at most ${MAX_FUNCTION_LINES}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return faults;
}

function lineBefore(text: string, source: ts.SourceFile, node: ts.Node): string {
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  return text.split("\n")[line - 1] ?? "";
}

const impure = [
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bMath\.random\b/,
  /\bsetTimeout\b/,
  /\bsetInterval\b/,
  /\bsetImmediate\b/,
  /\bprocess\.(?!stdout|stderr)/,
  /\bconsole\./,
  /\bperformance\.now\b/,
];

/** Core code neither reads time or chance nor prints. Comments and strings do not count. */
export function purityFaults({ path, text }: SourceFile): string[] {
  const code = withoutCommentsAndStrings(text);
  return impure
    .filter((pattern) => pattern.test(code))
    .map((pattern) => `${path}: impure: ${pattern.source}`);
}

function withoutCommentsAndStrings(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, "");
}

const README_HEADINGS = [
  "Name",
  "Purpose",
  "Reads",
  "Writes",
  "Options",
  "Metrics",
  "Invariants",
  "Examples",
];

/** An app's README has all headings of style.md, in that order. */
export function readmeFaults({ path, text }: SourceFile): string[] {
  const found = [...text.matchAll(/^## (.+)$/gm)]
    .map((match) => match[1])
    .filter((heading) => README_HEADINGS.includes(heading ?? ""));
  return JSON.stringify(found) === JSON.stringify(README_HEADINGS)
    ? []
    : [`${path}: headings ${found.join(", ")}; expected ${README_HEADINGS.join(", ")}`];
}

const METRIC = /\bname: "(romana_[a-z0-9_]+)"/g;
const UNITS = [
  "seconds",
  "bytes",
  "total",
  "count",
  "info",
  "routes",
  "rules",
  "blocks",
  "addresses",
  "hosts",
  "endpoints",
  "revision",
  "watchers",
  "requests",
  "connected",
  "leader",
  "ready",
  "events",
  "groups",
  "findings",
  "sets",
  "policies",
  "prefixes",
  "sessions",
];

/** Metric names of an app: `romana_<app>_<noun>_<unit>`, and its README names every one. `sources`: the app's code, put together. */
export function metricFaults(app: string, sources: string, readme: string): string[] {
  const names = [...new Set([...sources.matchAll(METRIC)].map((match) => match[1] ?? ""))];
  return names.flatMap((name) => {
    const faults: string[] = [];
    if (!name.startsWith(`romana_${app}_`)) faults.push(`${name}: expected prefix romana_${app}_`);
    if (!UNITS.includes(name.slice(name.lastIndexOf("_") + 1)))
      faults.push(`${name}: ends in no known unit (${UNITS.join(", ")})`);
    if (!readme.includes(name)) faults.push(`${name}: not in the README of ${app}`);
    return faults;
  });
}

// Written in parts, so that this file does not name what it forbids.
const forbidden = [
  "registry.npm" + "js",
  "deb.deb" + "ian.org",
  "pypi" + ".org",
  "proxy.gol" + "ang",
  "/work" + "/main",
  "/work" + "/shared",
];

/** No host of a package registry, no path of a machine. */
export function textFaults({ path, text }: SourceFile): string[] {
  return forbidden.filter((word) => text.includes(word)).map((word) => `${path}: names ${word}`);
}
