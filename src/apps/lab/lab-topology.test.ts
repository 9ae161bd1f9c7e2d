// The daemon's copy of a topology: every host of the lab joins the rack that it is wired to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assignHost } from "../../core/topology/assign.ts";
import { parseTopology } from "../../core/topology/parse-topology.ts";
import type { Topology } from "../../core/model/topology.ts";
import { labTopologyDocument } from "./lab-topology.ts";
import { planFabric } from "./plan-fabric.ts";

const network = { name: "n", cidr: "10.0.0.0/8" };
const parsed = (document: unknown): Topology => {
  const result = parseTopology(document);
  assert.equal(result.kind, "valid", result.kind === "invalid" ? JSON.stringify(result.faults) : "");
  return result.kind === "valid" ? result.topology : { networks: [], trees: [] };
};
const rows: readonly (readonly [sentence: string, map: unknown[], listed: number])[] = [
  [
    "racks that labels tell apart list nobody",
    [
      { name: "r1", assignment: { r: "1" } },
      { name: "r2", assignment: { r: "2" } },
    ],
    0,
  ],
  [
    "racks that ask for nothing list their hosts",
    [
      { name: "r1", groups: [] },
      { name: "r2", groups: [] },
    ],
    4,
  ],
  [
    "racks that ask for the same list their hosts",
    [
      {
        name: "z",
        assignment: { z: "1" },
        groups: [
          { name: "r1", groups: [] },
          { name: "r2", groups: [] },
        ],
      },
    ],
    4,
  ],
  [
    "a rack that lists a host lists all of them",
    [{ name: "r1", assignment: { r: "1" }, groups: [{ name: "gold", ip: "192.168.1.1" }] }],
    2,
  ],
];

for (const [sentence, map, listed] of rows)
  test(sentence, () => {
    const topology = parsed({ networks: [network], topologies: [{ networks: ["n"], map }] });
    const { hosts } = planFabric(topology, { hostsPerRack: 2 });
    const document = labTopologyDocument(topology, hosts);
    assert.equal(JSON.stringify(document).match(/"ips"/g)?.length ?? 0, listed);
    const [tree] = parsed(document).trees;
    const counts = new Map<string, number>();
    for (const host of hosts) {
      const path = tree && assignHost(tree, host.tags, { name: host.name, hostsPerGroup: counts });
      assert.equal(path, host.group);
      counts.set(host.group, (counts.get(host.group) ?? 0) + 1);
    }
  });
