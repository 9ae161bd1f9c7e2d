// Where each record lives in the store: one key per thing, all under one prefix. Names of users are escaped, so that a
// name can neither leave its place nor collide with another's.
import { type Cidr, formatCidr } from "../net/cidr.ts";

export const KEY_PREFIX = "/romana/v3/";
const KIND_NAMES = [
  "hosts",
  "blocks",
  "addresses",
  "blackouts",
  "reservations",
  "limits",
  "evidence",
  "reported",
  "guards",
  "policies",
  "pods",
  "tenants",
] as const;
const KINDS: ReadonlyMap<string, (typeof KIND_NAMES)[number]> = new Map(
  KIND_NAMES.map((kind) => [kind, kind]),
);
/** Kinds whose key ends in a prefix: its slash stays as it is, as nothing a user names stands in these keys. */
const BY_CIDR: ReadonlySet<string> = new Set(["blocks", "blackouts", "reservations"]);

/** Held on a lease by the daemon that leads, if one does. */
export const leaderKey = `${KEY_PREFIX}leader`;
/** Whether addresses may be handed out. */
export const adoptionKey = `${KEY_PREFIX}adoption`;
export const topologyKey = `${KEY_PREFIX}topology`;
export const hostKey = (name: string): string => `${KEY_PREFIX}hosts/${escapeName(name)}`;
export const blockKey = (cidr: Cidr): string => `${KEY_PREFIX}blocks/${formatCidr(cidr)}`;
export const addressKey = (name: string): string => `${KEY_PREFIX}addresses/${escapeName(name)}`;
export const blackoutKey = (cidr: Cidr): string => `${KEY_PREFIX}blackouts/${formatCidr(cidr)}`;
export const limitKey = (tenant: string): string => `${KEY_PREFIX}limits/${escapeName(tenant)}`;
export const evidenceKey = (host: string): string => `${KEY_PREFIX}evidence/${escapeName(host)}`;
export const reportedKey = (host: string): string => `${KEY_PREFIX}reported/${escapeName(host)}`;
export const reservationKey = (cidr: Cidr): string => `${KEY_PREFIX}reservations/${formatCidr(cidr)}`;
/** Bumped by every change that makes older allocation plans of the network wrong. */
export const guardKey = (network: string): string => `${KEY_PREFIX}guards/${escapeName(network)}`;
export const policyKey = (id: string): string => `${KEY_PREFIX}policies/${escapeName(id)}`;

/** `id`: "tenant/name". */
export const podKey = (id: string): string => `${KEY_PREFIX}pods/${escapeName(id)}`;
export const tenantKey = (name: string): string => `${KEY_PREFIX}tenants/${escapeName(name)}`;

/** `name`: unescaped; of blocks, blackouts and reservations the canonical CIDR text. */
export type ParsedKey =
  | { readonly kind: "topology" }
  | { readonly kind: "adoption" }
  | { readonly kind: (typeof KIND_NAMES)[number]; readonly name: string };

/** `undefined`: not a key of a record. Inverse of the functions above, and of nothing else. */
export function parseKey(key: string): ParsedKey | undefined {
  if (key === topologyKey) return { kind: "topology" };
  if (key === adoptionKey) return { kind: "adoption" };
  if (!key.startsWith(KEY_PREFIX)) return undefined;
  const slash = key.indexOf("/", KEY_PREFIX.length);
  const kind = KINDS.get(key.slice(KEY_PREFIX.length, slash));
  if (kind === undefined || slash < 0) return undefined;
  const rest = key.slice(slash + 1);
  const name = BY_CIDR.has(kind) ? rest : unescapeName(rest);
  return name === undefined ? undefined : { kind, name };
}

/** Percent-encodes all but unreserved characters (RFC 3986 section 2.3) of the UTF-8 text; a lone surrogate becomes U+FFFD. */
export function escapeName(name: string): string {
  // Nearly every name, at every event of the store.
  if (PLAIN.test(name)) return name;
  return encodeURIComponent(name.toWellFormed()).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Nothing but unreserved characters. */
const PLAIN = /^[A-Za-z0-9._~-]*$/;

function unescapeName(text: string): string | undefined {
  if (PLAIN.test(text)) return text;
  if (!/^(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*$/.test(text)) return undefined;
  try {
    const name = decodeURIComponent(text);
    return escapeName(name) === text ? name : undefined;
  } catch (error) {
    // A `%` sequence that is no UTF-8: garbage, as the caller will say.
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
