// Takes back what agents say is alive but the store does not know: after a store was lost or set back, no live address
// may be given again. Evidence from the node wins over silence of the store, never over another live holder.
import { containsIp, formatCidr } from "../net/cidr.ts";
import { equalIp, formatIp, type Ip } from "../net/ip.ts";
import { rangeOf } from "../net/range.ts";
import { overlapping } from "../net/range-set.ts";
import type { Address, Block, Endpoint, Host } from "../model/records.ts";
import type { Tree } from "../model/topology.ts";
import { leafHolding } from "../topology/groups.ts";
import { withSlot } from "./allocate.ts";
import { blockCidr, isOwner, newBlock, offsetOf, ownerOf } from "./choose.ts";
import type { IpamState } from "./state.ts";
import type { Conflict, Plan, Write } from "./types.ts";

export type Adoption = Plan & { readonly conflicts: readonly Conflict[] };

/** What the endpoints before this one have changed already. */
type Draft = {
  readonly state: IpamState;
  readonly host: Host;
  readonly now: number;
  readonly blocks: Map<string, Block>;
  readonly addresses: Map<string, Address>;
  readonly conflicts: Conflict[];
};
type Seat = Address["ips"][number];

/**
 * Idempotent, and each endpoint stands alone: many may be given in several calls, each on the state after the last.
 * At most 4 writes an endpoint, one for the host and one guard a network.
 */
export function adopt(
  state: IpamState,
  hostName: string,
  endpoints: readonly Endpoint[],
  options: { readonly now: number },
): Adoption {
  const known = state.hosts.get(hostName);
  if (!known) return { writes: [], guards: [], conflicts: unknownHost(hostName, endpoints) };
  const host = regrouped(state, known, endpoints);
  const draft: Draft = { state, host, ...options, blocks: new Map(), addresses: new Map(), conflicts: [] };
  for (const endpoint of endpoints) adoptOne(draft, endpoint);
  const blocks = [...draft.blocks.values()];
  const writes: Write[] = [
    ...(host === known ? [] : [{ kind: "put-host", host } as const]),
    ...blocks.map((block) => ({ kind: "put-block", block }) as const),
    ...[...draft.addresses.values()].map((address) => ({ kind: "put-address", address }) as const),
  ];
  // Who allocates for the tenant at this moment has not counted these.
  const tenants = new Set([...draft.addresses.values()].map(({ tenant }) => tenant));
  for (const tenant of tenants) {
    const limit = state.limits.get(tenant);
    if (limit) writes.push({ kind: "put-limit", limit });
  }
  const guards = [...new Set(blocks.map(({ network }) => network))];
  return { writes, guards, conflicts: draft.conflicts };
}

function adoptOne(draft: Draft, endpoint: Endpoint): void {
  const known = draft.addresses.get(endpoint.name) ?? draft.state.addresses.get(endpoint.name);
  if (known && !supersedes(draft, endpoint, known)) return;
  const seats = endpoint.ips.flatMap((ip) => seatOf(draft, endpoint, ip));
  if (seats.length === 0) return;
  for (const { ip } of known?.ips ?? [])
    if (!seats.some((seat) => equalIp(seat.ip, ip))) coolLeft(draft, ip, endpoint.name);
  const { name, tenant, segment, sequence } = endpoint;
  const pod = known?.pod ?? endpoint.pod;
  draft.addresses.set(name, {
    ...{ name, host: draft.host.name, tenant, segment, sequence, ips: seats },
    ...(pod === undefined ? {} : { pod }),
  });
}

/** Whether the endpoint tells something newer of its own name. Names a conflict where it contradicts and is not newer. */
function supersedes(draft: Draft, endpoint: Endpoint, known: Address): boolean {
  const sameHost = known.host === draft.host.name;
  if (sameHost && endpoint.sequence > known.sequence) return true;
  for (const ip of endpoint.ips)
    if (!sameHost || !known.ips.some((each) => equalIp(each.ip, ip)))
      conflict(draft, endpoint, ip, `the store gives this name to a newer holder on ${known.host}`);
  return false;
}

/** Takes the slot of `ip` for the endpoint; nothing where another holds it, or where it lies in no group. */
function seatOf(draft: Draft, endpoint: Endpoint, ip: Ip): Seat[] {
  const block = blockFor(draft, endpoint, ip);
  if (!block) return [];
  const offset = offsetOf(block.cidr, ip);
  const slot = block.slots[offset];
  if (slot?.state === "used" && slot.name !== endpoint.name) {
    conflict(draft, endpoint, ip, `in use by ${slot.name} on ${block.host}`);
    return [];
  }
  warnOfMisplaced(draft, endpoint, block, ip);
  const { name, sequence } = endpoint;
  const taken = withSlot(block, offset, { state: "used", name, sequence });
  draft.blocks.set(formatCidr(block.cidr), { ...taken, sequence: Math.max(block.sequence, sequence) });
  return [{ ip, network: block.network, block: block.cidr }];
}

/** The block that holds `ip`, the endpoint's own if it can be, without the slot. */
function blockFor(draft: Draft, endpoint: Endpoint, ip: Ip): Block | undefined {
  const { state, host } = draft;
  const network = state.topology.networks.find((each) => containsIp(each.cidr, ip));
  const tree = network && state.topology.trees.find(({ networks }) => networks.includes(network.name));
  const leaf = tree && leafHolding(tree, network.name, ip);
  if (!network || !leaf) {
    conflict(draft, endpoint, ip, network ? `in no group of network ${network.name}` : "in no network");
    return undefined;
  }
  const owner = ownerOf({ ...endpoint, host: host.name });
  const cidr = blockCidr(state, network, ip);
  const known = state.blockAt(ip)?.block;
  const block = draft.blocks.get(formatCidr(known?.cidr ?? cidr)) ?? known;
  if (block) return isEmpty(block) ? { ...block, ...owner } : block;
  if (overlapping(state.spaces[ip.family].occupied, rangeOf(cidr))) {
    conflict(draft, endpoint, ip, `${formatCidr(cidr)} overlaps smaller blocks`);
    return undefined;
  }
  return newBlock(owner, { network: network.name, group: leaf.path }, cidr);
}

/** The address is kept from others all the same: its pod is alive. But packets to it may go astray, so somebody must know. */
function warnOfMisplaced(draft: Draft, endpoint: Endpoint, block: Block, ip: Ip): void {
  const { host, tenant, segment } = block;
  if (!isOwner(block, { ...endpoint, host: draft.host.name }))
    conflict(draft, endpoint, ip, `inside a block of host ${host}, tenant ${tenant}, segment ${segment}`);
  else if (!draft.host.groups.includes(block.group))
    conflict(draft, endpoint, ip, `in the prefix of group ${block.group}, which its host is not in`);
}

function coolLeft(draft: Draft, ip: Ip, name: string): void {
  const known = draft.state.blockAt(ip)?.block;
  const block = known && (draft.blocks.get(formatCidr(known.cidr)) ?? known);
  const slot = block?.slots[offsetOf(block.cidr, ip)];
  if (!block || slot?.state !== "used" || slot.name !== name) return;
  const cooling = withSlot(block, offsetOf(block.cidr, ip), { state: "cooling", since: draft.now });
  draft.blocks.set(formatCidr(block.cidr), cooling);
}

/**
 * A host that has no block in a tree is put into the group that its live pods' addresses come from: a store that forgot may
 * have assigned it to another one than before.
 */
function regrouped(state: IpamState, host: Host, endpoints: readonly Endpoint[]): Host {
  const held = new Set([...state.blocksOfHost(host.name)].map(({ block }) => block.network));
  const groups = state.topology.trees.map((tree, i) =>
    tree.networks.some((network) => held.has(network))
      ? host.groups[i]
      : (groupOfEvidence(tree, endpoints) ?? host.groups[i]),
  );
  return groups.every((path, i) => path === host.groups[i]) ? host : { ...host, groups };
}

function groupOfEvidence(tree: Tree, endpoints: readonly Endpoint[]): string | undefined {
  for (const { ips } of endpoints)
    for (const ip of ips)
      for (const network of tree.networks) {
        const leaf = leafHolding(tree, network, ip);
        if (leaf) return leaf.path;
      }
  return undefined;
}

const isEmpty = (block: Block): boolean => !block.slots.some((slot) => slot?.state === "used");

function conflict(draft: Draft, endpoint: Endpoint, ip: Ip, reason: string): void {
  draft.conflicts.push({ name: endpoint.name, ip: formatIp(ip), reason });
}

function unknownHost(host: string, endpoints: readonly Endpoint[]): Conflict[] {
  return endpoints.flatMap(({ name, ips }) =>
    ips.map((ip) => ({ name, ip: formatIp(ip), reason: `host ${host} is unknown` })),
  );
}
