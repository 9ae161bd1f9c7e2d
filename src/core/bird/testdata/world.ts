// Small worlds for tests of what is announced.
import { parseCidr } from "../../net/cidr.ts";
import { parseIp } from "../../net/ip.ts";
import { type BlockRoute, emptySnapshot, type Snapshot } from "../../model/snapshot.ts";
import { valid } from "../../topology/testdata/documents.ts";

/** One block: its prefix, its network ("v4", "v6" or "other") and its host. */
export type TestBlock = readonly [cidr: string, network: string, host: string];

export const tor = (...ips: string[]) => ips.map((ip) => ({ ip, as: 65_000 }));
export const bgp = (more: object = {}) => ({ bgp: { as: 65_001, neighbours: tor("192.168.0.254"), ...more } });

/** Two trees: v4 and v6 share one of a zone with two racks, `other` has another. Hosts n1 (two families), n2 (IPv4), n3 (IPv6); n4 is in rack b. */
export function worldOf(routing: { zone?: unknown; a?: unknown; other?: unknown }, blocks: readonly TestBlock[]): Snapshot {
  const topology = valid({
    networks: [
      { name: "v4", cidr: "10.0.0.0/16" },
      { name: "v6", cidr: "fd00::/64" },
      { name: "other", cidr: "10.1.0.0/16" },
    ],
    topologies: [
      {
        networks: ["v4", "v6"],
        map: [{ name: "z", routing: routing.zone, groups: [{ name: "a", routing: routing.a }, { name: "b" }] }],
      },
      { networks: ["other"], map: [{ name: "flat", routing: routing.other }] },
    ],
  });
  const host = (name: string, rack: string, ...ips: string[]) => {
    const groups = [`z/${rack}`, "flat"];
    return [name, { name, ips: ips.map((ip) => parseIp(ip)), tags: {}, agentPort: 0, k8sInfo: {}, groups }] as const;
  };
  const block = ([text, network, host]: TestBlock): [string, BlockRoute] => [
    text,
    { cidr: parseCidr(text), network, host, group: "z/a", tenant: "t", segment: "" },
  ];
  return {
    ...{ ...emptySnapshot, topology, blocks: new Map(blocks.map(block)) },
    hosts: new Map([
      host("n1", "a", "192.168.0.1", "fd01::1"),
      host("n2", "a", "192.168.0.2"),
      host("n3", "a", "fd01::3"),
      host("n4", "b", "192.168.0.4"),
    ]),
  };
}

const everything = bgp({
  neighbours: [
    { ip: "192.168.0.254", as: 65_000, password: "it's a {secret}; \\n" },
    { ip: "fd01::fe", as: 4_200_000_000 },
  ],
  ...{ hold: 9, keepalive: 3, communities: ["65001:100", "65001:200"] },
  ...{ graceful_restart: true, bfd: { interval: 100, multiplier: 3 } },
});

/** All that a configuration can have, for n1. */
export const wholeWorld = worldOf({ zone: everything, other: bgp({ neighbours: tor("192.168.0.254", "192.168.0.1") }) }, [
  ["10.0.0.0/29", "v4", "n1"],
  ["10.0.0.8/29", "v4", "n1"],
  ["10.0.0.16/29", "v4", "n2"],
  ["fd00::/125", "v6", "n1"],
  ["10.1.0.0/29", "other", "n1"],
]);
