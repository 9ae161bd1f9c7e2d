// The records of the store with their indexes: the daemon's mirror of the store and the ground every plan
// stands on. `apply` is the only thing that changes it; planning functions only read.
import type { Cidr } from "../net/cidr.ts";
import type { Ip } from "../net/ip.ts";
import { ipMap } from "../net/ip-map.ts";
import { type AdoptionRecord, NEVER_ASKED } from "../model/adoption-record.ts";
import type { Limit } from "../model/limit.ts";
import type { Evidence } from "../model/evidence.ts";
import type { PodRecord } from "../model/pod-record.ts";
import type { Policy, PolicyTenant } from "../model/policy.ts";
import type { Address, Blackout, Host, Reservation } from "../model/records.ts";
import type { Group, Network, Topology } from "../model/topology.ts";
import { groupsByPath } from "../topology/groups.ts";
import { type BlockIndex, createBlockIndex } from "./block-index.ts";
import { createBlackouts, createReservations } from "./reserved.ts";
import type { Write } from "./types.ts";

export type IpamState = Omit<BlockIndex, "put" | "drop" | "reserve" | "unreserve"> & {
  readonly topology: Topology;
  readonly hosts: ReadonlyMap<string, Host>;
  /** By name. */
  readonly addresses: ReadonlyMap<string, Address>;
  /** By canonical CIDR text. */
  readonly blackouts: ReadonlyMap<string, Blackout>;
  /** By host: what its agent told that contradicts the records. */
  readonly evidence: ReadonlyMap<string, Evidence>;
  readonly adoption: AdoptionRecord;
  /** By host: the last round in which it reported. */
  readonly reported: ReadonlyMap<string, number>;
  /** By canonical CIDR text. */
  readonly reservations: ReadonlyMap<string, Reservation>;
  /** By tenant. */
  readonly limits: ReadonlyMap<string, Limit>;
  /** By id. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** What was told of pods, by id, and of tenants, by name. */
  readonly pods: ReadonlyMap<string, PodRecord>;
  readonly tenants: ReadonlyMap<string, PolicyTenant>;
  /** What is reserved for the asker by its name or pod. */
  readonly keptFor: (asker: { readonly name: string; readonly pod?: string }) => readonly Reservation[];
  readonly network: (name: string) => Network | undefined;
  /** The group of the tree of that index. */
  readonly group: (tree: number, path: string) => Group | undefined;
  readonly addressAt: (ip: Ip) => Address | undefined;
  /** Makes one write true. Putting what is there, or deleting what is not, changes nothing. */
  readonly apply: (write: Write) => void;
  /** Nobody is given an address from these, as from blackouts: they may be in use, and no record that can be read says so. */
  readonly quarantine: (cidrs: readonly Cidr[]) => void;
};

// long: a line or two for each kind of record
export function createIpamState(): IpamState {
  const { put, drop, reserve, unreserve, ...blocks } = createBlockIndex();
  const hosts = new Map<string, Host>();
  const addresses = createAddresses();
  const evidence = new Map<string, Evidence>();
  const limits = new Map<string, Limit>();
  const policies = new Map<string, Policy>();
  const pods = new Map<string, PodRecord>();
  const tenants = new Map<string, PolicyTenant>();
  const reported = new Map<string, number>();
  let adoption = NEVER_ASKED;
  const blackouts = createBlackouts({ reserve, unreserve });
  const reservations = createReservations({ reserve, unreserve });
  let topology = indexTopology({ networks: [], trees: [] });

  const handlers: { [K in Write["kind"]]: (write: Extract<Write, { kind: K }>) => void } = {
    "put-topology": (write) => (topology = indexTopology(write.topology)),
    "put-host": ({ host }) => hosts.set(host.name, host),
    "delete-host": ({ name }) => hosts.delete(name),
    "put-block": ({ block }) => put(block),
    "delete-block": ({ cidr }) => drop(cidr),
    "put-address": ({ address }) => addresses.put(address),
    "delete-address": ({ name }) => addresses.drop(name),
    "put-evidence": (write) => evidence.set(write.evidence.host, write.evidence),
    "delete-evidence": ({ host }) => evidence.delete(host),
    "put-adoption": (write) => (adoption = write.adoption),
    "put-reported": (write) => reported.set(write.reported.host, write.reported.round),
    "delete-reported": ({ host }) => reported.delete(host),
    "put-blackout": ({ blackout }) => blackouts.put(blackout),
    "delete-blackout": ({ cidr }) => blackouts.drop(cidr),
    "put-reservation": ({ reservation }) => reservations.put(reservation),
    "delete-reservation": ({ cidr }) => reservations.drop(cidr),
    "put-limit": ({ limit }) => limits.set(limit.tenant, limit),
    "delete-limit": ({ tenant }) => limits.delete(tenant),
    "put-policy": ({ policy }) => policies.set(policy.id, policy),
    "delete-policy": ({ id }) => policies.delete(id),
    "put-pod": ({ pod }) => pods.set(pod.id, pod),
    "delete-pod": ({ id }) => pods.delete(id),
    "put-tenant": ({ tenant }) => tenants.set(tenant.name, tenant),
    "delete-tenant": ({ id }) => tenants.delete(id),
    "bump-guard": () => undefined,
  };
  return {
    ...blocks,
    get topology() {
      return topology.topology;
    },
    hosts,
    addresses: addresses.byName,
    evidence,
    get adoption() {
      return adoption;
    },
    reported,
    limits,
    policies,
    pods,
    tenants,
    blackouts: blackouts.blackouts,
    reservations: reservations.reservations,
    keptFor: reservations.keptFor,
    network: (name) => topology.networks.get(name),
    group: (tree, path) => topology.groups[tree]?.get(path),
    addressAt: addresses.at,
    apply: (write) => (handlers[write.kind] as (write: Write) => void)(write),
    quarantine: (cidrs) => blackouts.quarantine(cidrs),
  };
}

/** Applies in order. */
export function applyWrites(state: IpamState, writes: Iterable<Write>): void {
  for (const write of writes) state.apply(write);
}

function createAddresses() {
  const byName = new Map<string, Address>();
  const byIp = ipMap<Address>();
  function drop(name: string): void {
    const address = byName.get(name);
    byName.delete(name);
    // Another name may hold the address by now: events of one transaction come in any order.
    for (const { ip } of address?.ips ?? []) if (byIp.get(ip) === address) byIp.delete(ip);
  }
  function put(address: Address): void {
    drop(address.name);
    byName.set(address.name, address);
    for (const { ip } of address.ips) byIp.set(ip, address);
  }
  return { byName, put, drop, at: (ip: Ip): Address | undefined => byIp.get(ip) };
}

type TopologyIndex = {
  readonly topology: Topology;
  readonly networks: ReadonlyMap<string, Network>;
  readonly groups: readonly ReadonlyMap<string, Group>[];
};

function indexTopology(topology: Topology): TopologyIndex {
  return {
    topology,
    networks: new Map(topology.networks.map((network) => [network.name, network])),
    groups: topology.trees.map(groupsByPath),
  };
}
