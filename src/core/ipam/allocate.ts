// Gives a pod its addresses: one of each family that its host's groups have for its tenant, or that is reserved for it, or none at all.
// Pure: reads the state, answers with a plan or a refusal.
import { sizeOf } from "../net/cidr.ts";
import type { Family, Ip } from "../net/ip.ts";
import type { Address, Block, Reservation } from "../model/records.ts";
import { type Slot, withSlots } from "../model/slots.ts";
import { type Choice, chooseAny, chooseWanted, familiesOf, isOwner } from "./choose.ts";
import { isDrained } from "./drain.ts";
import { networkLimit, totalLimit, touchLimit, withinLimits } from "./limits.ts";
import { chooseKept } from "./reservations.ts";
import { type Offer, offersOf, offersTo } from "./offers.ts";
import type { IpamState } from "./state.ts";
import type { AllocateOptions, AllocateRequest, Allocation, Refusal } from "./types.ts";

export function allocate(state: IpamState, request: AllocateRequest, options: AllocateOptions): Allocation {
  const holder = state.addresses.get(request.name);
  if (holder)
    return sameHolder(holder, request)
      ? { kind: "existing", address: holder }
      : { kind: "name-taken", holder };
  const host = state.hosts.get(request.host);
  if (!host) return { kind: "unknown-host", host: request.host };
  const { tenant, networks } = request;
  const offers = offersTo(state, host, tenant).filter(
    ({ network }) => networks?.includes(network.name) ?? true,
  );
  if (offers.length === 0 && offersOf(state, host).length === 0)
    return { kind: "host-in-no-group", host: host.name };
  if (offers.length === 0) return { kind: "no-network", tenant, ...(networks && { networks }) };
  const choices = chooseAll(state, request, offers, options);
  return Array.isArray(choices) ? granted(state, request, choices, options.now) : choices;
}

/** The families are chosen one by one, each from its own offers; one refusal refuses all. */
function chooseAll(
  state: IpamState,
  request: AllocateRequest,
  offers: readonly Offer[],
  options: AllocateOptions,
): Choice[] | Refusal {
  const wanted = request.ips ?? [];
  const surplus = surplusIp(wanted, offers);
  if (surplus) return { kind: "ip-outside", ip: surplus, allowed: offers.map((offer) => offer.prefix) };
  const { tenant } = request;
  const kept = state.keptFor(request);
  const choices: Choice[] = [];
  const isLimited = state.limits.has(tenant);
  const prefixes = [...offers.map(({ prefix }) => prefix), ...kept.map(({ cidr }) => cidr)];
  for (const family of familiesOf(prefixes)) {
    const usable = offers.filter((offer) => offer.prefix.ip.family === family);
    const ip = wanted.find((each) => each.family === family);
    const choice = ip
      ? chooseWanted(state, request, usable, ip, options.now)
      : (chooseKept(state, request, usable, ofFamily(kept, family), options.now) ??
        chooseAny(state, request, withinLimits(state, tenant, usable), options));
    if (choice && choice.kind !== "choice") return choice;
    const networks = choice ? [choice.block.network] : usable.map(({ network }) => network.name);
    const reached = isLimited ? networkLimit(state, tenant, networks) : undefined;
    if (reached || !choice) return reached ?? exhausted(state, request, usable);
    choices.push(choice);
  }
  return totalLimit(state, tenant, choices) ?? choices;
}

const ofFamily = (kept: readonly Reservation[], family: Family): readonly Reservation[] =>
  kept.filter(({ cidr }) => cidr.ip.family === family);

/** A wanted address of a family that is not offered, or the second of one family. */
function surplusIp(wanted: readonly Ip[], offers: readonly Offer[]): Ip | undefined {
  if (wanted.length === 0) return undefined;
  const families = new Set(familiesOf(offers.map(({ prefix }) => prefix)));
  return wanted.find((ip) => !families.delete(ip.family));
}

function exhausted(state: IpamState, request: AllocateRequest, offers: readonly Offer[]): Refusal {
  const tried = offers.map(({ network, group }) => ({
    ...{ network: network.name, group },
    drained: isDrained(state, network),
  }));
  const { network = "", group = "" } = tried.at(-1) ?? {};
  const family = offers[0]?.prefix.ip.family ?? 4;
  return { kind: "exhausted", family, tenant: request.tenant, tried, network, group };
}

function granted(
  state: IpamState,
  request: AllocateRequest,
  choices: readonly Choice[],
  now: number,
): Allocation {
  // Never below the wall clock: a block that was returned and claimed again starts from nothing, and the number of an
  // earlier life must not come back.
  const least = Math.max(now * SEQUENCE_PER_MS, ...choices.map(({ block }) => block.sequence + 1));
  const sequence = least + stepTo(least, choices);
  const { name, host, tenant, segment, pod } = request;
  const address: Address = {
    ...{ name, host, tenant, segment, sequence },
    ips: choices.map(({ block, offset }) => ({
      ip: { family: block.cidr.ip.family, value: block.cidr.ip.value + BigInt(offset) },
      network: block.network,
      block: block.cidr,
    })),
    ...(pod === undefined ? {} : { pod }),
  };
  const blocks = choices.map(({ block, offset }) =>
    withSlot({ ...block, sequence }, offset, { state: "used", name, sequence }),
  );
  return {
    kind: "allocated",
    address,
    writes: [
      ...blocks.map((block) => ({ kind: "put-block", block }) as const),
      { kind: "put-address", address },
      ...touchLimit(state, tenant),
    ],
    guards: [...new Set(blocks.map((block) => block.network))],
  };
}

/** Sequence numbers count microseconds. */
export const SEQUENCE_PER_MS = 1000;
/**
 * Blocks count apart: each has numbers of its own residue, so that a name that moves between two that are ahead of the clock gets no number twice.
 * A prime: as many blocks in a row differ, and a number is at most so many microseconds ahead.
 */
const RESIDUES = 131_071;

function stepTo(least: number, [choice]: readonly Choice[]): number {
  if (!choice) return 0;
  const { cidr } = choice.block;
  const residue = Number((cidr.ip.value / sizeOf(cidr)) % BigInt(RESIDUES));
  return (((residue - least) % RESIDUES) + RESIDUES) % RESIDUES;
}

export const withSlot = (block: Block, offset: number, slot: Slot): Block => ({
  ...block,
  slots: withSlots(block.slots, [[offset, slot]]),
});

function sameHolder(holder: Address, request: AllocateRequest): boolean {
  const has = (ip: Ip): boolean =>
    holder.ips.some((each) => each.ip.family === ip.family && each.ip.value === ip.value);
  return isOwner(holder, request) && (request.ips ?? []).every(has);
}
