// Frees what evidence confirms as leaked. Never what only one report lacks, and never another allocation of the same name.
import { formatCidr } from "../net/cidr.ts";
import type { Block } from "../model/records.ts";
import type { Slot } from "../model/slots.ts";
import { evidenceWrite } from "./evidence.ts";
import { type Held, heldBy } from "./held.ts";
import type { IpamState } from "./state.ts";
import type { Plan, Write } from "./types.ts";

export type Leak = Held & {
  readonly host: string;
  /** Wall milliseconds: first missed, and missed again after the grace period (`undefined`: not yet). */
  readonly since: number;
  readonly confirmed: number | undefined;
};

/** What is missed and still held by the same allocation. */
export function leaks(state: IpamState): Leak[] {
  return [...state.evidence.values()].flatMap(({ host, missing }) => {
    const held = missing.length > 0 ? heldBy(state, host) : new Map<string, Held>();
    return missing.flatMap(({ name, sequence, since, confirmed }) => {
      const each = held.get(name);
      return each?.sequence === sequence ? { ...each, host, since, confirmed } : [];
    });
  });
}

/** Nothing to write where it is not the same confirmed leak any more. At most two blocks, the address and the evidence. */
export function planFree(state: IpamState, leak: Leak, { now }: { readonly now: number }): Plan {
  const { host, name, sequence } = leak;
  const evidence = state.evidence.get(host);
  const missing = evidence?.missing.find((each) => each.name === name && each.sequence === sequence);
  const held = heldBy(state, host).get(name);
  if (!evidence || missing?.confirmed === undefined || held?.sequence !== sequence)
    return { writes: [], guards: [] };
  const rest = evidence.missing.filter((each) => each !== missing);
  const address = state.addresses.get(name);
  const writes: Write[] = held.blocks.flatMap((cidr) => cooled(state, formatCidr(cidr), name, now));
  if (address) writes.push({ kind: "delete-address", name });
  writes.push(evidenceWrite({ ...evidence, missing: rest }));
  return { writes, guards: [] };
}

function cooled(state: IpamState, cidr: string, name: string, since: number): Write[] {
  const block = state.blocks.get(cidr)?.block;
  if (!block) return [];
  const slots = block.slots.map((slot): Slot | undefined =>
    slot?.state === "used" && slot.name === name ? { state: "cooling", since } : slot,
  );
  const next: Block = { ...block, slots };
  return [{ kind: "put-block", block: next }];
}
