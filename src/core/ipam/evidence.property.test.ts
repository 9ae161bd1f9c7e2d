// A node that makes, loses and ends pods while its reports are late, lost and doubled, and a retried ADD takes up what was
// missed: no address of a living pod is ever freed, and every other one is, after two reports.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Seconds } from "../../base/clock.ts";
import { parseIp } from "../net/ip.ts";
import { allocate } from "./allocate.ts";
import { checkAtOnce as check } from "./testdata/check-at-once.ts";
import { observeReport, observeUnknownHosts, planFound, type Report } from "./evidence.ts";
import { keyOfWrite, valueOfWrite } from "./keys.ts";
import { leaks, planFree } from "./leaks.ts";
import { release } from "./release.ts";
import { applyWrites, type IpamState } from "./state.ts";
import { ask, cooldown, smallWorld } from "./testdata/world.ts";
import type { Plan } from "./types.ts";

const GRACE = Seconds(900);
const HOST = "h1";
const nameOf = (pod: number): string => `net/c${pod}/eth0`;

type World = {
  readonly state: IpamState;
  readonly revisions: Map<string, number>;
  revision: number;
  now: number;
  /** What the agent knows: being made or undone, and alive. */
  readonly working: Set<string>;
  readonly alive: Set<string>;
  /** Being made, with an address that the daemon gave. */
  readonly granted: Set<string>;
  /** Made and not delivered; they may be delivered late, and more than once. */
  readonly sent: Report[];
  freed: number;
};
const newWorld = (): World => ({
  state: smallWorld("four"),
  revisions: new Map(),
  revision: 1,
  now: 1_000_000,
  working: new Set(),
  alive: new Set(),
  granted: new Set(),
  sent: [],
  freed: 0,
});

function commit({ state, revisions, ...world }: World, plan: Plan): number {
  const revision = world.revision + (plan.writes.length > 0 ? 1 : 0);
  for (const write of plan.writes) {
    const key = keyOfWrite(write);
    if (valueOfWrite(write) === undefined) revisions.delete(key);
    else revisions.set(key, revision);
  }
  applyWrites(state, plan.writes);
  return revision;
}

const actions = {
  /** An ADD reaches the agent; the daemon has not heard of it. */
  begin: (world: World, name: string) => void (world.alive.has(name) || world.working.add(name)),
  /** The daemon grants, or grants again. */
  grant(world: World, name: string) {
    if (!world.working.has(name)) return;
    const { state, now } = world;
    const answer = allocate(state, ask(name), { now, offsetSeed: 0, cooldown });
    if (answer.kind === "allocated") world.revision = commit(world, answer);
    world.granted.add(name);
    if (answer.kind === "existing") world.revision = commit(world, planFound(state, HOST, name));
  },
  /** The ADD is done: what was granted lives from here. */
  done(world: World, name: string) {
    if (world.granted.delete(name)) world.alive.add(name);
    world.working.delete(name);
  },
  add(world: World, name: string) {
    for (const part of ["begin", "grant", "done"] as const) actions[part](world, name);
  },
  /** The pod ends and nobody says so. */
  vanish: (world: World, name: string) => void (world.working.has(name) || world.alive.delete(name)),
  /** A DEL. */
  end(world: World, name: string) {
    if (world.working.has(name)) return;
    world.alive.delete(name);
    const answer = release(world.state, { name }, { now: world.now });
    if (answer.kind === "released") world.revision = commit(world, answer);
  },
  look(world: World) {
    const known = new Set([...world.working, ...world.alive]);
    world.sent.push({ host: HOST, known, seen: world.revision, claims: [] });
  },
  report(world: World) {
    actions.look(world);
    actions.deliver(world, "", 0);
  },
  deliver(world: World, _: string, pick: number) {
    // Mostly the last ones.
    const report = world.sent.at(-1 - (pick % 4)) ?? world.sent[0];
    if (report) observe(world, report);
  },
  wait: (world: World, _: string, pick: number) => void (world.now += (pick % 10) * 240_000),
  collect: (world: World) => {
    collect(world);
  },
} as const;

function observe(world: World, report: Report): void {
  const { state, now, revisions } = world;
  const revisionOf = (key: string): number => revisions.get(key) ?? 0;
  world.revision = commit(world, observeReport(state, report, { now, grace: GRACE, revisionOf }));
}

function collect(world: World): void {
  const { state, now, alive, granted } = world;
  for (const leak of leaks(state)) {
    const plan = planFree(state, leak, { now });
    assert.equal(plan.writes.length > 0, leak.confirmed !== undefined);
    assert.ok((leak.confirmed ?? Infinity) - leak.since >= GRACE);
    if (plan.writes.length === 0) continue;
    assert.equal(alive.has(leak.name) || granted.has(leak.name), false, `${leak.name} lives`);
    world.revision = commit(world, plan);
    world.freed++;
  }
  const found = check(state, { now, cooldown, garbage: new Map() });
  assert.deepEqual(
    found.filter(({ kind }) => kind !== "leaked"),
    [],
  );
}

const WEIGHTS: Partial<Record<string, number>> = {
  report: 12,
  wait: 8,
  collect: 4,
  add: 6,
  vanish: 6,
  end: 1,
  done: 4,
};
const step = fc.record({
  action: fc.oneof(
    ...(Object.keys(actions) as (keyof typeof actions)[]).map((action) => ({
      weight: WEIGHTS[action] ?? 2,
      arbitrary: fc.constant(action),
    })),
  ),
  pod: fc.nat(2),
  pick: fc.nat(30),
});

test("only what no pod has is freed, whatever the order of reports; and all of that is", () => {
  let freed = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 150, size: "max" }), (steps) => {
      const world = newWorld();
      for (const { action, pod, pick } of steps) {
        actions[action](world, nameOf(pod), pick);
      }
      freed += world.freed;
      for (const name of [...world.working]) actions.done(world, name);
      for (let i = 0; i < 3; i++) {
        actions.report(world);
        world.now += GRACE;
        collect(world);
      }
      assert.deepEqual([...world.state.addresses.keys()].sort(), [...world.alive].sort());
      assert.equal(world.state.evidence.size, 0, "and nothing is missed any more");
    }),
    { numRuns: 300, seed: 17 },
  );
  assert.ok(freed > 50, `freed on the way: ${freed}`);
});

test("what was allocated by hand is nobody's to report, and stays", () => {
  const world = newWorld();
  world.working.add("router");
  actions.grant(world, "router");
  world.working.delete("router");
  for (let i = 0; i < 3; i++) {
    actions.report(world);
    world.now += GRACE;
  }
  assert.deepEqual([leaks(world.state), world.state.addresses.size], [[], 1]);
});

test("a pod that is being made is never missing: not while its ADD runs, nor by a report from before it", () => {
  const world = newWorld();
  const pod = nameOf(0);
  actions.look(world);
  actions.begin(world, pod);
  actions.grant(world, pod);
  actions.deliver(world, "", 0);
  actions.report(world);
  actions.done(world, pod);
  actions.report(world);
  assert.deepEqual([leaks(world.state), world.state.evidence.size], [[], 0]);
});

test("what an unknown host holds is freed after the grace period, but for what its agent still claims", () => {
  const world = newWorld();
  for (const pod of [0, 1]) actions.add(world, nameOf(pod));
  world.state.apply({ kind: "delete-host", name: HOST });
  const claims = [{ name: nameOf(1), ip: parseIp("10.0.0.1"), reason: "host h1 is unknown" }];
  observe(world, { host: HOST, known: new Set([nameOf(1)]), seen: undefined, claims });
  for (let i = 0; i < 2; i++) {
    const { state, now } = world;
    world.revision = commit(world, observeUnknownHosts(state, { now, grace: GRACE }));
    assert.deepEqual(observeUnknownHosts(state, { now, grace: GRACE }).writes, []);
    world.now += GRACE;
  }
  for (const leak of leaks(world.state)) commit(world, planFree(world.state, leak, { now: world.now }));
  assert.deepEqual([...world.state.addresses.keys()], [nameOf(1)]);
});
