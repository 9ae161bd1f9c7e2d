// Topologies after the first: what lies behind a set of hosts, and that routers made of it lead every block to its host.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlockRoute, Snapshot } from "../../core/model/snapshot.ts";
import type { Host } from "../../core/model/records.ts";
import { formatCidr, parseCidr } from "../../core/net/cidr.ts";
import { parseIp } from "../../core/net/ip.ts";
import { parseTopology } from "../../core/topology/parse-topology.ts";
import { behind, isWithin } from "./other-trees.ts";
import { routerOf } from "./routers.ts";

const parsed = parseTopology({
  networks: [
    { name: "main", cidr: "10.0.0.0/16" },
    { name: "bank", cidr: "172.20.0.0/16", tenants: ["bank"] },
  ],
  topologies: [
    { networks: ["main"], map: [{ name: "r1" }, { name: "r2" }] },
    { networks: ["bank"], map: [{ name: "gold" }, { name: "rest" }] },
  ],
});
assert.ok(parsed.kind === "valid");
const { topology } = parsed;

/** h1 and h2 in rack r1, h3 in r2; gold is h1 alone, rest is h2 and h3. */
const hosts: readonly (readonly [name: string, rack: string, other: string])[] = [
  ["h1", "r1", "gold"],
  ["h2", "r1", "rest"],
  ["h3", "r2", "rest"],
];
const host = ([name, rack, other]: (typeof hosts)[number], i: number): [string, Host] => [
  name,
  { name, ips: [parseIp(`198.18.0.${i + 1}`)], tags: {}, agentPort: 0, k8sInfo: {}, groups: [rack, other] },
];
const block = (name: string, network: string, group: string, cidr: string): [string, BlockRoute] => [
  cidr,
  { cidr: parseCidr(cidr), network, group, host: name, tenant: "bank", segment: "" },
];
const world: Snapshot = {
  revision: 1,
  topology,
  hosts: new Map(hosts.map(host)),
  blocks: new Map([
    block("h1", "main", "r1", "10.0.0.0/29"),
    block("h1", "bank", "gold", "172.20.0.0/29"),
    block("h2", "bank", "rest", "172.20.128.0/29"),
    block("h3", "bank", "rest", "172.20.128.8/29"),
  ]),
};
const found = (...names: string[]): { prefixes: string[]; blocks: string[] } => {
  const { prefixes, blocks } = behind(world, (name) => names.includes(name));
  return { prefixes: prefixes.map(formatCidr), blocks: blocks.map(({ cidr }) => formatCidr(cidr)) };
};

const rows: readonly (readonly [sentence: string, behind: string[], prefixes: string[], blocks: string[]])[] =
  [
    ["a group whose hosts are all behind is one prefix", ["h1"], ["172.20.0.0/17"], []],
    ["a group that spans is its blocks", ["h3"], [], ["172.20.128.8/29"]],
    ["a rack has both", ["h1", "h2"], ["172.20.0.0/17"], ["172.20.128.0/29"]],
    ["all hosts are the whole network", ["h1", "h2", "h3"], ["172.20.0.0/16"], []],
    ["nobody is nothing", [], [], []],
  ];
for (const [sentence, names, prefixes, blocks] of rows)
  test(sentence, () => assert.deepEqual(found(...names), { prefixes, blocks }));

test("a top-of-rack router owns whole groups, and leads blocks of spanning ones to their hosts", () => {
  const states = hosts.map(([name, group], i) => ({ name, group, ips: [`198.18.0.${i + 1}`], tags: {} }));
  const tor = routerOf({ name: "tor-r1", role: "tor", owns: ["r1"], hops: [] }, world, states);
  assert.deepEqual(tor.owns.map(formatCidr), ["10.0.0.0/17", "172.20.0.0/17"]);
  assert.deepEqual(
    tor.neighbours.map(({ prefixes }) => prefixes.map(formatCidr)),
    [[], ["172.20.128.0/29"], []],
  );
  const hops = [
    { group: "r1", via: ["198.19.0.1"] },
    { group: "r2", via: ["198.19.0.3"] },
  ];
  const spine = routerOf({ name: "spine", role: "spine", owns: ["r1", "r2"], hops }, world, states);
  assert.deepEqual(
    spine.neighbours.map(({ prefixes }) => prefixes.map(formatCidr)),
    [
      ["10.0.0.0/17", "172.20.0.0/17", "172.20.128.0/29"],
      ["10.0.128.0/17", "172.20.128.8/29"],
    ],
  );
});

test("a path is within itself, its parents and the root, and not within a name that begins alike", () => {
  assert.deepEqual(
    ["", "a", "a/b", "a/bc", "b"].map((outer) => isWithin("a/b", outer)),
    [true, true, true, false, false],
  );
});
