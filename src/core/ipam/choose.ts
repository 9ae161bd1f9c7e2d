// Finds one address: any of a family, or the one wanted. Answers with the block as it was and the offset in it, and
// changes nothing.
import { type Cidr, cidrOf, containsCidr, containsIp, formatCidr, hostCidr } from "../net/cidr.ts";
import type { Family, Ip } from "../net/ip.ts";
import { rangeOf } from "../net/range.ts";
import { overlapping } from "../net/range-set.ts";
import type { Block } from "../model/records.ts";
import type { Network } from "../model/topology.ts";
import type { IndexedBlock } from "./block-index.ts";
import { freeBlock } from "./free-space.ts";
import type { Offer } from "./offers.ts";
import { lowestFree } from "./occupancy.ts";
import type { IpamState } from "./state.ts";
import type { AllocateOptions, AllocateRequest, Place, Preference, Refusal } from "./types.ts";

/** `block` as it stands, owned by the asker, but not yet with the slot at `offset`. */
export type Choice = { readonly kind: "choice"; readonly block: Block; readonly offset: number };

/**
 * In the order of `offers`: a slot of a block that the asker has, a new block, a block that is empty and has rested. Only
 * when no offer has any of these, a block that the asker has and others were to be preferred to; a block that was emptied just now; and last of all the slots that still cool, by a clock that is ahead of
 * ours even. What is in quarantine is given to nobody.
 */
export function chooseAny(
  state: IpamState,
  request: AllocateRequest,
  offers: readonly Offer[],
  options: AllocateOptions,
): Choice | undefined {
  const rested = options.now - options.cooldown;
  const { now, preference = ANY } = options;
  const own = (offer: Offer, slot: number, { isPreferred, avoidsOthers }: Preference) =>
    fromOwn(state, request, offer, { slot, now, isPreferred, avoidsOthers });
  const empty = (offer: Offer, slot: number, block: number) =>
    fromEmpty(state, request, offer, { slot, block, now });
  return (
    first(
      offers,
      (offer) =>
        own(offer, rested, preference) ??
        fromNew(state, request, offer, options.offsetSeed) ??
        empty(offer, rested, rested),
    ) ??
    first(offers, (offer) => own(offer, rested, ANY)) ??
    first(offers, (offer) => empty(offer, rested, Infinity)) ??
    first(offers, (offer) => own(offer, Infinity, ANY) ?? empty(offer, Infinity, Infinity))
  );
}

function first(offers: readonly Offer[], choose: (offer: Offer) => Choice | undefined): Choice | undefined {
  for (const offer of offers) {
    const choice = choose(offer);
    if (choice) return choice;
  }
  return undefined;
}

const ANY: Preference = { isPreferred: () => true, avoidsOthers: false };

/** A slot that is free, in a preferred block if there is one; else the one that cools longest, if since `wanted.slot` or before. */
function fromOwn(
  state: IpamState,
  request: AllocateRequest,
  offer: Offer,
  wanted: Preference & { readonly slot: number; readonly now: number },
): Choice | undefined {
  const { isPreferred, avoidsOthers } = wanted;
  const { open, cooling } = state.owned({ ...ownerOf(request), network: offer.network.name });
  let other: Choice | undefined;
  for (const { key, block, occupancy } of open) {
    if (occupancy.free === undefined || !inOffer(block, offer)) continue;
    const choice: Choice = { kind: "choice", block, offset: occupancy.free };
    if (isPreferred(key)) return choice;
    if (!avoidsOthers) other ??= choice;
  }
  return other ?? longestCooling(cooling, offer, wanted);
}

function longestCooling(
  blocks: Iterable<IndexedBlock>,
  offer: Offer,
  wanted: Preference & { readonly slot: number; readonly now: number },
): Choice | undefined {
  let best: { block: Block; offset: number; since: number } | undefined;
  for (const { key, block, occupancy } of blocks) {
    const slot = occupancy.cooling;
    if (!slot || slot.since > wanted.slot || (slot.quarantined && slot.since > wanted.now)) continue;
    if (wanted.avoidsOthers && !wanted.isPreferred(key)) continue;
    if ((!best || slot.since < best.since) && inOffer(block, offer)) best = { block, ...slot };
  }
  return best && { kind: "choice", block: best.block, offset: best.offset };
}

function fromNew(state: IpamState, request: AllocateRequest, offer: Offer, seed: number): Choice | undefined {
  const { network, prefix } = offer;
  const space = state.spaces[prefix.ip.family];
  const cidr = freeBlock(space, prefix, network.blockMask, seed);
  if (!cidr) return undefined;
  const block = newBlock(request, placeOf(offer), cidr);
  const offset = lowestFree(block, space.reserved);
  return offset === undefined ? undefined : { kind: "choice", block, offset };
}

/** A block of the group that nobody uses any more changes hands in one write. `rested`: since when its slots, and the one taken, cool. */
function fromEmpty(
  state: IpamState,
  request: AllocateRequest,
  offer: Offer,
  rested: { readonly slot: number; readonly block: number; readonly now: number },
): Choice | undefined {
  for (const { block, occupancy } of state.empty(offer.network.name, offer.group)) {
    const { free, cooling, restingSince, quarantinedUntil } = occupancy;
    if (quarantinedUntil > rested.now) continue;
    const offset = free ?? (cooling && cooling.since <= rested.slot ? cooling.offset : undefined);
    if (offset !== undefined && restingSince <= rested.block && inOffer(block, offer))
      return { kind: "choice", block: { ...block, ...ownerOf(request) }, offset };
  }
  return undefined;
}

/** The wanted address, if the asker may have it. A static address does not wait for a cooldown: it was asked for by number. */
export function chooseWanted(
  state: IpamState,
  request: AllocateRequest,
  offers: readonly Offer[],
  ip: Ip,
  now: number,
): Choice | Refusal {
  const offer = offers.find((each) => containsIp(each.prefix, ip));
  if (!offer) return { kind: "ip-outside", ip, allowed: offers.map((each) => each.prefix) };
  const space = state.spaces[ip.family];
  if (overlapping(space.reserved, { first: ip.value, last: ip.value })) return { kind: "ip-reserved", ip };
  const holder = holderOf(state, ip);
  if (holder !== undefined && holder !== request.name && holder !== request.pod)
    return { kind: "ip-kept", ip, holder };
  const found = state.blockAt(ip);
  if (found) return chooseInBlock(found, request, ip, now);
  const cidr = blockCidr(state, offer.network, ip);
  // Blocks of another size may be left from before a change of the block size.
  if (overlapping(space.occupied, rangeOf(cidr)))
    return { kind: "ip-taken", ip, holder: undefined, block: cidr };
  return { kind: "choice", block: newBlock(request, placeOf(offer), cidr), offset: offsetOf(cidr, ip) };
}

/** Who the address is kept for. */
function holderOf(state: IpamState, ip: Ip): string | undefined {
  if (state.reservations.size === 0) return undefined;
  return state.reservations.get(formatCidr(hostCidr(ip)))?.holder;
}

/**
 * The block to make for an address that was asked for by number. Where a reservation touches the usual one, the address is a block of its
 * own: neighbours are kept for others, on other hosts, and nobody chooses freely there, so sizes cannot meet.
 */
export function blockCidr({ spaces }: IpamState, { blockMask }: Network, ip: Ip): Cidr {
  const cidr = cidrOf(ip, blockMask);
  return overlapping(spaces[ip.family].kept, rangeOf(cidr)) ? hostCidr(ip) : cidr;
}

function chooseInBlock(
  { block, occupancy }: IndexedBlock,
  request: AllocateRequest,
  ip: Ip,
  now: number,
): Choice | Refusal {
  const offset = offsetOf(block.cidr, ip);
  const slot = block.slots[offset];
  if (slot?.state === "used") return { kind: "ip-taken", ip, holder: slot.name, block: block.cidr };
  if (occupancy.used > 0 && !isOwner(block, request))
    return { kind: "ip-taken", ip, holder: undefined, block: block.cidr };
  // The slot's own quarantine counts, or, where the block would change hands, that of any.
  const own = slot?.quarantined ? slot.since : now;
  const until = isOwner(block, request) ? own : occupancy.quarantinedUntil;
  if (until > now && block.host !== request.host)
    return { kind: "ip-quarantined", ip, host: block.host, until };
  return { kind: "choice", block: { ...block, ...ownerOf(request) }, offset };
}

export const familiesOf = (prefixes: readonly Cidr[]): Family[] =>
  [...new Set(prefixes.map(({ ip }) => ip.family))].sort((a, b) => a - b);

export const offsetOf = (cidr: Cidr, ip: Ip): number => Number(ip.value - cidr.ip.value);
/** Inverse of `offsetOf`. */
export const ipAt = ({ ip }: Cidr, offset: number): Ip => ({ ...ip, value: ip.value + BigInt(offset) });

type Holder = { readonly host: string; readonly tenant: string; readonly segment: string };

export const ownerOf = ({ host, tenant, segment }: Holder): Holder => ({ host, tenant, segment });

export const isOwner = (a: Holder, b: Holder): boolean =>
  a.host === b.host && a.tenant === b.tenant && a.segment === b.segment;

export function newBlock(holder: Holder, place: Place, cidr: Cidr): Block {
  return { cidr, ...place, ...ownerOf(holder), sequence: 0, slots: [] };
}

const placeOf = (offer: Offer): Place => ({ network: offer.network.name, group: offer.group });

/** A block left from another group, or from before its network's prefix moved, gives no more addresses. */
const inOffer = (block: Block, offer: Offer): boolean =>
  block.group === offer.group && containsCidr(offer.prefix, block.cidr);
