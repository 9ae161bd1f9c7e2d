// A small world for tests: two racks, three hosts, an open pair of networks and one for the tenant "blue" alone.
import { Seconds } from "../../../base/clock.ts";
import { parseCidr, subnet } from "../../net/cidr.ts";
import { formatIp } from "../../net/ip.ts";
import type { Host } from "../../model/records.ts";
import type { Group, Network, Topology, Tree } from "../../model/topology.ts";
import { allocate } from "../allocate.ts";
import { release } from "../release.ts";
import { applyWrites, createIpamState, type IpamState } from "../state.ts";
import type { Allocation, AllocateRequest } from "../types.ts";

export const cooldown = Seconds(30);
export const options = { now: 1000, offsetSeed: 0, cooldown };

export const network = (name: string, cidr: string, blockMask: number, ...tenants: string[]): Network => ({
  ...{ name, cidr: parseCidr(cidr), blockMask, tenants },
});

/** A tree of leaf groups that halve each network as often as it takes; `extra` bits longer where told. */
export function treeOf(networks: readonly Network[], names: readonly string[]): Tree {
  const bits = Math.ceil(Math.log2(names.length));
  const group = (name: string, i: number): Group => ({
    ...{ name, path: name, assignment: {}, routing: undefined, groups: [], hosts: [] },
    prefixes: Object.fromEntries(
      networks.map(({ name: key, cidr }) => [key, subnet(cidr, cidr.length + bits, BigInt(i))]),
    ),
  });
  const root: Group = {
    ...group("", 0),
    prefixes: Object.fromEntries(networks.map(({ name, cidr }) => [name, cidr])),
    groups: names.map(group),
  };
  return { networks: networks.map(({ name }) => name), root };
}

export function topologyOf(networks: readonly Network[], names: readonly string[]): Topology {
  return { networks, trees: [treeOf(networks, names)] };
}

/** 10.0.0.0/26 (two racks of four blocks), fd00::/122 alike, 10.1.0.0/28 for "blue" (one block a rack). */
export const networks = [
  network("four", "10.0.0.0/26", 29),
  network("six", "fd00::/122", 125),
  network("blue", "10.1.0.0/28", 29, "blue"),
];

export const hostIn = (name: string, ...groups: (string | undefined)[]): Host => ({
  ...{ name, ips: [], tags: {}, agentPort: 0, k8sInfo: {}, groups },
});

export function worldOf(topology: Topology, ...hosts: Host[]): IpamState {
  const state = createIpamState();
  state.apply({ kind: "put-topology", topology });
  for (const host of hosts) state.apply({ kind: "put-host", host });
  return state;
}

export const smallWorld = (...only: string[]): IpamState =>
  worldOf(
    topologyOf(
      networks.filter(({ name }) => only.length === 0 || only.includes(name)),
      ["a", "b"],
    ),
    ...[hostIn("h1", "a"), hostIn("h2", "a"), hostIn("h3", "b")],
  );

export const ask = (name: string, more: Partial<AllocateRequest> = {}): AllocateRequest => ({
  ...{ name, host: "h1", tenant: "red", segment: "" },
  ...more,
});

/** What a person wants to know of an answer: the addresses, or the kind of refusal. */
export const shown = (answer: Allocation): string =>
  "address" in answer ? answer.address.ips.map(({ ip }) => formatIp(ip)).join(" ") : answer.kind;

/** Allocates, and says the first address or why not. */
export function give(state: IpamState, name: string, more?: Partial<AllocateRequest>): string {
  const answer = allocate(state, ask(name, more), options);
  if (answer.kind === "allocated") applyWrites(state, answer.writes);
  return shown(answer);
}

export function free(state: IpamState, name: string): void {
  const answer = release(state, { name }, { now: options.now });
  if (answer.kind === "released") applyWrites(state, answer.writes);
}
