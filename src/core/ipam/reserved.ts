// What is not given freely: blackouts, what is quarantined, and reservations with who they are for. Part of the state; decides nothing.
import { type Cidr, equalCidr, formatCidr } from "../net/cidr.ts";
import type { Blackout, Reservation } from "../model/records.ts";
import type { BlockIndex } from "./block-index.ts";

type Space = Pick<BlockIndex, "reserve" | "unreserve">;
const NONE: readonly never[] = [];

export function createBlackouts({ reserve, unreserve }: Space) {
  const blackouts = new Map<string, Blackout>();
  let quarantined: readonly Cidr[] = NONE;
  const left = (): Cidr[] => [...[...blackouts.values()].map(({ cidr }) => cidr), ...quarantined];
  return {
    blackouts,
    put(blackout: Blackout): void {
      blackouts.set(formatCidr(blackout.cidr), blackout);
      reserve("reserved", blackout.cidr);
    },
    drop(cidr: Cidr): void {
      if (blackouts.delete(formatCidr(cidr))) unreserve("reserved", cidr, left());
    },
    quarantine(cidrs: readonly Cidr[]): void {
      const before = quarantined;
      quarantined = cidrs;
      for (const cidr of before) unreserve("reserved", cidr, left());
      for (const cidr of cidrs) reserve("reserved", cidr);
    },
  };
}

export function createReservations({ reserve, unreserve }: Space) {
  const reservations = new Map<string, Reservation>();
  const byHolder = new Map<string, readonly Reservation[]>();
  const heldBy = (holder: string): readonly Reservation[] => byHolder.get(holder) ?? NONE;
  function forgetHolder({ cidr, holder }: Reservation): void {
    if (holder === undefined) return;
    const left = heldBy(holder).filter((each) => !equalCidr(each.cidr, cidr));
    if (left.length > 0) byHolder.set(holder, left);
    else byHolder.delete(holder);
  }
  return {
    reservations,
    keptFor: ({ name, pod }: { readonly name: string; readonly pod?: string }): readonly Reservation[] => {
      if (byHolder.size === 0) return NONE;
      return pod === undefined || pod === name ? heldBy(name) : [...heldBy(name), ...heldBy(pod)];
    },
    put(reservation: Reservation): void {
      const { cidr, holder } = reservation;
      const known = reservations.get(formatCidr(cidr));
      if (known) forgetHolder(known);
      reservations.set(formatCidr(cidr), reservation);
      if (holder !== undefined) byHolder.set(holder, [...heldBy(holder), reservation]);
      if (!known) reserve("kept", cidr);
    },
    drop(cidr: Cidr): void {
      const known = reservations.get(formatCidr(cidr));
      if (!known) return;
      forgetHolder(known);
      reservations.delete(formatCidr(cidr));
      unreserve(
        "kept",
        cidr,
        [...reservations.values()].map((each) => each.cidr),
      );
    },
  };
}
