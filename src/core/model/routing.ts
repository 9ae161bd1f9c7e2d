// How the network outside learns where a group's pods are, and its form in documents and in the store. Reading is read-routing.ts's.
import { formatIp, type Ip } from "../net/ip.ts";

export type Routing =
  /** Nobody is told. */
  | { readonly kind: "none" }
  /** The routers have routes that somebody wrote there. */
  | { readonly kind: "static" }
  /** Words of Romana v2, kept as given: they never said enough to announce anything. As if nothing were said. */
  | { readonly kind: "v2"; readonly words: string }
  /** Something that is wrong, or of a later version: whoever hears it from a daemon keeps to what was said before. Never stored. */
  | { readonly kind: "unread" }
  | ({ readonly kind: "bgp" } & Bgp);

export type Bgp = {
  /** Of the hosts. */
  readonly as: number;
  readonly neighbours: readonly Neighbour[];
  /** Seconds; `undefined`: BIRD's own. */
  readonly hold: number | undefined;
  readonly keepalive: number | undefined;
  /** What every announced prefix carries (RFC 1997). */
  readonly communities: readonly Community[];
  readonly gracefulRestart: boolean;
  readonly bfd: Bfd | undefined;
};
export type Neighbour = { readonly ip: Ip; readonly as: number; readonly password: string | undefined };
export type Community = readonly [as: number, value: number];
/** `interval` in milliseconds; a neighbour that is silent for `multiplier` of them is down. */
export type Bfd = { readonly interval: number; readonly multiplier: number };

/** As a document states it. Reading it back gives the same. */
export function routingDocument(routing: Routing): unknown {
  if (routing.kind === "v2") return routing.words;
  if (routing.kind === "unread") return undefined;
  return routing.kind === "bgp" ? { bgp: bgpDocument(routing) } : routing.kind;
}

const bgpDocument = ({
  as,
  neighbours,
  hold,
  keepalive,
  communities,
  gracefulRestart,
  bfd,
}: Bgp): object => ({
  as,
  neighbours: neighbours.map(({ ip, as, password }) => ({
    ip: formatIp(ip),
    as,
    ...(password !== undefined && { password }),
  })),
  ...(hold !== undefined && { hold }),
  ...(keepalive !== undefined && { keepalive }),
  ...(communities.length > 0 && { communities: communities.map(([as, value]) => `${as}:${value}`) }),
  ...(gracefulRestart && { graceful_restart: true }),
  ...(bfd && { bfd }),
});
