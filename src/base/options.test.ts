import assert from "node:assert/strict";
import { test } from "node:test";
import { Seconds } from "./clock.ts";
import { InputError } from "./errors.ts";
import * as o from "./options.ts";

const table = {
  listen: o.option(o.text, ":80", "where"),
  logLevel: o.option(o.oneOf("info", "debug"), "info", "level"),
  adoptionWindow: o.option(o.duration, Seconds(10), "wait"),
  names: o.option(o.listOf(o.text), [], "several"),
  port: o.option(o.integer(1, 65535), 80, "port"),
  force: o.option(o.toggle, false, "force"),
  config: o.option(o.text, "", "file"),
} as const;
const files: Record<string, Record<string, unknown>> = {
  "a.yaml": { listen: ":1", port: 7, names: ["x", "y"], force: true },
  "bad.yaml": { lisden: ":1" },
};
const read = (argv: string[], env: Record<string, string> = {}) =>
  o.readOptions(table, { argv, env, envPrefix: "R", readFile: (path) => files[path] ?? {} });

test("what is not given has its default, and the values are frozen", () => {
  const values = read([]);
  assert.deepEqual({ ...values }, { ...defaults(), adoptionWindow: 10_000 });
  assert.ok(Object.isFrozen(values));
});

const defaults = () =>
  Object.fromEntries(Object.entries(table).map(([name, { default: fallback }]) => [name, fallback]));

const sources: [string, string[], Record<string, string>, string, unknown][] = [
  ["a flag with its value after a space", ["--listen", ":2"], {}, "listen", ":2"],
  ["a flag with its value after =", ["--listen=:2"], {}, "listen", ":2"],
  ["a flag over the environment", ["--listen=:2"], { R_LISTEN: ":3" }, "listen", ":2"],
  ["the environment over the file", ["--config=a.yaml"], { R_LISTEN: ":3" }, "listen", ":3"],
  ["the file over the default", ["--config", "a.yaml"], {}, "port", 7],
  ["the file that the environment names", [], { R_CONFIG: "a.yaml" }, "listen", ":1"],
  ["a list of the file", ["--config=a.yaml"], {}, "names", ["x", "y"]],
  ["a list flag given twice", ["--names", "a,b", "--names", "c"], {}, "names", ["a", "b", "c"]],
  ["a switch without a value", ["--force"], {}, "force", true],
  ["a switch that is switched off", ["--force=false", "--config=a.yaml"], {}, "force", false],
  ["a duration in milliseconds", ["--adoption-window", "250ms"], {}, "adoptionWindow", 250],
  ["a duration in minutes", [], { R_ADOPTION_WINDOW: "2m" }, "adoptionWindow", 120_000],
];
for (const [name, argv, env, key, expected] of sources)
  test(`${name} is taken`, () => {
    assert.deepEqual((read(argv, env) as Record<string, unknown>)[key], expected);
  });

const refusals: [string, string[], Record<string, string>, string, string][] = [
  ["an unknown flag", ["--lisden", ":2"], {}, "FLAG_UNKNOWN", "--lisden"],
  ["an argument", ["now"], {}, "ARGUMENT", "now"],
  ["a flag without its value", ["--listen"], {}, "FLAG_VALUE_MISSING", "--listen"],
  ["a number with letters", ["--port", "8x"], {}, "OPTION_VALUE", "--port"],
  ["a number beyond its range", ["--port=0"], {}, "OPTION_VALUE", "--port"],
  ["a word that is no choice", [], { R_LOG_LEVEL: "loud" }, "OPTION_VALUE", "R_LOG_LEVEL"],
  ["a duration without a unit", ["--adoption-window=10"], {}, "OPTION_VALUE", "--adoption-window"],
  ["an unknown key of the file", ["--config=bad.yaml"], {}, "OPTION_UNKNOWN", "bad.yaml: lisden"],
];
for (const [name, argv, env, code, field] of refusals)
  test(`${name} is refused by name`, () => {
    assert.throws(
      () => read(argv, env),
      (error) =>
        error instanceof InputError && error.faults[0]?.code === code && error.faults[0].field === field,
    );
  });

test("all faults are told at once", () => {
  assert.throws(
    () => read(["--port=x", "--force=maybe"], { R_LOG_LEVEL: "loud" }),
    (error) => error instanceof InputError && error.faults.length === 3,
  );
});

test("help names each flag and its default, and how the environment names one", () => {
  const help = o.describeOptions(table, "R");
  assert.match(help, /--adoption-window DURATION +wait \(default 10000\)\n/);
  assert.match(help, /Also from the environment: --listen is R_LISTEN\.$/);
});
