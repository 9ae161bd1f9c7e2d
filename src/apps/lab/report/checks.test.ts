// What the report must reject: each law with a lab that breaks it.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Group, Topology } from "../../../core/model/topology.ts";
import { ROMANA_PROTOCOL, type Route } from "../../../core/netlink/types.ts";
import { parseCidr } from "../../../core/net/cidr.ts";
import { checkFacts } from "./checks.ts";
import type { Facts } from "./facts.ts";

const group = (path: string, cidr: string, groups: readonly Group[] = []): Group => ({
  name: path,
  path,
  assignment: {},
  routing: undefined,
  prefixes: { n: parseCidr(cidr) },
  groups,
  hosts: [],
});
const topologyOf = (...racks: Group[]): Topology => ({
  networks: [{ name: "n", cidr: parseCidr("10.0.0.0/8"), blockMask: 29, tenants: [] }],
  trees: [{ networks: ["n"], root: group("", "10.0.0.0/8", racks) }],
});
const block = (cidr: string): Facts["blocks"][number] => ({
  revision: 1,
  cidr,
  tenant: "shop",
  segment: "",
  host: "h1",
  network: "n",
  group: "r1",
  allocated_ip_count: 1,
});
const route = (dst: string): Route => ({
  dst: parseCidr(dst),
  table: 254,
  protocol: ROMANA_PROTOCOL,
  type: "unicast",
  scope: 0,
  metric: 0,
  nextHops: [],
  source: undefined,
});
const joined = (group: string | null): Facts["registered"] => [
  { ip: "", ips: [], name: "h1", agent_port: 0, tags: {}, k8s_info: {}, groups: [group] },
];
const good: Facts = {
  topology: topologyOf(group("r1", "10.0.0.0/9"), group("r2", "10.128.0.0/9")),
  blocks: [block("10.0.0.0/29")],
  registered: joined("r1"),
  hosts: [{ name: "h1", group: "r1", ips: [], tags: {} }],
  pods: [
    { name: "p", host: "h1", tenant: "shop", segment: "", containerId: "c", ips: ["10.0.0.1"], addMs: 1 },
  ],
  nodes: [
    { node: "tor-r1", role: "tor", routes: [route("10.0.0.0/29")] },
    { node: "h1", role: "host", routes: [route("10.0.0.1/32")] },
  ],
};
const faultsOf = (facts: Facts): number => checkFacts(facts).filter(({ faults }) => faults.length > 0).length;
const [pod] = good.pods;

test("a lab in order has no faults", () => {
  assert.deepEqual(
    checkFacts(good).flatMap(({ faults }) => faults),
    [],
  );
});

const broken: readonly (readonly [sentence: string, facts: Facts])[] = [
  [
    "siblings that overlap",
    { ...good, topology: topologyOf(group("r1", "10.0.0.0/9"), group("r2", "10.0.0.0/10")) },
  ],
  [
    "a rack outside of its parent",
    { ...good, topology: topologyOf(group("r1", "10.0.0.0/9"), group("r2", "11.0.0.0/9")) },
  ],
  ["a block outside of its rack", { ...good, blocks: [block("10.128.0.0/29")] }],
  ["a block of a host in another rack", { ...good, registered: joined("r2"), pods: [], nodes: [] }],
  ["a host that joined another rack", { ...good, registered: joined("r2"), blocks: [], pods: [], nodes: [] }],
  ["a host that joined none", { ...good, registered: joined(null), blocks: [], pods: [], nodes: [] }],
  [
    "a pod's address outside of its rack",
    { ...good, pods: pod ? [{ ...pod, ips: ["10.128.0.1"] }] : [], nodes: [] },
  ],
  ["a pod without an address", { ...good, pods: pod ? [{ ...pod, ips: [] }] : [], nodes: [] }],
  [
    "a router with a route to one pod",
    { ...good, nodes: [{ node: "spine", role: "spine", routes: [route("10.0.0.1/32")] }] },
  ],
  [
    "a host with a route to another host's pod",
    { ...good, nodes: [{ node: "h2", role: "host", routes: [route("10.0.0.1/32")] }] },
  ],
];
for (const [sentence, facts] of broken) test(`rejects ${sentence}`, () => assert.ok(faultsOf(facts) > 0));
