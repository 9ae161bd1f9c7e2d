// Everything that the records say of one address.
import type { Duration } from "../../base/clock.ts";
import { type Cidr, containsIp } from "../net/cidr.ts";
import type { Ip } from "../net/ip.ts";
import { overlapping } from "../net/range-set.ts";
import type { Address, Block } from "../model/records.ts";
import { SEQUENCE_PER_MS } from "./allocate.ts";
import { offsetOf } from "./choose.ts";
import { placeHolding } from "./reservations.ts";
import type { IpamState } from "./state.ts";

export type AddressState = "used" | "cooling" | "quarantined" | "reserved" | "free" | "outside";
export type AddressDescription = {
  readonly ip: Ip;
  readonly state: AddressState;
  /** Wall milliseconds: of the allocation (its sequence number, where clocks were right), or since when or until when it rests. */
  readonly since: number | undefined;
  readonly network: string | undefined;
  readonly group: string | undefined;
  readonly block: Block | undefined;
  readonly holder: Address | undefined;
};

export function describeAddress(
  state: IpamState,
  ip: Ip,
  options: { readonly now: number; readonly cooldown: Duration },
): AddressDescription {
  const block = state.blockAt(ip)?.block;
  const place = block ?? placeHolding(state, ip) ?? { network: networkOf(state, ip), group: undefined };
  const { network, group } = place;
  return { ip, ...stateOf(state, ip, block, options), network, group, block, holder: state.addressAt(ip) };
}

const networkOf = (state: IpamState, ip: Ip): string | undefined =>
  state.topology.networks.find(({ cidr }: { cidr: Cidr }) => containsIp(cidr, ip))?.name;

function stateOf(
  state: IpamState,
  ip: Ip,
  block: Block | undefined,
  { now, cooldown }: { readonly now: number; readonly cooldown: Duration },
): Pick<AddressDescription, "state" | "since"> {
  const slot = block?.slots[offsetOf(block.cidr, ip)];
  if (slot?.state === "used") return { state: "used", since: Math.floor(slot.sequence / SEQUENCE_PER_MS) };
  if (slot?.quarantined && slot.since > now) return { state: "quarantined", since: slot.since };
  if (slot && slot.since > now - cooldown) return { state: "cooling", since: slot.since };
  const { reserved, kept } = state.spaces[ip.family];
  const range = { first: ip.value, last: ip.value };
  if (overlapping(reserved, range) ?? overlapping(kept, range))
    return { state: "reserved", since: undefined };
  return { state: networkOf(state, ip) === undefined ? "outside" : "free", since: undefined };
}
