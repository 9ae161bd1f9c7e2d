// `POST /topology/plan` and `GET /topology/conflicts`: what a topology would change, without changing it.
import { array, integer, object, optional, orNull, type Static, string } from "./schema.ts";
import { Revision, Text } from "./types.ts";

const Conflict = object({ name: Text, ip: Text, reason: Text });
/** Addresses in use that stand against a topology, as they were at `revision`, also on the pages after; `continue`: of the next page. */
export type ConflictPage = Static<typeof ConflictPage>;
export const ConflictPage = object({
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

const limit = optional(string({ description: "a number from 1 to 99999" }));
export type PageQuery = Static<typeof PageQuery>;
export const PageQuery = object({ limit });
export type ConflictQuery = Static<typeof ConflictQuery>;
export const ConflictQuery = object({ limit, continue: string({ maxLength: 64 }) });
