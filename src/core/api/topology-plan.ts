// `POST /topology/plan`: what a topology would change, without changing it.
import { array, integer, object, optional, orNull, type Static, string } from "./schema.ts";
import { Revision, Text } from "./types.ts";

const Conflict = object({ name: Text, ip: Text, reason: Text });
/**
 * Addresses in use that stand against a topology, in their order, and how many there are in all, as they are at `revision`. There are more after them where
 * `continue` is there: ask it with the same topology. Another revision on the next page means that something was written in between.
 */
export type ConflictPage = Static<typeof ConflictPage>;
const ConflictPage = object({
  revision: Revision,
  total: integer(),
  conflicts: array(Conflict),
  continue: optional(Text),
});

const Paths = array(orNull(Text));
export type TopologyPlanReply = Static<typeof TopologyPlanReply>;
export const TopologyPlanReply = object({
  /** `before` absent: new; `after` absent: removed; both: moved. */
  groups: array(object({ network: Text, group: Text, before: optional(Text), after: optional(Text) })),
  hosts: array(object({ name: Text, before: Paths, after: Paths })),
  /** Empty blocks that would be deleted. */
  blocks: array(Text),
  warnings: array(Text),
  conflicts: ConflictPage,
});

export type PageQuery = Static<typeof PageQuery>;
export const PageQuery = object({
  limit: optional(string({ description: "a number from 1 to 99999" })),
  continue: optional(string({ description: "what the page before said" })),
});
