// What a host holds, by name: its address records, and the slots in its blocks whose record is missing.
import { blockKey, addressKey } from "../model/keys.ts";
import { takenSlots } from "../model/slots.ts";
import type { Cidr } from "../net/cidr.ts";
import { formatIp, type Ip } from "../net/ip.ts";
import { ipAt } from "./choose.ts";
import type { IpamState } from "./state.ts";

export type Held = {
  readonly name: string;
  /** Of the allocation. */
  readonly sequence: number;
  readonly ips: readonly Ip[];
  readonly blocks: readonly Cidr[];
  /** Of the records that say so, the one that was written by the allocation first. */
  readonly keys: readonly string[];
};

/** Walks the host's blocks, so what lies in no block of the host's is not found. */
export function heldBy(state: IpamState, host: string): Map<string, Held> {
  const held = new Map<string, Held>();
  for (const { block } of state.blocksOfHost(host))
    for (const [offset, slot] of takenSlots(block.slots)) {
      if (slot.state !== "used" || held.has(slot.name)) continue;
      const address = state.addresses.get(slot.name);
      // Those that a record says are another host's are that one's to know of.
      if (address && address.host !== host) continue;
      const ips = address ? address.ips.map(({ ip }) => ip) : [ipAt(block.cidr, offset)];
      const blocks = address ? address.ips.map((each) => each.block) : [block.cidr];
      const keys = [...(address ? [addressKey(slot.name)] : []), ...blocks.map(blockKey)];
      held.set(slot.name, {
        name: slot.name,
        sequence: address?.sequence ?? slot.sequence,
        ips,
        blocks,
        keys,
      });
    }
  return held;
}

export const ipTexts = ({ ips }: Pick<Held, "ips">): string[] => ips.map(formatIp);
