// `/limits`: how many addresses a tenant may have.
import { array, integer, object, optional, type Static } from "./schema.ts";
import { Name, Revision, Text } from "./types.ts";

/** `POST /limits`: sets one limit of a tenant. `network` absent: of all networks together. */
export type LimitRequest = Static<typeof LimitRequest>;
export const LimitRequest = object({
  tenant: Name,
  network: optional(Name),
  /** Addresses in use, those of a pod counted one by one. */
  limit: integer({ minimum: 0 }),
});

/** `allocated_ip_count`: how many the tenant has. */
export type LimitReply = Static<typeof LimitReply>;
export const LimitReply = object({
  tenant: Text,
  network: optional(Text),
  limit: integer(),
  allocated_ip_count: integer(),
});

export type LimitList = Static<typeof LimitList>;
export const LimitList = object({ revision: Revision, limits: array(LimitReply) });
