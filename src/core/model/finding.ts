// What can be wrong with the records of address management.

export const FINDING_KINDS = [
  /** An address that nobody has any more: its host's agent does not know it, or there is no such host. */
  "leaked",
  /** One address in two records, or had by a pod on one host and held for another. */
  "doubled",
  /** An address or block where its owner's packets do not go: in another's block, or in a group that its host is not in. */
  "misplaced",
  /** A block that does not lie inside its group's prefix. */
  "outside-prefix",
  /** Two blocks that share addresses. */
  "overlapping-blocks",
  /** A block of a host that is unknown, which is not resting. */
  "orphan-block",
  /** A slot in use without the address record of its name. */
  "slot-without-address",
  /** An address record whose slot is not its own. */
  "address-without-slot",
  /** A record that nobody can read. */
  "garbage",
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];
