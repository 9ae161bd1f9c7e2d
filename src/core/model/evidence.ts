// What a host's agent told that contradicts the records: kept in the store, so that whatever daemon an agent reports to, all know of it.
// Holds no behaviour but the way to text and back.
import type { Ip } from "../net/ip.ts";
import { formatIp } from "../net/ip.ts";
import {
  garbage,
  parseText,
  readArray,
  readCount,
  type Reader,
  readIp,
  readObject,
  readString,
} from "./codec-read.ts";
import { evidenceKey } from "./keys.ts";

/** Absent where nothing contradicts. Key `evidence/<host>`. */
export type Evidence = {
  readonly host: string;
  readonly missing: readonly Missing[];
  readonly claims: readonly Claim[];
};

/** An allocation of the host that its agent does not know. Times are wall milliseconds. */
export type Missing = {
  readonly name: string;
  /** Of the allocation: a later one of the same name is another. */
  readonly sequence: number;
  /** When it was first found missing. */
  readonly since: number;
  /** When it was found missing again, the grace period later or more, and in no report between. */
  readonly confirmed: number | undefined;
};

/** An address that the agent has and that is not its own in the records. */
export type Claim = {
  readonly name: string;
  readonly ip: Ip;
  readonly reason: string;
  /** When it was first claimed. */
  readonly since: number;
};

/** `missing`: `[name, sequence, since]`, and when it was confirmed; `claims`: `[name, ip, reason, since]`. */
export function encodeEvidence({ host, missing, claims }: Evidence): string {
  return JSON.stringify({
    host,
    missing: missing.map(({ name, sequence, since, confirmed }) =>
      confirmed === undefined ? [name, sequence, since] : [name, sequence, since, confirmed],
    ),
    claims: claims.map(({ name, ip, reason, since }) => [name, formatIp(ip), reason, since]),
  });
}

/** Throws UnavailableError `STORE_GARBAGE` naming `key` and the field. */
export function decodeEvidence(key: string, text: string): Evidence {
  const { host, missing, claims } = readObject(parseText(key, text), ["host", "missing", "claims"]);
  const evidence = {
    host: readString(host),
    missing: readArray(missing, readMissing),
    claims: readArray(claims, readClaim),
  };
  if (key !== evidenceKey(evidence.host))
    throw garbage(host, `the name in the key, as ${evidenceKey(evidence.host)}`);
  return evidence;
}

function readMissing(reader: Reader): Missing {
  const [name, sequence, since, confirmed, ...more] = readArray(reader, (each) => each);
  if (!name || !sequence || !since || more.length > 0)
    throw garbage(reader, "[name, sequence, since] and perhaps when it was confirmed");
  return {
    name: readString(name),
    sequence: readCount(sequence),
    since: readCount(since),
    confirmed: confirmed && readCount(confirmed),
  };
}

function readClaim(reader: Reader): Claim {
  const [name, ip, reason, since, ...more] = readArray(reader, (each) => each);
  if (!name || !ip || !reason || !since || more.length > 0)
    throw garbage(reader, "[name, ip, reason, since]");
  return { name: readString(name), ip: readIp(ip), reason: readString(reason), since: readCount(since) };
}
