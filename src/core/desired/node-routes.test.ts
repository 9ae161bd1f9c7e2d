import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressesOf, forwarded, showTable } from "../../../test/support/kernel-table.ts";
import { snapshotOf } from "../../../test/support/snapshots.ts";
import { containsIp, formatCidr, parseCidr, subnet } from "../net/cidr.ts";
import { equalIp, formatIp, type Ip, parseIp } from "../net/ip.ts";
import { ROMANA_PROTOCOL } from "../netlink/types.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { desiredNodeRoutes, desiredRules, type Node } from "./node-routes.ts";

const hosts = {
  me: ["192.168.0.1", "fd01::1"],
  near: ["192.168.0.2", "fd01::2"],
  beside: ["192.168.0.3", "fd01::3"],
  far: ["172.16.0.9", "fd09::9"],
};
const subnetOf = (ip: string, prefix: string, index: number) => ({
  ip: parseIp(ip),
  prefix: parseCidr(prefix),
  index,
});
const me: Node = {
  name: "me",
  table: 10,
  subnets: [subnetOf("192.168.0.1", "192.168.0.0/24", 2), subnetOf("fd01::1", "fd01::/64", 2)],
  pods: [],
};
const gateway = (text: string) => ({ via: parseIp(text), index: 7, weight: 1, onlink: false });

const rows: readonly (readonly [
  string,
  Partial<Node>,
  Readonly<Record<string, string>>,
  readonly string[],
])[] = [
  ["no blocks, no routes", {}, {}, []],
  [
    "blocks of on-link hosts go there, of both families",
    {},
    { "10.0.0.0/29": "near", "fd00::/125": "beside" },
    ["10.0.0.0/29 via 192.168.0.2 dev 2", "fd00::/125 via fd01::3 dev 2"],
  ],
  ["blocks of hosts beyond are left to the default route", {}, { "10.0.0.0/29": "far" }, []],
  ["blocks of hosts that nobody knows are left alone", {}, { "10.0.0.0/29": "ghost" }, []],
  [
    "blocks of hosts beyond go through the gateway when that is asked for",
    { gateways: { 4: gateway("192.168.0.254") } },
    { "10.0.0.0/29": "far", "fd00::/125": "far" },
    ["10.0.0.0/29 via 192.168.0.254 dev 7"],
  ],
  ["a local block is refused but for its pods", {}, { "10.0.0.0/29": "me" }, ["unreachable 10.0.0.0/29"]],
  [
    "pods are routed one by one",
    {
      pods: [
        { ip: parseIp("10.0.0.1"), index: 70, mac: "" },
        { ip: parseIp("fd00::1"), index: 70, mac: "" },
      ],
    },
    { "10.0.0.0/29": "me" },
    ["10.0.0.1/32 dev 70", "fd00::1/128 dev 70", "unreachable 10.0.0.0/29"],
  ],
  [
    "blocks side by side of one host are one route",
    {},
    { "10.0.0.0/29": "near", "10.0.0.8/29": "near" },
    ["10.0.0.0/28 via 192.168.0.2 dev 2"],
  ],
  [
    "a hole is thrown to the rules after ours, where that takes fewer routes",
    {},
    Object.fromEntries([0, 8, 16, 32, 40, 48, 56].map((n) => [`10.0.0.${n}/29`, "near"])),
    ["10.0.0.0/26 via 192.168.0.2 dev 2", "throw 10.0.0.24/29"],
  ],
  [
    "the most specific of overlapping subnets leads to a host",
    { subnets: [subnetOf("192.168.9.9", "192.168.0.0/16", 3), ...me.subnets] },
    { "10.0.0.0/29": "near" },
    ["10.0.0.0/29 via 192.168.0.2 dev 2"],
  ],
  [
    "an address of this node is no next hop, whoever claims it",
    { name: "somebody", gateways: { 4: gateway("192.168.0.254") } },
    { "10.0.0.0/29": "me" },
    [],
  ],
];
for (const [what, rest, blocks, expected] of rows)
  test(what, () => {
    assert.deepEqual(showTable(desiredNodeRoutes(snapshotOf(hosts, blocks), { ...me, ...rest })), expected);
  });

/** What the founding design says, address by address, without a table. */
function wanted({ blocks, hosts: known }: Snapshot, node: Node, ip: Ip): string {
  const pod = node.pods.find((each) => equalIp(each.ip, ip));
  if (pod) return `unicast %${pod.index}`;
  const block = [...blocks.values()].find(({ cidr }) => containsIp(cidr, ip));
  if (!block) return "";
  if (block.host === node.name) return "unreachable";
  const via = known.get(block.host)?.ips.find(({ family }) => family === ip.family);
  const link = via && node.subnets.find(({ prefix }) => containsIp(prefix, via));
  return link ? `unicast ${formatIp(via)}%${link.index}` : "";
}

test("law: every address is forwarded as its own block says, and the routes are no more than blocks and pods", () => {
  const universes = [parseCidr("10.0.0.0/25"), parseCidr("fd00::/121")];
  const owners = fc.array(fc.constantFrom("me", "near", "beside", "far", ""), {
    minLength: 16,
    maxLength: 16,
  });
  const podNumbers = fc.uniqueArray(fc.nat(127), { maxLength: 3 });
  fc.assert(
    fc.property(fc.constantFrom(...universes), owners, podNumbers, (universe, of, numbers) => {
      const blocks = Object.fromEntries(
        of.flatMap((host, i) =>
          host ? [[formatCidr(subnet(universe, universe.length + 4, BigInt(i))), host]] : [],
        ),
      );
      const addresses = addressesOf(universe);
      const pods = numbers.flatMap((n) => addresses[n] ?? []).map((ip) => ({ ip, index: 70, mac: "" }));
      const node = { ...me, pods };
      const snapshot = snapshotOf(hosts, blocks);
      const routes = desiredNodeRoutes(snapshot, node);
      for (const ip of addresses) assert.equal(forwarded(routes, ip), wanted(snapshot, node, ip));
      assert.ok(routes.length <= Object.keys(blocks).length + pods.length);
    }),
    { numRuns: 300 },
  );
});

test("everything is recognisable as ours", () => {
  const routes = desiredNodeRoutes(snapshotOf(hosts, { "10.0.0.0/29": "near", "fd00::/125": "me" }), {
    ...me,
    table: 77,
  });
  for (const { table, protocol } of [...routes, ...desiredRules(77, [4, 6])])
    assert.deepEqual([table, protocol], [77, ROMANA_PROTOCOL]);
  assert.deepEqual(
    desiredRules(77, [4, 6]).map(({ family, priority }) => [family, priority]),
    [
      [4, 10],
      [6, 10],
    ],
  );
});
