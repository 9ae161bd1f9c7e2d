// What a history can be guilty of.

export type Rule =
  | "held-by-two"
  | "two-addresses"
  | "wrong-reply"
  | "sequence-fell"
  | "lives-after-release"
  | "freed-twice"
  | "refused-wrongly"
  | "exhausted-wrongly"
  | "given-from-blackout"
  | "given-on-removed-host"
  | "lost"
  | "unasked";

export type Violation = { readonly rule: Rule; readonly what: string };

/** Microseconds as seconds, for people. */
export const shown = (time: number): string => (time / 1e6).toFixed(6);
