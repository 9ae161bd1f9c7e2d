// The file is whole and good at every moment: with the real program that judges.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { desiredBird } from "../../core/bird/desired-bird.ts";
import { bgp, wholeWorld, worldOf } from "../../core/bird/testdata/world.ts";
import { createBirdConfiguration } from "./bird-configuration.ts";

async function bed(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), "romana-bird-"));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, "bird.conf");
  return { dir, path, configuration: createBirdConfiguration(path, "bird") };
}
const textOf = (desired: ReturnType<typeof desiredBird>): string =>
  desired.kind === "known" ? desired.text : assert.fail(desired.reason);

const good: readonly [what: string, text: string][] = [
  ["all that there can be", textOf(desiredBird(wholeWorld, "n1"))],
  ["a node that announces nothing to anybody", textOf(desiredBird(worldOf({}, []), "n1"))],
  ["a node without a block", textOf(desiredBird(worldOf({ zone: bgp() }, []), "n2"))],
  [
    "a node without an IPv4 address",
    textOf(desiredBird(worldOf({ zone: bgp({ neighbours: [{ ip: "fd01::fe", as: 1 }] }) }, []), "n3")),
  ],
];
for (const [what, text] of good)
  test(`BIRD accepts ${what}`, async (t) => {
    const { dir, path, configuration } = await bed(t);
    assert.equal(await configuration.read(), undefined);
    assert.equal(await configuration.replace(text), undefined);
    assert.equal(await readFile(path, "utf8"), text);
    assert.equal((await stat(path)).mode & 0o007, 0, "passwords are not for everybody");
    assert.deepEqual(await readdir(dir), ["bird.conf"]);
  });

test("what BIRD refuses is told with its place and is not the file; what was there is", async (t) => {
  const { dir, configuration } = await bed(t);
  const [, text] = good[0] ?? assert.fail();
  await configuration.replace(text);
  const wrong = text.replace("neighbor fd01::fe as 4200000000", "neighbor fd01::fe as");
  assert.notEqual(wrong, text);
  const fault = await configuration.replace(wrong);
  assert.match(fault ?? "", /^bird: .*bird\.conf:\d+:\d+ syntax error/);
  assert.equal(await configuration.read(), text);
  assert.deepEqual(await readdir(dir), ["bird.conf"]);
  await configuration.restore(undefined);
  assert.deepEqual(await readdir(dir), []);
});

test("no such program, and no such directory, are the world's faults", async (t) => {
  const { path } = await bed(t);
  await assert.rejects(createBirdConfiguration(path, "/none/bird").replace("x"), { code: "BIRD_MISSING" });
  await assert.rejects(createBirdConfiguration("/none/x/bird.conf", "bird").replace("x"), {
    code: "BIRD_FILE",
  });
});
