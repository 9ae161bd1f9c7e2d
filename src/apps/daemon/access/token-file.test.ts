// Tokens from a file: what is taken, what is refused and how, and a file that changes.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { createFakeClock } from "../../../../test/support/fake-clock.ts";
import { tokenFile } from "../../../../test/support/tokens.ts";
import { Milliseconds } from "../../../base/clock.ts";
import { InputError } from "../../../base/errors.ts";
import { type Log, silentLog } from "../../../base/log.ts";
import type { Caller } from "./caller.ts";
import { openTokenFile, parseTokens } from "./token-file.ts";

const SECRET = "0123456789abcdef0123456789ABCDEF";
const OTHER = "fedcba9876543210fedcba9876543210";
const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");

/** Each: a line, and whose token SECRET is then. */
const taken: readonly (readonly [line: string, caller: Omit<Caller, "by">])[] = [
  [`${SECRET} admin alice`, { name: "alice", role: "admin", owns: "" }],
  [`${SECRET} service listener`, { name: "listener", role: "service", owns: "" }],
  [`${SECRET} read-only prometheus`, { name: "prometheus", role: "read-only", owns: "" }],
  [`${SECRET} node host-1.example`, { name: "host-1.example", role: "node", owns: "host-1.example" }],
  [`${SECRET} tenant:shop bob`, { name: "bob", role: "tenant", owns: "shop" }],
  [`sha256:${hashOf(SECRET)} admin alice`, { name: "alice", role: "admin", owns: "" }],
  [`sha256:${hashOf(SECRET).toUpperCase()} admin alice`, { name: "alice", role: "admin", owns: "" }],
  [`# who\n\n \t${SECRET}\tadmin  alice \r\n# end`, { name: "alice", role: "admin", owns: "" }],
];
for (const [line, caller] of taken)
  test(`${JSON.stringify(line)} is ${caller.role} ${caller.name}`, () => {
    const [holder, ...others] = parseTokens(line, "f").values();
    assert.deepEqual([holder?.caller, others], [{ ...caller, by: "token" }, []]);
    assert.equal(holder?.digest.toString("hex"), hashOf(SECRET));
  });

/** Each: what is wrong, a text, and the line that is named. */
const refused: readonly (readonly [what: string, text: string, line: string])[] = [
  ["a token of 31 characters", `${SECRET.slice(1)} admin alice`, "f:1"],
  ["a token of other characters", `${SECRET}! admin alice`, "f:1"],
  ["half a digest", `sha256:${SECRET} admin alice`, "f:1"],
  ["a role that is none", `${SECRET} root alice`, "f:1"],
  ["no name", `${SECRET} admin`, "f:1"],
  ["more than a name", `${SECRET} admin alice bob`, "f:1"],
  ["a tenant's without its tenant", `${SECRET} tenant: bob`, "f:1"],
  ["a tenant's without a colon", `${SECRET} tenant bob`, "f:1"],
  ["a node's with a tenant", `${SECRET} node:h1 h1`, "f:1"],
  ["a control character in the name", `${SECRET} admin al\u0007ce`, "f:1"],
  ["a token twice", `${SECRET} admin a\n\nsha256:${hashOf(SECRET)} node b`, "f:3"],
  ["a fault after a good line", `${SECRET} admin a\n${OTHER} nobody b`, "f:2"],
];
for (const [what, text, line] of refused)
  test(`${what}: its line is named, and nothing of it shown`, () => {
    assert.throws(
      () => parseTokens(text, "f"),
      (error: unknown) => {
        assert.ok(error instanceof InputError);
        assert.equal(error.faults[0]?.field, `--token-file ${line}`);
        for (const word of text.split(/\s+/).filter((each) => each.length > 20))
          assert.ok(!error.message.includes(word), error.message);
        return true;
      },
    );
  });

test("a file without a token, or of which others may read or write: refused", (t) => {
  const deps = { clock: createFakeClock(), log: silentLog };
  assert.throws(() => openTokenFile(tokenFile(t, "# none\n"), deps), /expected at least one token/);
  assert.throws(() => openTokenFile("/nowhere", deps), /--token-file: "\/nowhere".*ENOENT/);
  const path = tokenFile(t, `${SECRET} admin alice`);
  for (const mode of [0o604, 0o602, 0o644]) {
    chmodSync(path, mode);
    assert.throws(() => openTokenFile(path, deps), /neither read nor write/);
  }
  chmodSync(path, 0o640);
  assert.equal(openTokenFile(path, deps).callerOf(SECRET)?.name, "alice");
});

test("a file that changes counts within a second; while it is wrong the last good one does, with one warning", async (t) => {
  const path = tokenFile(t, `${SECRET} admin alice`);
  const clock = createFakeClock();
  const lines: string[] = [];
  const log: Log = { ...silentLog, info: (line) => lines.push(line), warn: (line) => lines.push(line) };
  const tokens = openTokenFile(path, { clock, log });
  const after = async (change: () => void): Promise<(string | undefined)[]> => {
    change();
    await clock.advance(Milliseconds(1000));
    return [tokens.callerOf(SECRET)?.name, tokens.callerOf(OTHER)?.name];
  };
  writeFileSync(path, `${OTHER} admin bob`);
  assert.equal(tokens.callerOf(SECRET)?.name, "alice", "not looked at yet");
  assert.deepEqual(await after(() => undefined), [undefined, "bob"]);
  assert.deepEqual(await after(() => writeFileSync(path, "nonsense")), [undefined, "bob"]);
  assert.deepEqual(await after(() => undefined), [undefined, "bob"]);
  assert.deepEqual(await after(() => rmSync(path)), [undefined, "bob"]);
  const both = `${SECRET} admin alice\n${OTHER} admin bob`;
  assert.deepEqual(await after(() => writeFileSync(path, both, { mode: 0o600 })), ["alice", "bob"]);
  const kept = "tokens not renewed: the last good ones serve";
  assert.deepEqual(lines, ["tokens renewed", kept, kept, "tokens renewed"]);
});
