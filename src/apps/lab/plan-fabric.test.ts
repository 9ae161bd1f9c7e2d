// The underlay of topologies of all shapes: everybody reaches everybody, nothing overlaps, names differ.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../../base/errors.ts";
import type { Group, Topology } from "../../core/model/topology.ts";
import { containsIp, type Cidr, overlaps, parseCidr } from "../../core/net/cidr.ts";
import { equalIp, formatIp, type Ip } from "../../core/net/ip.ts";
import { type FabricNode, type FabricPlan, planFabric } from "./plan-fabric.ts";

type Shape = { readonly [name: string]: Shape };

function group(name: string, path: string, shape: Shape): Group {
  const groups = Object.entries(shape).map(([child, rest]) =>
    group(child, path === "" ? child : `${path}/${child}`, rest),
  );
  return {
    name,
    path,
    assignment: path === "" ? {} : { [name]: "yes" },
    routing: undefined,
    prefixes: {},
    groups,
    hosts: [],
  };
}
const topologyOf = (shape: Shape, cidrs: readonly string[] = ["10.0.0.0/8", "fd00:10::/32"]): Topology => ({
  networks: cidrs.map((text, i) => ({ name: `n${i}`, cidr: parseCidr(text), blockMask: 29, tenants: [] })),
  trees: [{ networks: cidrs.map((_, i) => `n${i}`), root: group("", "", shape) }],
});
const twoZones: Shape = { a: { "rack-1": {}, "rack-2": {} }, b: { "rack-3": {}, "rack-4": {} } };
const names = (plan: FabricPlan, role: string): string[] =>
  plan.nodes.filter((node) => node.role === role).map((node) => node.name);

test("two zones of two racks are four top-of-rack routers, a spine a zone and the daemon", () => {
  const plan = planFabric(topologyOf(twoZones), { hostsPerRack: 2 });
  assert.deepEqual(names(plan, "spine"), ["spine-a", "spine-b"]);
  assert.deepEqual(names(plan, "tor"), ["tor-rack-1", "tor-rack-2", "tor-rack-3", "tor-rack-4"]);
  assert.deepEqual(names(plan, "daemon"), ["daemon"]);
  assert.equal(names(plan, "host").length, 8);
  assert.equal(plan.links.length, 8 + 4 + 1 + 1);
  assert.deepEqual(plan.hosts[0]?.tags, { a: "yes", "rack-1": "yes" });
});

test("a spine knows its racks, and other zones as one prefix each", () => {
  const plan = planFabric(topologyOf(twoZones), { hostsPerRack: 1 });
  const spine = plan.routers.find((router) => router.name === "spine-a");
  assert.deepEqual(spine?.owns, ["a"]);
  assert.deepEqual(
    spine?.hops.map((hop) => hop.group),
    ["a/rack-1", "a/rack-2", "b"],
  );
});

test("racks at the top of the tree share one spine", () => {
  const plan = planFabric(topologyOf({ r1: {}, r2: {}, r3: {} }), { hostsPerRack: 1 });
  assert.deepEqual(names(plan, "spine"), ["spine"]);
  assert.deepEqual(plan.routers.at(-1)?.owns, ["r1", "r2", "r3"]);
});

test("racks of the same name in two zones get different names", () => {
  const plan = planFabric(topologyOf({ a: { rack: {} }, b: { rack: {} } }), { hostsPerRack: 1 });
  assert.deepEqual(names(plan, "tor"), ["tor-a-rack", "tor-b-rack"]);
});

test("hosts that the file lists come first and keep their names", () => {
  const topology = topologyOf({ r1: {} });
  const [tree] = topology.trees;
  const listed =
    tree?.root.groups.map((leaf) => ({ ...leaf, hosts: [{ name: "gold", ips: ["192.168.0.1"] }] })) ?? [];
  const changed: Topology = {
    ...topology,
    trees: [{ networks: ["n0"], root: { ...group("", "", {}), groups: listed } }],
  };
  assert.deepEqual(names(planFabric(changed, { hostsPerRack: 2 }), "host"), ["gold", "r1-h1"]);
});

test("the underlay's addresses keep off the topology's networks", () => {
  const taken = ["198.18.0.0/15", "fd1a:b::/32"];
  const plan = planFabric(topologyOf(twoZones, taken), { hostsPerRack: 2 });
  const ips = plan.nodes.flatMap((node) => node.addresses.map(({ ip }) => ip));
  const used = taken.map((text) => parseCidr(text));
  assert.deepEqual(ips.filter((ip) => used.some((cidr) => containsIp(cidr, ip))).map(formatIp), []);
});

test("a lab that no machine carries is refused", () => {
  const code = (error: unknown): boolean => error instanceof InputError && error.code === "LAB_TOO_LARGE";
  assert.throws(() => planFabric(topologyOf(twoZones), { hostsPerRack: 32 }), code);
});

const shapes = fc.dictionary(
  fc.constantFrom("a", "b", "c", "d"),
  fc.oneof(
    fc.constant({}),
    fc.dictionary(fc.constantFrom("r1", "r2", "r3"), fc.constant({}), { minKeys: 1, noNullPrototype: true }),
  ),
  { minKeys: 1, noNullPrototype: true },
);

test("in every shape each host reaches each host and the daemon, in both families", () => {
  fc.assert(
    fc.property(shapes, fc.integer({ min: 1, max: 3 }), (shape, hostsPerRack) => {
      const plan = planFabric(topologyOf(shape), { hostsPerRack });
      const targets = [plan.daemon, ...plan.hosts.flatMap((host) => host.ips)];
      for (const host of plan.hosts)
        for (const target of targets) assert.equal(reaches(plan, host.name, target), true, formatIp(target));
      assert.equal(new Set(plan.nodes.map((node) => node.name)).size, plan.nodes.length);
    }),
    { numRuns: 30 },
  );
});

test("in every shape no two subnets overlap unless they are the same wire", () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      const plan = planFabric(topologyOf(shape), { hostsPerRack: 2 });
      const subnets = new Map(
        plan.nodes
          .flatMap((node) => node.routes)
          .map(({ dst }) => [JSON.stringify([String(dst.ip.value), dst.length]), dst]),
      );
      const list: Cidr[] = [...subnets.values()].filter((dst) => dst.length > 0);
      for (const [i, one] of list.entries())
        for (const other of list.slice(i + 1)) assert.equal(overlaps(one, other), false);
    }),
    { numRuns: 30 },
  );
});

/** Follows longest-prefix routes from node to node, as the kernels will. */
function reaches(plan: FabricPlan, from: string, target: Ip): boolean {
  let node = plan.nodes.find(({ name }) => name === from);
  for (let hops = 0; node && hops < 10; hops++) {
    if (node.addresses.some(({ ip }) => equalIp(ip, target))) return true;
    node = nextNode(plan, node, target);
  }
  return false;
}

function nextNode(plan: FabricPlan, node: FabricNode, target: Ip): FabricNode | undefined {
  const holder = (ip: Ip): FabricNode | undefined =>
    plan.nodes.find((other) => other.addresses.some((address) => equalIp(address.ip, ip)));
  const isLocal = node.addresses.some(({ ip, length }) =>
    containsIp({ ip: { ...ip, value: (ip.value >> host(ip, length)) << host(ip, length) }, length }, target),
  );
  if (isLocal) return holder(target);
  const [best] = node.routes
    .filter(({ dst }) => containsIp(dst, target))
    .sort((a, b) => b.dst.length - a.dst.length);
  return best && holder(best.via);
}
const host = (ip: Ip, length: number): bigint => BigInt((ip.family === 4 ? 32 : 128) - length);
