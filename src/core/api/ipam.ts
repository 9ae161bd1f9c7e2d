// The JSON of `/ipam/...`: what is wrong with the addresses, what is given out. As types.ts, a part of its own.
import { FINDING_KINDS } from "../model/finding.ts";
import { array, integer, object, oneOf, optional, record, type Static, string } from "./schema.ts";

const Count = integer({ minimum: 0 });
const Text = string();
/** RFC 3339, UTC. */
const Time = string();

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
  /** Records that say so, and the revision of each; 0: there is no such record. */
  evidence: array(object({ key: Text, revision: Count })),
});

/** `GET /ipam/check?limit=`: `total` and `counts` are of all findings, whatever the limit. */
export type CheckReply = Static<typeof CheckReply>;
export const CheckReply = object({
  revision: Count,
  total: Count,
  counts: record(Count),
  findings: array(FindingReply),
});
