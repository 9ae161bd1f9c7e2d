// Addresses that are kept: for a holder, who gets them wherever he comes up again, or for whoever asks for them by number. A reservation
// takes nothing from who has an address inside: he keeps it until it is released.
import { type Cidr, containsIp, overlaps, sizeOf } from "../net/cidr.ts";
import type { Ip } from "../net/ip.ts";
import type { Address, Reservation } from "../model/records.ts";
import { leafHolding } from "../topology/groups.ts";
import { addressesIn, bumpsOver } from "./blackouts.ts";
import { type Choice, chooseWanted } from "./choose.ts";
import type { Offer } from "./offers.ts";
import type { IpamState } from "./state.ts";
import type { AllocateRequest, Place, Plan, Refusal } from "./types.ts";

/**
 * The first of `kept`, all of one family, that the asker can have here; `undefined` where nothing is kept for it. Refused rather than given
 * another: others rely on the address that it was promised.
 */
export function chooseKept(
  state: IpamState,
  request: AllocateRequest,
  offers: readonly Offer[],
  kept: readonly Reservation[],
  now: number,
): Choice | Refusal | undefined {
  const [first] = kept;
  if (!first) return undefined;
  let refusal: Refusal | undefined;
  for (const { cidr } of kept) {
    if (!offers.some(({ prefix }) => containsIp(prefix, cidr.ip))) continue;
    const choice = chooseWanted(state, request, offers, cidr.ip, now);
    if (choice.kind === "choice") return choice;
    refusal ??= choice;
  }
  const { ip } = first.cidr;
  return refusal ?? { kind: "kept-elsewhere", ip, host: request.host, place: placeHolding(state, ip) };
}

/** The group whose hosts can have the address, and its network. */
export function placeHolding({ topology }: IpamState, ip: Ip): Place | undefined {
  for (const tree of topology.trees)
    for (const network of tree.networks) {
      const leaf = leafHolding(tree, network, ip);
      if (leaf) return { network, group: leaf.path };
    }
  return undefined;
}

export function planReservation(state: IpamState, reservation: Reservation): Plan {
  return {
    writes: [{ kind: "put-reservation", reservation }, ...bumpsOver(state, reservation.cidr)],
    guards: [],
  };
}

export function planReservationRemoval(state: IpamState, cidr: Cidr): Plan {
  return { writes: [{ kind: "delete-reservation", cidr }, ...bumpsOver(state, cidr)], guards: [] };
}

/** Who has an address inside, and the blocks from before: what is free in them only their owners can have until they are empty. */
export function inTheWay(
  state: IpamState,
  { cidr, holder }: Reservation,
): { readonly addresses: readonly Address[]; readonly blocks: readonly Cidr[] } {
  const isHolder = ({ name, pod }: Address): boolean =>
    holder !== undefined && (name === holder || pod === holder);
  const addresses = addressesIn(state, cidr).filter((address) => !isHolder(address));
  const blocks = [...state.blocks.values()].map(({ block }) => block.cidr);
  return { addresses, blocks: blocks.filter((block) => sizeOf(block) > 1n && overlaps(block, cidr)) };
}
