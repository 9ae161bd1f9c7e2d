// Allocations per second of the pure core: planned and applied, no store, at the size that Romana is built for.
import { Seconds } from "../src/base/clock.ts";
import { allocate } from "../src/core/ipam/allocate.ts";
import { release } from "../src/core/ipam/release.ts";
import { applyWrites, createIpamState, type IpamState } from "../src/core/ipam/state.ts";
import { parseCidr, subnet } from "../src/core/net/cidr.ts";
import type { Group, Network } from "../src/core/model/topology.ts";
import type { Bench, Figure } from "./figure.ts";

const ADDRESSES = 150_000;
const CHURN = 30_000;
const HOSTS = 1000;
const RACKS = 32;
const GOAL = 30_000;
const cooldown = Seconds(30);

function newState(blockMask: number): IpamState {
  const network: Network = { name: "pods", cidr: parseCidr("10.0.0.0/8"), blockMask, tenants: [] };
  const group = (name: string, length: number, i: number, groups: readonly Group[]): Group => ({
    ...{ name, path: name, assignment: {}, routing: undefined, groups, hosts: [] },
    prefixes: { pods: subnet(network.cidr, length, BigInt(i)) },
  });
  const racks = Array.from({ length: RACKS }, (_, i) => group(`rack-${i}`, 13, i, []));
  const trees = [{ networks: ["pods"], root: group("", 8, 0, racks) }];
  const state = createIpamState();
  state.apply({ kind: "put-topology", topology: { networks: [network], trees } });
  for (let i = 0; i < HOSTS; i++) {
    const host = { name: `host-${i}`, ips: [], tags: {}, agentPort: 0, k8sInfo: {} };
    state.apply({ kind: "put-host", host: { ...host, groups: [`rack-${i % RACKS}`] } });
  }
  return state;
}

function give(state: IpamState, i: number): void {
  const request = { name: `pod-${i}`, host: `host-${i % HOSTS}`, tenant: "default", segment: "" };
  const answer = allocate(state, request, { now: i, offsetSeed: 12345, cooldown });
  if (answer.kind !== "allocated") throw new Error(answer.kind);
  applyWrites(state, answer.writes);
}

/** Gives one address and takes back another, so that the world stays full. */
function churn(state: IpamState, i: number): void {
  give(state, ADDRESSES + i);
  const answer = release(state, { name: `pod-${(i * 7919) % ADDRESSES}` }, { now: ADDRESSES + i });
  if (answer.kind === "released") applyWrites(state, answer.writes);
}

function rate(times: number, work: (i: number) => void): number {
  const start = performance.now();
  for (let i = 0; i < times; i++) work(i);
  return times / ((performance.now() - start) / 1000);
}

function figures(blockMask: number): Figure[] {
  const state = newState(blockMask);
  const goal = { kind: "at-least", limit: GOAL, of: "value" } as const;
  const filled = rate(ADDRESSES, (i) => give(state, i));
  const churned = rate(CHURN, (i) => churn(state, i));
  const note = `${ADDRESSES} addresses, ${state.blocks.size} blocks, ${HOSTS} hosts`;
  return [
    { name: `allocations, /${blockMask}`, value: filled, unit: "/s", note, goal },
    { name: `with a release each, /${blockMask}`, value: churned, unit: "/s", note },
  ];
}

export const ipamBench: Bench = {
  name: "ipam",
  about: "allocations planned and applied, without a store",
  run: () => Promise.resolve([...figures(29), ...figures(26)]),
};
