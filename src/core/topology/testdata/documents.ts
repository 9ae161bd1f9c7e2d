// Small documents for tests, and what tests want to know of an answer.
import assert from "node:assert/strict";
import { formatCidr } from "../../net/cidr.ts";
import type { Topology, Tree } from "../../model/topology.ts";
import { allGroups } from "../groups.ts";
import { parseTopology } from "../parse-topology.ts";

export const net = { name: "net", cidr: "10.111.0.0/16" };
export const six = { name: "six", cidr: "fd00::/48" };

export const groups = (...names: string[]) => names.map((name) => ({ name, groups: [] as unknown[] }));

/** One topology over all the networks. */
export const document = (map: unknown, networks: unknown[] = [net]) => ({
  networks,
  topologies: [{ networks: networks.map((each) => (each as { name: string }).name), map }],
});

export function valid(value: unknown, previous?: Topology): Topology {
  const parsed = parseTopology(value, previous);
  if (parsed.kind === "invalid") assert.fail(JSON.stringify(parsed.faults, undefined, 2));
  return parsed.topology;
}

/** "CODE place" of every fault. */
export function faultsOf(value: unknown, previous?: Topology): string[] {
  const parsed = parseTopology(value, previous);
  return parsed.kind === "valid" ? [] : parsed.faults.map(({ code, field }) => `${code} ${field}`);
}

export function firstTree({ trees: [tree] }: Topology): Tree {
  return tree ?? assert.fail("no tree");
}

/** By path, in one network. */
export const prefixes = (topology: Topology, network = "net"): Record<string, string | undefined> =>
  Object.fromEntries(
    [...allGroups(firstTree(topology).root)].map(({ path, prefixes: own }) => [
      path,
      own[network] && formatCidr(own[network]),
    ]),
  );
