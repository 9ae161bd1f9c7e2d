import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Cidr, compareCidr, containsIp, formatCidr, lastIp, parseCidr, subnet } from "../net/cidr.ts";
import { formatIp, type Ip, parseIp } from "../net/ip.ts";
import { prefixMap } from "../net/prefix-map.ts";
import { emptySnapshot, type Snapshot } from "../model/snapshot.ts";
import { type Route, ROMANA_PROTOCOL } from "../netlink/types.ts";
import { desiredRouterRoutes, type Router } from "./router-routes.ts";

const snapshotOf = (blocks: readonly (readonly [cidr: string, host: string])[]): Snapshot => ({
  ...emptySnapshot,
  hosts: new Map(
    ["h1", "h2", "h3"].map((name, i) => [
      name,
      {
        ...{ name, tags: {}, agentPort: 0, k8sInfo: {}, groups: [] },
        ips: [parseIp(`192.168.0.${i + 1}`), parseIp(`fd00:192::${i + 1}`)],
      },
    ]),
  ),
  blocks: new Map(
    blocks.map(([text, host]) => [
      text,
      { cidr: parseCidr(text), host, network: "net", group: "g", tenant: "t", segment: "" },
    ]),
  ),
});
const rack: Router = {
  table: 254,
  owns: ["10.0.0.0/26", "fd00::/122"].map((text) => parseCidr(text)),
  deliversToHosts: true,
  neighbours: [],
};
const via = (text: string) => [parseIp(text), parseIp(`fd00::${text}`)];
const spine: Router = {
  table: 254,
  owns: [parseCidr("10.0.0.0/16"), parseCidr("fd00::/32")],
  deliversToHosts: false,
  neighbours: [
    { prefixes: [parseCidr("10.0.0.0/18"), parseCidr("fd00::/34")], via: via("192.168.1.1") },
    { prefixes: [parseCidr("10.0.64.0/18"), parseCidr("fd00:0:4000::/34")], via: via("192.168.1.2") },
    { prefixes: [parseCidr("10.1.0.0/16"), parseCidr("fd00:1::/32")], via: via("192.168.2.1") },
  ],
};
const show = (routes: readonly Route[]): string[] =>
  routes
    .toSorted((a, b) => compareCidr(a.dst, b.dst) || a.metric - b.metric)
    .map(({ dst, nextHops: [hop] }) => `${formatCidr(dst)} ${hop?.via ? formatIp(hop.via) : "discard"}`);

/** Each row: what is shown, a router, blocks, its routes. */
const rows: readonly (readonly [string, Router, Parameters<typeof snapshotOf>[0], string[]])[] = [
  ["an empty rack discards its prefixes", rack, [], ["10.0.0.0/26 discard", "fd00::/122 discard"]],
  [
    "blocks side by side of one host are one route",
    rack,
    [
      ["10.0.0.0/29", "h1"],
      ["10.0.0.8/29", "h1"],
      ["10.0.0.16/29", "h2"],
      ["fd00::8/125", "h2"],
    ],
    [
      "10.0.0.0/26 discard",
      "10.0.0.0/28 192.168.0.1",
      "10.0.0.16/29 192.168.0.2",
      "fd00::/122 discard",
      "fd00::8/125 fd00:192::2",
    ],
  ],
  [
    "a rack that is full goes to the host that has most of it, but for what others have",
    rack,
    [
      ["10.0.0.0/27", "h1"],
      ["10.0.0.32/28", "h1"],
      ["10.0.0.48/29", "h2"],
      ["10.0.0.56/29", "h1"],
    ],
    ["10.0.0.0/26 192.168.0.1", "10.0.0.0/26 discard", "10.0.0.48/29 192.168.0.2", "fd00::/122 discard"],
  ],
  [
    "blocks outside of the rack, and of hosts that are not known, are no affair of the rack's",
    rack,
    [
      ["10.0.1.0/29", "h1"],
      ["10.0.0.0/29", "h9"],
    ],
    ["10.0.0.0/26 discard", "fd00::/122 discard"],
  ],
  [
    "a spine knows prefixes only, and discards the rest of its own",
    spine,
    [["10.0.0.0/29", "h1"]],
    [
      "10.0.0.0/16 discard",
      "10.0.0.0/18 192.168.1.1",
      "10.0.64.0/18 192.168.1.2",
      "10.1.0.0/16 192.168.2.1",
      "fd00::/32 discard",
      "fd00::/34 fd00::c0a8:101",
      "fd00:0:4000::/34 fd00::c0a8:102",
      "fd00:1::/32 fd00::c0a8:201",
    ],
  ],
  [
    "a zone of one rack is the rack, and discarded while the rack is away",
    { ...spine, neighbours: [{ prefixes: spine.owns, via: via("192.168.1.1") }] },
    [],
    ["10.0.0.0/16 192.168.1.1", "10.0.0.0/16 discard", "fd00::/32 fd00::c0a8:101", "fd00::/32 discard"],
  ],
];
for (const [what, router, blocks, expected] of rows)
  test(what, () => {
    assert.deepEqual(show(desiredRouterRoutes(snapshotOf(blocks), router)), expected);
  });

test("routes are recognisable as ours, in the router's table", () => {
  for (const route of desiredRouterRoutes(snapshotOf([["10.0.0.0/29", "h1"]]), rack)) {
    assert.deepEqual([route.protocol, route.table], [ROMANA_PROTOCOL, 254]);
    assert.equal(route.type, route.nextHops.length === 0 ? "unreachable" : "unicast");
  }
});

test("law: every address goes to the host that has its block, and nowhere else", () => {
  const four = parseCidr("10.0.0.0/26");
  const owners = fc.array(fc.constantFrom("h1", "h2", "h3", ""), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(owners, (hosts) => {
      const cidrs: Cidr[] = hosts.map((_, i) => subnet(four, 29, BigInt(i)));
      const blocks = cidrs.flatMap((cidr, i) => (hosts[i] ? [[formatCidr(cidr), hosts[i]] as const] : []));
      const snapshot = snapshotOf(blocks);
      const routes = desiredRouterRoutes(snapshot, rack).filter(({ dst }) => dst.ip.family === 4);
      const keys = new Set(routes.map(({ dst, metric }) => `${formatCidr(dst)} ${metric}`));
      assert.equal(keys.size, routes.length, "the kernel can hold them all");
      routes.sort((a, b) => b.metric - a.metric); // of one prefix the map keeps the last
      const table = prefixMap(routes.map((route) => ({ prefix: route.dst, value: route })));
      const hopAt = (ip: Ip): string | undefined => {
        const hop = table.lookup(ip)?.value.nextHops[0]?.via;
        return hop && formatIp(hop);
      };
      for (const [i, cidr] of cidrs.entries())
        for (const ip of [cidr.ip, lastIp(cidr)]) {
          const wanted = snapshot.hosts.get(hosts[i] ?? "")?.ips[0];
          assert.equal(hopAt(ip), wanted && formatIp(wanted));
        }
      assert.ok(routes.every(({ dst }) => containsIp(four, dst.ip)));
      assert.ok(routes.length <= blocks.length + 1);
    }),
  );
});
