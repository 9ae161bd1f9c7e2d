// A drained network gives no address to anybody, asked for or not; who has one keeps it until it is released. That is a blackout over all of
// it, so there is nothing else to store.
import { rangeOf } from "../net/range.ts";
import { covers } from "../net/range-set.ts";
import type { Network } from "../model/topology.ts";
import { planBlackout, planBlackoutRemoval } from "./blackouts.ts";
import type { IpamState } from "./state.ts";
import type { Plan } from "./types.ts";

export const isDrained = ({ spaces }: IpamState, { cidr }: Network): boolean =>
  covers(spaces[cidr.ip.family].reserved, rangeOf(cidr));

export const planDrain = (state: IpamState, { name, cidr }: Network): Plan =>
  planBlackout(state, { cidr, reason: `network ${name} is drained` });

export const planUndrain = (state: IpamState, { cidr }: Network): Plan => planBlackoutRemoval(state, cidr);

/** Addresses in use, by host; hosts without any are left out. */
export function leftIn(state: IpamState, network: string): Map<string, number> {
  const left = new Map<string, number>();
  for (const { block, occupancy } of state.blocks.values())
    if (block.network === network && occupancy.used > 0)
      left.set(block.host, (left.get(block.host) ?? 0) + occupancy.used);
  return left;
}
