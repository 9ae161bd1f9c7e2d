// The plugin's files on a node: when they come, that they come whole, and come back.
import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { eventually } from "../../../../test/support/eventually.ts";
import { createFakeClock } from "../../../../test/support/fake-clock.ts";
import { type Clock, Milliseconds, systemClock, systemRng } from "../../../base/clock.ts";
import { createHealth } from "../../../base/health.ts";
import { silentLog } from "../../../base/log.ts";
import { keepPlugin } from "./keep-plugin.ts";
import { removePlugin } from "./plugin-files.ts";

const LIST = "10-romana.conflist";

/** A keeper over folders of its own; `ready` is what the test says. */
function startKeeper(
  t: TestContext,
  { ready = true, clock = systemClock }: { ready?: boolean; clock?: Clock } = {},
) {
  const dir = mkdtempSync(join(tmpdir(), "romana-plugin-"));
  const [source, bin, conf] = ["source", "opt/cni/bin", "etc/cni/net.d"].map((name) => join(dir, name));
  const places = { cniBinDir: bin ?? "", cniConfDir: conf ?? "", cniInstall: source ?? "" };
  mkdirSync(places.cniInstall);
  writeFileSync(join(places.cniInstall, "romana"), "program");
  writeFileSync(join(places.cniInstall, LIST), "{}");
  const health = createHealth(systemClock);
  const warnings: unknown[] = [];
  const world = { ready };
  const options = { ...places, resync: Milliseconds(20) };
  const keeper = keepPlugin(options, {
    ...{ clock, rng: systemRng, health: health.reporter("plugin") },
    isReady: () => world.ready,
    log: { ...silentLog, warn: (text, fields) => void warnings.push([text, fields]) },
  });
  t.after(async () => {
    await keeper.close();
    rmSync(dir, { recursive: true });
  });
  const files = (): string[] => [places.cniBinDir, places.cniConfDir].flatMap((at) => listOf(at));
  return { ...places, world, files, warnings, state: () => health.state().parts["plugin"], keeper };
}
const listOf = (folder: string): string[] => {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
};

test("nothing is put in place before the agent is ready; then both are, the plugin as a program", async (t) => {
  const clock = createFakeClock();
  const { world, files, state, cniBinDir, cniConfDir } = startKeeper(t, { ready: false, clock });
  await clock.advance(60_000);
  assert.deepEqual([files(), state()], [[], "starting"]);
  world.ready = true;
  await clock.advance(100);
  await eventually(() => assert.equal(state(), "ok"));
  assert.deepEqual(files(), ["romana", LIST]);
  assert.equal(statSync(join(cniBinDir, "romana")).mode & 0o777, 0o755);
  assert.equal(statSync(join(cniConfDir, LIST)).mode & 0o777, 0o644);
});

test("what is taken away or changed comes back, and what is as it should be is not written again", async (t) => {
  const { cniBinDir, cniConfDir, state } = startKeeper(t);
  const [plugin, list] = [join(cniBinDir, "romana"), join(cniConfDir, LIST)];
  await eventually(() => assert.equal(state(), "ok"));
  const { ino } = statSync(plugin);
  rmSync(list);
  await eventually(() => assert.equal(readFileSync(list, "utf8"), "{}"));
  writeFileSync(list, "[]");
  await eventually(() => assert.equal(readFileSync(list, "utf8"), "{}"));
  assert.equal(statSync(plugin).ino, ino);
});

test("an installation that was cut off half way is done again, over what it left", async (t) => {
  const { cniBinDir, state, files, keeper, cniInstall } = startKeeper(t);
  await eventually(() => assert.equal(state(), "ok"));
  await keeper.close();
  writeFileSync(join(cniBinDir, ".romana.new"), "half");
  chmodSync(join(cniBinDir, ".romana.new"), 0o400);
  writeFileSync(join(cniInstall, "romana"), "program 2");
  const again = keepPlugin(
    { cniInstall, cniBinDir, cniConfDir: join(cniInstall, "../etc/cni/net.d"), resync: Milliseconds(20) },
    {
      ...{ clock: systemClock, rng: systemRng, log: silentLog, isReady: () => true },
      health: createHealth(systemClock).reporter("plugin"),
    },
  );
  t.after(() => again.close());
  await eventually(() => assert.equal(readFileSync(join(cniBinDir, "romana"), "utf8"), "program 2"));
  await eventually(() => assert.deepEqual(files(), ["romana", LIST]));
});

test("a list of another network that a runtime takes first is told, once", async (t) => {
  const clock = createFakeClock();
  const { cniConfDir, warnings } = startKeeper(t, { clock });
  mkdirSync(cniConfDir, { recursive: true });
  for (const name of ["05-other.conflist", "99-last.conflist", "01-notes.txt"])
    writeFileSync(join(cniConfDir, name), "{}");
  for (let passes = 0; passes < 3; passes++) {
    await eventually(() => assert.equal(clock.sleeping, 1));
    await clock.advance(30);
  }
  assert.deepEqual(warnings, [
    ["the runtime takes another's list before ours", { lists: "05-other.conflist" }],
  ]);
});

test("a folder that is none is told by its path, and tried again", async (t) => {
  const { cniInstall, state, warnings } = startKeeper(t);
  await eventually(() => assert.equal(state(), "ok"));
  rmSync(join(cniInstall, LIST));
  await eventually(() => assert.match(state() ?? "", /CNI_INSTALL.*10-romana\.conflist.*ENOENT/));
  assert.equal(warnings.length, 1);
  writeFileSync(join(cniInstall, LIST), "{}");
  await eventually(() => assert.equal(state(), "ok"));
});

test("removing takes the list, then the plugin, leaves what is of others, and may be done again", async (t) => {
  const { cniBinDir, cniConfDir, state, files, keeper } = startKeeper(t);
  await eventually(() => assert.equal(state(), "ok"));
  await keeper.close();
  writeFileSync(join(cniBinDir, "portmap"), "");
  const places = { cniBinDir, cniConfDir };
  assert.deepEqual(await removePlugin(places), [join(cniConfDir, LIST), join(cniBinDir, "romana")]);
  assert.deepEqual(files(), ["portmap"]);
  assert.deepEqual(await removePlugin(places), []);
});
