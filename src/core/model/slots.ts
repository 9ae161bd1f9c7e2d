// The slots of a block. A value as the record it is part of: it is changed by making another, at every allocation and at every follower of it,
// which costs least where it is a plain list.

export type Slot =
  /** `name`: the address record that owns it; `sequence`: of its allocation. */
  | { readonly state: "used"; readonly name: string; readonly sequence: number }
  /**
   * Freed at `since` (wall milliseconds): not handed out again for the cooldown while others are free. `quarantined`: of a host that was removed;
   * `since` is then when its quarantine ends, and until then nobody else gets it at all.
   */
  | { readonly state: "cooling"; readonly since: number; readonly quarantined?: true };

/** By offset in the block; absent or `undefined`: free. The last one is never free, so that equal slots are equal lists. */
export type Slots = readonly (Slot | undefined)[];

/** `slots` and `more`; of two at one offset the later. */
export function withSlots(slots: Slots, more: Iterable<readonly [offset: number, slot: Slot]>): Slots {
  const all = slots.slice();
  for (const [offset, slot] of more) {
    // No holes: they would not equal `undefined`, and make the list slow.
    while (all.length < offset) all.push(undefined);
    all[offset] = slot;
  }
  return all;
}

/** Those that are not free, by offset. */
export function takenSlots(slots: Slots): [offset: number, slot: Slot][] {
  const taken: [number, Slot][] = [];
  for (let offset = 0; offset < slots.length; offset++) {
    const slot = slots[offset];
    if (slot) taken.push([offset, slot]);
  }
  return taken;
}
