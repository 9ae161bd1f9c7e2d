// Writes as keys and texts of the store, and entries of the store as writes: the one bridge between a plan and a
// transaction, and between an event and the mirror.
import { tryParseCidr } from "../net/cidr.ts";
import {
  decodeAddress,
  decodeBlackout,
  decodeBlock,
  decodeHost,
  decodeReservation,
  encodeAddress,
  encodeBlackout,
  encodeBlock,
  encodeHost,
  encodeReservation,
} from "../model/codec.ts";
import {
  decodeAdoption,
  decodeReported,
  encodeAdoption,
  encodeReported,
  NEVER_ASKED,
} from "../model/adoption-record.ts";
import type { ReadBlock } from "../model/block-reader.ts";
import { decodeTopology, encodeTopology } from "../model/codec-topology.ts";
import { decodeEvidence, encodeEvidence } from "../model/evidence.ts";
import { decodeLimit, encodeLimit } from "../model/limit.ts";
import { decodePod, decodeTenant, encodePod, encodeTenant } from "../model/pod-record.ts";
import { decodePolicy, encodePolicy } from "../policy/codec.ts";
import * as keys from "../model/keys.ts";
import type { Write } from "./types.ts";

export const keyOfGuard = keys.guardKey;

// long: a line or two for each kind of record
export function keyOfWrite(write: Write): string {
  switch (write.kind) {
    case "put-topology":
      return keys.topologyKey;
    case "put-host":
      return keys.hostKey(write.host.name);
    case "delete-host":
      return keys.hostKey(write.name);
    case "put-block":
      return keys.blockKey(write.block.cidr);
    case "delete-block":
      return keys.blockKey(write.cidr);
    case "put-address":
      return keys.addressKey(write.address.name);
    case "delete-address":
      return keys.addressKey(write.name);
    case "put-blackout":
      return keys.blackoutKey(write.blackout.cidr);
    case "delete-blackout":
      return keys.blackoutKey(write.cidr);
    case "put-evidence":
      return keys.evidenceKey(write.evidence.host);
    case "delete-evidence":
      return keys.evidenceKey(write.host);
    case "put-adoption":
      return keys.adoptionKey;
    case "put-reported":
      return keys.reportedKey(write.reported.host);
    case "delete-reported":
      return keys.reportedKey(write.host);
    case "put-reservation":
      return keys.reservationKey(write.reservation.cidr);
    case "delete-reservation":
      return keys.reservationKey(write.cidr);
    case "put-limit":
      return keys.limitKey(write.limit.tenant);
    case "delete-limit":
      return keys.limitKey(write.tenant);
    case "put-policy":
      return keys.policyKey(write.policy.id);
    case "delete-policy":
      return keys.policyKey(write.id);
    case "put-pod":
      return keys.podKey(write.pod.id);
    case "delete-pod":
      return keys.podKey(write.id);
    case "put-tenant":
      return keys.tenantKey(write.tenant.name);
    case "delete-tenant":
      return keys.tenantKey(write.id);
    case "bump-guard":
      return keys.guardKey(write.network);
  }
}

/** The text to put; `undefined`: the key is deleted. A guard says nothing: only its revision counts. */
export function valueOfWrite(write: Write): string | undefined {
  switch (write.kind) {
    case "put-topology":
      return encodeTopology(write.topology);
    case "put-host":
      return encodeHost(write.host);
    case "put-block":
      return encodeBlock(write.block);
    case "put-address":
      return encodeAddress(write.address);
    case "put-blackout":
      return encodeBlackout(write.blackout);
    case "put-evidence":
      return encodeEvidence(write.evidence);
    case "put-adoption":
      return encodeAdoption(write.adoption);
    case "put-reported":
      return encodeReported(write.reported);
    case "put-reservation":
      return encodeReservation(write.reservation);
    case "put-limit":
      return encodeLimit(write.limit);
    case "put-policy":
      return encodePolicy(write.policy);
    case "put-pod":
      return encodePod(write.pod);
    case "put-tenant":
      return encodeTenant(write.tenant);
    case "bump-guard":
      return "{}";
    default:
      return undefined;
  }
}

/** The write that an entry (`value` undefined: its deletion) amounts to; `undefined` for keys of no record. Throws UnavailableError `STORE_GARBAGE`. */
export function writeOfEntry(
  key: string,
  value: string | undefined,
  readBlock: ReadBlock = decodeBlock,
): Write | undefined {
  const parsed = keys.parseKey(key);
  if (!parsed) return undefined;
  if (parsed.kind === "topology") {
    const topology = value === undefined ? { networks: [], trees: [] } : decodeTopology(key, value);
    return { kind: "put-topology", topology };
  }
  if (parsed.kind === "adoption")
    return { kind: "put-adoption", adoption: value === undefined ? NEVER_ASKED : decodeAdoption(value) };
  if (parsed.kind === "guards") return { kind: "bump-guard", network: parsed.name };
  if (value === undefined) return deletion(parsed.kind, parsed.name);
  if (parsed.kind === "blocks") return { kind: "put-block", block: readBlock(key, value) };
  return putting(parsed.kind, key, value);
}

type RecordKind = Exclude<keys.ParsedKey["kind"], "topology" | "adoption" | "guards">;

function putting(kind: Exclude<RecordKind, "blocks">, key: string, value: string): Write {
  switch (kind) {
    case "hosts":
      return { kind: "put-host", host: decodeHost(key, value) };
    case "addresses":
      return { kind: "put-address", address: decodeAddress(key, value) };
    case "blackouts":
      return { kind: "put-blackout", blackout: decodeBlackout(key, value) };
    case "evidence":
      return { kind: "put-evidence", evidence: decodeEvidence(key, value) };
    case "reported":
      return { kind: "put-reported", reported: decodeReported(key, value) };
    case "limits":
      return { kind: "put-limit", limit: decodeLimit(key, value) };
    case "policies":
      return { kind: "put-policy", policy: decodePolicy(key, value) };
    case "pods":
      return { kind: "put-pod", pod: decodePod(key, value) };
    case "tenants":
      return { kind: "put-tenant", tenant: decodeTenant(key, value) };
    case "reservations":
      return { kind: "put-reservation", reservation: decodeReservation(key, value) };
  }
}

const DELETIONS = {
  blocks: "delete-block",
  blackouts: "delete-blackout",
  reservations: "delete-reservation",
} as const;

/** A key that names no prefix holds no record, and its deletion takes none away. */
function deletion(kind: RecordKind, name: string): Write | undefined {
  if (kind === "hosts") return { kind: "delete-host", name };
  if (kind === "addresses") return { kind: "delete-address", name };
  if (kind === "limits") return { kind: "delete-limit", tenant: name };
  if (kind === "pods") return { kind: "delete-pod", id: name };
  if (kind === "tenants") return { kind: "delete-tenant", id: name };
  if (kind === "policies") return { kind: "delete-policy", id: name };
  if (kind === "reported") return { kind: "delete-reported", host: name };
  if (kind === "evidence") return { kind: "delete-evidence", host: name };
  const cidr = tryParseCidr(name);
  return cidr && { kind: DELETIONS[kind], cidr };
}
