// Topologies change while pods come and go: whatever is posted, no live address is lost, moved or given twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { containsCidr, containsIp } from "../net/cidr.ts";
import { formatIp } from "../net/ip.ts";
import { parseTopology } from "../topology/parse-topology.ts";
import { allocate } from "./allocate.ts";
import { release } from "./release.ts";
import { applyWrites, createIpamState, type IpamState } from "./state.ts";
import { options } from "./testdata/world.ts";
import { planHostJoin } from "./hosts.ts";
import { planTopologyChange } from "./topology-change.ts";

const names = ["a", "b", "c", "d", "e"];
const documents = fc.record({
  groups: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 5 }),
  nested: fc.boolean(),
  mask: fc.constantFrom(28, 29, 30),
  more: fc.boolean(),
});
type Shape = typeof documents extends fc.Arbitrary<infer T> ? T : never;

function documentOf({ groups, nested, mask, more }: Shape): unknown {
  const networks = [
    { name: "net", cidr: "10.0.0.0/24", block_mask: mask },
    ...(more ? [{ name: "more", cidr: "10.9.0.0/24", block_mask: 29 }] : []),
  ];
  const map = groups.map((name) => ({
    name,
    groups: nested && name === "a" ? [{ name: "x" }, { name: "y" }] : [],
  }));
  return { networks, topologies: [{ networks: networks.map(({ name }) => name), map }] };
}

type Step =
  | { do: "change"; shape: Shape }
  | { do: "allocate"; pod: number; host: number }
  | { do: "release"; pod: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("change" as const), shape: documents }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("allocate" as const), pod: fc.nat(60), host: fc.nat(4) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("release" as const), pod: fc.nat(60) }) },
);

const seen = new Map<string, number>();
const meet = (kind: string): unknown => seen.set(kind, (seen.get(kind) ?? 0) + 1);

function run(state: IpamState, todo: Step): void {
  if (todo.do === "change") return change(state, todo.shape);
  const name = `p${todo.pod}`;
  const answer =
    todo.do === "allocate"
      ? allocate(state, { name, host: `h${todo.host}`, tenant: "t", segment: "" }, options)
      : release(state, { name }, options);
  meet(answer.kind);
  if ("writes" in answer) applyWrites(state, answer.writes);
}

function change(state: IpamState, shape: Shape): void {
  const parsed = parseTopology(documentOf(shape), state.topology);
  if (parsed.kind === "invalid") return void meet("invalid");
  const answer = planTopologyChange(state, parsed.topology);
  meet(answer.kind);
  if (answer.kind === "conflict")
    for (const { name, ip } of answer.conflicts)
      assert.ok(
        state.addresses.get(name)?.ips.some((each) => formatIp(each.ip) === ip),
        `${ip} is in use`,
      );
  else {
    const before = [...state.addresses];
    applyWrites(state, answer.writes);
    assert.deepEqual([...state.addresses], before, "addresses in use stay");
  }
}

function check(state: IpamState): void {
  const ips = [...state.addresses.values()].flatMap((address) => address.ips.map(({ ip }) => formatIp(ip)));
  assert.equal(new Set(ips).size, ips.length, "no address twice");
  const blocks = [...state.blocks.values()].map(({ block }) => block);
  for (const block of blocks) {
    const group = state.group(0, block.group);
    const prefix = group?.prefixes[block.network];
    assert.ok(
      group?.groups.length === 0 && prefix && containsCidr(prefix, block.cidr),
      "inside its leaf's prefix",
    );
  }
  for (const address of state.addresses.values())
    for (const { ip } of address.ips) {
      const holding = blocks.filter(({ cidr }) => containsIp(cidr, ip));
      assert.deepEqual(
        holding.map(({ host }) => host),
        [address.host],
      );
      const [path] = state.hosts.get(address.host)?.groups ?? [];
      assert.equal(path, holding[0]?.group, "on a host of the group that it comes from");
    }
}

test("law: a topology change keeps every address in use, or is refused with their names", () => {
  fc.assert(
    fc.property(documents, fc.array(step, { minLength: 10, maxLength: 60, size: "max" }), (first, steps) => {
      const state = createIpamState();
      change(state, first);
      for (let i = 0; i < 5; i++) {
        const host = { name: `h${i}`, ips: [], tags: {}, agentPort: 0, k8sInfo: {} };
        applyWrites(state, planHostJoin(state, host).writes);
      }
      for (const todo of steps) {
        run(state, todo);
        check(state);
      }
    }),
    { numRuns: 60, seed: 21 },
  );
  for (const kind of ["allocated", "released", "applied", "conflict", "invalid"])
    assert.ok((seen.get(kind) ?? 0) > 20, `${kind}: met ${seen.get(kind) ?? 0} times`);
});
