// The lab's words, as a person types them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../base/errors.ts";
import { parseLabCommand } from "./config.ts";

const parse = (line: string): ReturnType<typeof parseLabCommand> =>
  parseLabCommand(line.split(" ").filter(Boolean), {});
const rejects = (line: string): void => assert.throws(() => parse(line), InputError, line);

test("no word runs the default topology", () => {
  const command = parse("");
  assert.equal(command.kind === "run" && command.topology, undefined);
});

test("the file stands first or last, and a flag's value is no file", () => {
  for (const line of [
    "my.yaml --keep",
    "--keep my.yaml",
    "--pods-per-host 2 my.yaml",
    "--pods-per-host=2 my.yaml",
  ]) {
    const command = parse(line);
    assert.equal(command.kind === "run" && command.topology, "my.yaml", line);
  }
  const command = parse("--keep --pods-per-host 2");
  assert.equal(command.kind === "run" && command.topology, undefined);
});

test("exec takes a node and a command, with or without dashes", () => {
  const wanted = { kind: "exec", node: "h1", argv: ["ip", "-4", "route"] };
  for (const line of ["exec h1 -- ip -4 route", "exec h1 ip -4 route", "exec --id 00ff h1 -- ip -4 route"]) {
    const { kind, node, argv } = parse(line) as typeof wanted;
    assert.deepEqual({ kind, node, argv }, wanted);
  }
});

test("an exec without a command, an odd id and an unknown flag are refused", () => {
  for (const line of [
    "exec h1",
    "exec",
    "status --id ../..",
    "down --id xyz",
    "--pots-per-host 3",
    "--pods-per-host 99",
  ])
    rejects(line);
});
