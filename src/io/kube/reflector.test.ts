// The mirror of one kind of objects against an API server that fails in every way that a real one does.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { type FakeKube, type Refusal, startFakeKube } from "../../../test/support/fake-kube.ts";
import { type Duration, Milliseconds, systemClock, systemRng } from "../../base/clock.ts";
import { createHealth, type HealthState } from "../../base/health.ts";
import { silentLog } from "../../base/log.ts";
import { createKubeClient } from "./kube-client.ts";
import { type Change, type Reflector, startReflector } from "./reflector.ts";

const NODES = "/api/v1/nodes";
type Label = string;

type Bed = {
  readonly kube: FakeKube;
  readonly reflector: Reflector<Label>;
  readonly changes: Change<Label>[];
  readonly health: () => HealthState;
  /** Waits until the mirror holds just these. */
  readonly holds: (items: Record<string, Label>) => Promise<void>;
};

const put = (kube: FakeKube, name: string, label: string): void =>
  kube.put(NODES, { metadata: { name, labels: { is: label } } });

/** `before`: what the server is and has when the mirror starts. */
async function start(
  t: TestContext,
  before: (kube: FakeKube) => void = () => undefined,
  options: { page?: number; silence?: Duration } = {},
): Promise<Bed> {
  const kube = await startFakeKube();
  before(kube);
  const changes: Change<Label>[] = [];
  const health = createHealth(systemClock);
  const client = createKubeClient(kube.access);
  const reflector = startReflector<Label>(
    {
      path: NODES,
      read: ({ metadata }) => metadata.labels?.["is"],
      changed: (some) => void changes.push(...some),
      ...options,
    },
    { client, clock: systemClock, rng: systemRng, log: silentLog, health: health.reporter("nodes") },
  );
  t.after(async () => {
    await reflector.close();
    client.close();
    kube.close();
  });
  const holds = (items: Record<string, Label>): Promise<void> =>
    eventually(() => assert.deepEqual(Object.fromEntries(reflector.items), items));
  return { kube, reflector, changes, health: () => health.state(), holds };
}

const lists = ({ asked }: FakeKube): string[] => asked.filter((line) => !line.includes("watch=true"));
const watches = ({ asked }: FakeKube): string[] => asked.filter((line) => line.includes("watch=true"));

test("it lists once, then hears of what comes, changes and goes", async (t) => {
  const { kube, holds, changes, health } = await start(t, (fake) => put(fake, "a", "1"));
  await holds({ a: "1" });
  await eventually(() => assert.equal(kube.watchers, 1));
  put(kube, "b", "1");
  put(kube, "a", "2");
  kube.remove(NODES, "b");
  await holds({ a: "2" });
  await eventually(() => assert.equal(changes.length, 4));
  assert.deepEqual(changes.at(-1), { key: "b", before: "1", after: undefined });
  assert.equal(lists(kube).length, 1);
  assert.deepEqual(health(), { ok: true, alive: true, parts: { nodes: "ok" } });
});

test("what is not kept of an object changes nothing", async (t) => {
  const { kube, holds, changes } = await start(t, (fake) => put(fake, "a", "1"));
  await eventually(() => assert.equal(kube.watchers, 1));
  kube.put(NODES, { metadata: { name: "a", labels: { is: "1", heartbeat: "now" } } });
  kube.put(NODES, { metadata: { name: "none" } });
  put(kube, "b", "1");
  await holds({ a: "1", b: "1" });
  assert.equal(changes.length, 2);
});

test("a long list comes in pages of one revision, and what changes meanwhile follows", async (t) => {
  const { kube, holds } = await start(
    t,
    (fake) => {
      for (const name of ["a", "b", "c", "d", "e"]) put(fake, name, "1");
      // Seen by no page: it comes after the first one was asked for.
      fake.refuse((method, path) => {
        if (method === "GET" && path === NODES && fake.asked.length === 2) put(fake, "f", "1");
        return undefined;
      });
    },
    { page: 2 },
  );
  await holds({ a: "1", b: "1", c: "1", d: "1", e: "1", f: "1" });
  assert.equal(lists(kube).length, 3);
  assert.match(watches(kube)[0] ?? "", /resourceVersion=6/);
});

test("half a list is not ready", async (t) => {
  const { kube, health, reflector } = await start(
    t,
    (fake) => {
      for (const name of ["a", "b", "c"]) put(fake, name, "1");
      fake.refuse(() => (fake.asked.length > 1 ? { status: 503 } : undefined));
    },
    { page: 2 },
  );
  await eventually(() => assert.ok(kube.asked.length > 1));
  assert.deepEqual([health().ok, reflector.synced, reflector.items.size], [false, false, 0]);
});

test("a list whose pages have expired in the middle begins anew", async (t) => {
  const { holds } = await start(
    t,
    (fake) => {
      for (const name of ["a", "b", "c"]) put(fake, name, "1");
      fake.refuse(() => {
        if (fake.asked.length === 2) fake.compact();
        return undefined;
      });
    },
    { page: 2 },
  );
  await holds({ a: "1", b: "1", c: "1" });
});

const ends: readonly (readonly [string, (kube: FakeKube) => void])[] = [
  ["is cut in the middle of a line", (kube) => kube.cut()],
  ["is ended by the server", (kube) => kube.end()],
];
for (const [what, end] of ends)
  test(`a watch that ${what} goes on where it was, without a list`, async (t) => {
    const { kube, holds } = await start(t, (fake) => put(fake, "a", "1"));
    await eventually(() => assert.equal(kube.watchers, 1));
    kube.bookmark();
    end(kube);
    put(kube, "a", "2");
    await holds({ a: "2" });
    assert.equal(lists(kube).length, 1);
  });

test("a gap in the history is a new list, and only the differences are told", async (t) => {
  const { kube, holds, changes } = await start(t, (fake) => {
    for (const name of ["a", "b", "c"]) put(fake, name, "1");
  });
  await eventually(() => assert.equal(kube.watchers, 1));
  changes.length = 0;
  kube.refuse((_, path) => (path === NODES ? { status: 503 } : undefined));
  kube.end();
  kube.remove(NODES, "a");
  put(kube, "b", "2");
  kube.compact();
  kube.refuse(() => undefined);
  await holds({ b: "2", c: "1" });
  assert.deepEqual(changes.map(({ key }) => key).sort(), ["a", "b"]);
});

test("a server that is silent is left, and the next connection goes on", async (t) => {
  const { kube, holds } = await start(t, (fake) => put(fake, "a", "1"), { silence: Milliseconds(100) });
  await eventually(() => assert.ok(watches(kube).length > 1));
  put(kube, "a", "2");
  await holds({ a: "2" });
  assert.equal(lists(kube).length, 1);
});

const refusals: readonly (readonly [string, Refusal, RegExp])[] = [
  [
    "a verb that the role lacks is told by name",
    {
      status: 403,
      message: 'nodes is forbidden: User "x" cannot list resource "nodes" at the cluster scope',
    },
    /cannot list resource "nodes"/,
  ],
  ["a credential that is not believed is told", { status: 401, message: "Unauthorized" }, /Unauthorized/],
  ["a server that is overloaded is told", { status: 429, headers: { "retry-after": "1" } }, /answered 429/],
];
for (const [what, refusal, reason] of refusals)
  test(`${what}, it is not ready, and it goes on when that ends`, async (t) => {
    const { kube, health, holds } = await start(t, (fake) => {
      put(fake, "a", "1");
      fake.refuse(() => refusal);
    });
    await eventually(() => assert.match(health().parts["nodes"] ?? "", reason));
    assert.equal(health().ok, false);
    kube.refuse(() => undefined);
    await holds({ a: "1" });
    await eventually(() => assert.equal(health().ok, true));
  });

test("closing ends it while the server is silent", async (t) => {
  const { kube, reflector } = await start(t, (fake) => fake.pause());
  await eventually(() => assert.equal(kube.asked.length, 1));
  await reflector.close();
});
