// The JSON of `/ipam/...`: what is wrong with the addresses, what is given out. As types.ts, a part of its own.
import { FINDING_KINDS } from "../model/finding.ts";
import {
  array,
  boolean,
  integer,
  number,
  object,
  oneOf,
  optional,
  record,
  type Static,
  string,
} from "./schema.ts";

const Count = integer({ minimum: 0 });
const Text = string();
/** RFC 3339, UTC. */
const Time = string();

/** Records that say so, and the revision of each; 0: there is no such record. */
const RecordRefs = array(object({ key: Text, revision: Count }));

export type FindingReply = Static<typeof FindingReply>;
const FindingReply = object({
  kind: oneOf(...FINDING_KINDS),
  /** An address's name, a block's prefix, or a record's key. */
  subject: Text,
  host: optional(Text),
  ips: array(Text),
  details: Text,
  /** When it was first found; absent: it follows from the records as they are now. */
  since: optional(Time),
  evidence: RecordRefs,
});

/** `GET /ipam/check?limit=`: `total` and `counts` are of all findings, whatever the limit. */
export type CheckReply = Static<typeof CheckReply>;
export const CheckReply = object({
  revision: Count,
  total: Count,
  counts: record(Count),
  findings: array(FindingReply),
});

/** `POST /ipam/gc`: nothing is freed unless `dry_run` is false. */
export type GcRequest = Static<typeof GcRequest>;
export const GcRequest = object({ dry_run: optional(boolean()) });

export type LeakReply = Static<typeof LeakReply>;
const LeakReply = object({
  name: Text,
  host: Text,
  ips: array(Text),
  sequence: Count,
  /** When it was first missed, and when again after the grace period. */
  since: Time,
  confirmed: optional(Time),
  /** Where it is not confirmed: a report after this time may do so. */
  due: optional(Time),
  evidence: RecordRefs,
});
/** `freed`: what was freed; with `dry_run` what would be. `waiting`: missed, and not confirmed. */
export type GcReply = Static<typeof GcReply>;
export const GcReply = object({ dry_run: boolean(), freed: array(LeakReply), waiting: array(LeakReply) });

const Tally = { blocks: Count, used: Count, cooling: Count, quarantined: Count };
export type GroupUseReply = Static<typeof GroupUseReply>;
/** `size`, `reserved` and `free` are exact up to 2^53, and rounded above. */
const GroupUseReply = object({
  network: Text,
  /** With all groups below it; "" is the whole network. */
  group: Text,
  cidr: Text,
  ...Tally,
  size: number(),
  reserved: number(),
  free: number(),
  /** Of `size`, used. */
  percent: number(),
  /** The largest prefix without a block or a reserved range. */
  largest_free: optional(Text),
});
export type TenantUseReply = Static<typeof TenantUseReply>;
const TenantUseReply = object({ tenant: Text, ...Tally });
/** `GET /ipam/usage`: groups by network, parents before children. */
export type UsageReply = Static<typeof UsageReply>;
export const UsageReply = object({
  revision: Count,
  groups: array(GroupUseReply),
  tenants: array(TenantUseReply),
});

export type AddressInfo = Static<typeof AddressInfo>;
/** `since`: of the allocation or of its rest, which may begin later. */
const AddressInfo = object({
  ip: Text,
  state: oneOf("used", "cooling", "quarantined", "reserved", "free", "outside"),
  since: optional(Time),
  network: optional(Text),
  group: optional(Text),
  block: optional(Text),
  /** Of the block. */
  host: optional(Text),
  tenant: optional(Text),
  segment: optional(Text),
  /** Who has it. */
  name: optional(Text),
  pod: optional(Text),
  sequence: optional(Count),
  evidence: RecordRefs,
});
/** `GET /ipam/address?of=<address or name>`: of a name one for each of its addresses. */
export type AddressInfoReply = Static<typeof AddressInfoReply>;
export const AddressInfoReply = object({ revision: Count, addresses: array(AddressInfo) });
