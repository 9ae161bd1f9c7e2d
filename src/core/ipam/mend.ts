// Blocks and addresses say the same thing twice: which name holds which address. So a record of the one kind that nobody can read is made
// again of the records of the other. What cannot be known that way (who cools, "namespace/pod") is left out.
import { type Cidr, containsIp, equalCidr } from "../net/cidr.ts";
import { compareIp } from "../net/ip.ts";
import type { Address, Block } from "../model/records.ts";
import { type Slot, takenSlots, withSlots } from "../model/slots.ts";
import { leafHolding } from "../topology/groups.ts";
import { ipAt, offsetOf } from "./choose.ts";
import type { IpamState } from "./state.ts";

type Seat = Address["ips"][number];

/** `undefined`: no address lies in it, or in no group of the topology. */
export function mendBlock(state: IpamState, cidr: Cidr): Block | undefined {
  const inside = [...state.addresses.values()].flatMap((address) =>
    address.ips
      .filter(({ ip, block }) => equalCidr(block, cidr) && containsIp(cidr, ip))
      .map((seat) => ({ address, seat })),
  );
  const [first] = inside;
  if (!first) return undefined;
  const group = groupOf(state, first.seat);
  if (group === undefined) return undefined;
  const slots = inside.map(({ address: { name, sequence }, seat }): [number, Slot] => [
    offsetOf(cidr, seat.ip),
    { state: "used", name, sequence },
  ]);
  const { host, tenant, segment } = first.address;
  const sequence = Math.max(...inside.map(({ address }) => address.sequence));
  const { network } = first.seat;
  return { cidr, network, group, host, tenant, segment, sequence, slots: withSlots([], slots) };
}

function groupOf({ topology }: IpamState, { network, ip }: Seat): string | undefined {
  const tree = topology.trees.find(({ networks }) => networks.includes(network));
  return tree && leafHolding(tree, network, ip)?.path;
}

/** `undefined`: no block has a slot of that name. */
export function mendAddress(state: IpamState, name: string): Address | undefined {
  const inside = [...state.blocks.values()].flatMap(({ block }) =>
    takenSlots(block.slots).flatMap(([offset, slot]) =>
      slot.state === "used" && slot.name === name ? [{ block, offset, sequence: slot.sequence }] : [],
    ),
  );
  const [first] = inside;
  if (!first) return undefined;
  const { host, tenant, segment } = first.block;
  const ips = inside
    .map(({ block: { cidr, network }, offset }) => ({ ip: ipAt(cidr, offset), network, block: cidr }))
    .sort((a, b) => compareIp(a.ip, b.ip));
  return { name, host, tenant, segment, sequence: first.sequence, ips };
}
