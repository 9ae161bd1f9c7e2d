// The packet filter over nftables in memory: what it does when the kernel refuses, is slow, or holds what somebody else made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeEndpoints, endpoint } from "../../../../test/support/fake-endpoints.ts";
import { createFakeNftables, type FakeNftables } from "../../../../test/support/fake-nftables.ts";
import { OPEN_POLICY } from "../../../core/desired/node-ruleset.ts";
import type { NodePolicy } from "../../../core/model/node-policy.ts";
import { createPacketFilter } from "./packet-filter.ts";

const CHAIN = { name: "policy-wall", policy: "wall", direction: "ingress", rules: [] } as const;
/** Pod 70 is walled off. */
const walled: NodePolicy = {
  ...OPEN_POLICY,
  pods: new Map([["t/pod-70", { id: "t/pod-70", ips: [], ingress: [CHAIN.name], egress: undefined }]]),
  chains: new Map([[CHAIN.name, CHAIN]]),
};

function createBench() {
  const nftables = createFakeNftables();
  const endpoints = createFakeEndpoints();
  const state: { policy: NodePolicy | undefined } = { policy: walled };
  const restart = () =>
    createPacketFilter(
      { failsafePorts: [22] },
      { nftables, endpoints, share: state, masquerade: () => undefined, families: () => [] },
    );
  const add = (index: number): void =>
    void endpoints.add({ ...endpoint(index, [`10.0.0.${index}`]), pod: `t/pod-${index}` });
  const set = (name: string): string[] =>
    nftables.observed.kind === "ours"
      ? [...(nftables.observed.standing.sets.get(name)?.elements.keys() ?? [])]
      : [];
  return { nftables, endpoints, state, restart, filter: restart(), add, set };
}

test("a pod that comes is some elements, one that goes too, and nothing is nothing", async () => {
  const { nftables, endpoints, filter, add, set } = createBench();
  await filter.sync();
  add(70);
  await filter.sync();
  assert.deepEqual(set("own.4"), ['"rom70" . 10.0.0.70']);
  assert.deepEqual(set("ingress.4"), ["10.0.0.70"]);
  endpoints.leave("pod-70");
  await filter.sync();
  assert.deepEqual([...set("own.4"), ...set("ingress.4")], []);
  await filter.sync();
  assert.equal(nftables.batches.length, 3);
  assert.equal(nftables.looks, 1);
});

test("before the daemon has told its world a table that stands is left alone", async () => {
  const { nftables, state, restart, filter, add, set } = createBench();
  add(70);
  await filter.sync();
  state.policy = undefined;
  const next = restart();
  await next.sync();
  assert.equal(nftables.batches.length, 1);
  assert.deepEqual(set("ingress.4"), ["10.0.0.70"]);
  state.policy = OPEN_POLICY;
  await next.sync();
  assert.deepEqual(set("ingress.4"), []);
});

test("a node without a table gets at once what every node needs", async () => {
  const { add, filter, set, state } = createBench();
  state.policy = undefined;
  add(70);
  await filter.sync();
  assert.deepEqual(set("own.4"), ['"rom70" . 10.0.0.70']);
});

test("the third batch is refused: the table is that of the second, and the next try makes up for it", async () => {
  const { nftables, filter, add, set } = createBench();
  await filter.sync();
  add(70);
  await filter.sync();
  nftables.fault = () => ({ code: "NFT_REFUSED" });
  add(71);
  await assert.rejects(filter.sync(), { code: "NFT_REFUSED" });
  assert.deepEqual(set("own.4"), ['"rom70" . 10.0.0.70']);
  nftables.fault = () => undefined;
  await filter.sync();
  assert.deepEqual(set("own.4"), ['"rom70" . 10.0.0.70', '"rom71" . 10.0.0.71']);
});

test("a batch that was done, though its answer was lost, is not done twice", async () => {
  const { nftables, filter, add } = createBench();
  await filter.sync();
  nftables.fault = () => ({ code: "NETLINK_OVERRUN", isDone: true });
  add(70);
  await assert.rejects(filter.sync(), { code: "NETLINK_OVERRUN" });
  nftables.fault = () => undefined;
  assert.equal((await filter.sync()).changes, 0);
});

test("while the kernel is slow all who ask share one batch more", async () => {
  const { nftables, filter, add, set } = createBench();
  await filter.sync();
  let answer = (): void => undefined;
  nftables.hold = new Promise((resolve) => (answer = resolve));
  const asked = [70, 71, 72, 73].map(async (index) => {
    add(index);
    await filter.sync();
    assert.ok(set("own.4").includes(`"rom${index}" . 10.0.0.${index}`));
  });
  answer();
  await Promise.all(asked);
  assert.ok(nftables.batches.length <= 3, `${nftables.batches.length} batches`);
});

test("what was forgotten while a batch was under way is looked at again", async () => {
  const { nftables, filter, add } = createBench();
  await filter.sync();
  let answer = (): void => undefined;
  nftables.hold = new Promise((resolve) => (answer = resolve));
  add(70);
  const under = filter.sync();
  await Promise.resolve();
  filter.forget();
  answer();
  await under;
  nftables.observed = { kind: "none" };
  await filter.sync();
  assert.equal(nftables.observed.kind, "ours");
});

test("somebody else's table of our name is refused by name, and left as it is", async () => {
  const { nftables, filter } = createBench();
  nftables.observed = { kind: "foreign", comment: "mine" };
  await assert.rejects(filter.sync(), { code: "TABLE_FOREIGN", message: /table inet romana.*"mine"/ });
  assert.deepEqual(nftables.batches, []);
  nftables.observed = { kind: "none" };
  await filter.sync();
  assert.equal(nftables.batches.length, 1);
});

test("a kernel without a feature is told by the feature's name, and nothing is sent to it", async () => {
  const { nftables, filter } = createBench();
  const needs =
    (kind: string): typeof nftables.fault =>
    (changes) =>
      JSON.stringify([...changes], (_, value: unknown) =>
        value instanceof Map ? [...value] : value,
      ).includes(kind)
        ? { code: "NFT_REFUSED" }
        : undefined;
  nftables.fault = needs("to-this-host");
  await assert.rejects(filter.sync(), {
    code: "KERNEL_FEATURES",
    message:
      /^the kernel's nf_tables is without the kind of an address \(CONFIG_NFT_FIB_INET\) \(EOPNOTSUPP\)$/,
  });
  assert.deepEqual(nftables.batches, []);
  nftables.fault = () => undefined;
  await filter.sync();
  assert.equal(nftables.batches.length, 1);
});

test("where nothing is under way the batch is sent before the caller goes on", async () => {
  const { nftables, filter, add } = createBench();
  await filter.sync();
  let sent = false;
  const { apply } = nftables;
  nftables.apply = (changes) => {
    sent = true;
    return apply(changes);
  };
  add(70);
  const done = filter.sync();
  assert.ok(sent);
  await done;
});

test("who must send something after the rules is told where they would not go at once", async () => {
  const { filter, add } = createBench();
  assert.equal(filter.isBusy, true, "the kernel was not looked at yet");
  await filter.sync();
  assert.equal(filter.isBusy, false);
  filter.forget();
  assert.equal(filter.isBusy, true, "the kernel must be looked at again");
  add(70);
  const under = filter.sync();
  assert.equal(filter.isBusy, true, "another is under way");
  await under;
  assert.equal(filter.isBusy, false);
});

test("from any state to any other, over a restart, a refused batch or a table that others took away, is the same as from nothing", async () => {
  const states: (readonly [NodePolicy, readonly number[]])[] = [
    [OPEN_POLICY, []],
    [OPEN_POLICY, [70, 71]],
    [walled, [70, 71]],
    [walled, [70]],
    [{ ...walled, host: { ...walled.host, ingress: [CHAIN.name] } }, [71, 70]],
  ];
  const come = (
    { state, endpoints, add }: ReturnType<typeof createBench>,
    to: (typeof states)[number],
  ): void => {
    state.policy = to[0];
    for (const { name } of endpoints.list()) endpoints.leave(name);
    for (const index of to[1]) add(index);
  };
  const sorted = ({ observed }: FakeNftables): unknown => {
    if (observed.kind !== "ours") return observed;
    const { sets, chains } = observed.standing;
    return [
      [...sets].map(([name, { elements }]) => `${name} ${[...elements.keys()].sort().join()}`).sort(),
      [...chains].sort(),
    ];
  };
  for (const to of states) {
    const fresh = createBench();
    come(fresh, to);
    await fresh.filter.sync();
    for (const from of states)
      for (const between of ["nothing", "a restart", "a refusal", "a deletion"]) {
        const bench = createBench();
        come(bench, from);
        await bench.filter.sync();
        let { filter } = bench;
        if (between === "a restart") filter = bench.restart();
        if (between === "a deletion") bench.nftables.observed = { kind: "none" };
        if (between === "a deletion") filter.forget();
        come(bench, to);
        if (between === "a refusal") {
          bench.nftables.fault = () => ({ code: "NFT_REFUSED" });
          await filter.sync().catch(() => undefined);
          bench.nftables.fault = () => undefined;
        }
        await filter.sync();
        assert.deepEqual(sorted(bench.nftables), sorted(fresh.nftables), between);
      }
  }
});
