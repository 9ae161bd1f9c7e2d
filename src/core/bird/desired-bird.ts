// The configuration of a node's BIRD: a function of the present only. BIRD here announces; it writes no route into the kernel and takes
// none from anybody.
import { hashOf } from "../../base/sha256.ts";
import type { Host } from "../model/records.ts";
import type { Community } from "../model/routing.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { type Cidr, overlaps } from "../net/cidr.ts";
import { type Family, type Ip } from "../net/ip.ts";
import {
  type Announcement,
  announcementsOf,
  type Session,
  sessionName,
  sessionsOf,
  toldTo,
} from "./advertise.ts";
import { block, renderBird, type Statement, statement } from "./render-bird.ts";

export type DesiredBird =
  /** The world lacks what must be known first; what stands, stands. */
  | { readonly kind: "unknown"; readonly reason: string }
  | {
      readonly kind: "known";
      readonly text: string;
      /** Names of the sessions' protocols. */
      readonly sessions: readonly string[];
      /** What is announced, without what lingers. */
      readonly prefixes: readonly Cidr[];
    };

const HEAD = "# Written by romana publisher: what is changed here is lost.\n";
const FAMILIES: readonly Family[] = [4, 6];

/** What stays for a while beside prefixes that are wanted: see linger.ts. */
export type Beside = (wanted: readonly Cidr[]) => readonly Cidr[];

export function desiredBird(snapshot: Snapshot, node: string, beside: Beside = () => []): DesiredBird {
  // A daemon has had a topology before it has a block; one that could not be read is as absent.
  if (snapshot.topology.trees.length === 0) return { kind: "unknown", reason: "there is no topology" };
  const host = snapshot.hosts.get(node);
  if (!host) return { kind: "unknown", reason: `the daemon knows no host ${node}` };
  const told = toldTo(snapshot, host);
  if (told.some(({ routing }) => routing.kind === "unread"))
    return { kind: "unknown", reason: "the topology's routing is not understood: is it of a later version?" };
  const announcements = announcementsOf(told);
  const prefixes = announcements.flatMap((each) => each.prefixes);
  const lingering = beside(prefixes);
  const sessions = sessionsOf(announcements, host);
  const statements = [
    statement("router id", routerId(host)),
    block(["protocol device"]),
    ...(sessions.some(({ bgp }) => bgp.bfd) ? [block(["protocol bfd romana_bfd"])] : []),
    ...announcements.flatMap((each) => staticProtocols(each, lingering)),
    ...sessions.map((session) => sessionProtocol(session, host, familiesOf(session, snapshot))),
  ];
  return {
    kind: "known",
    text: HEAD + renderBird(statements),
    sessions: sessions.map(({ neighbour }) => sessionName(neighbour.ip)),
    prefixes,
  };
}

/** 32 bits that no other router has: the host's IPv4 address, or by its name where it has none. */
const routerId = ({ ips, name }: Host): Ip =>
  ips.find(({ family }) => family === 4) ?? { family: 4, value: BigInt(hashOf(name) || 1) };

const staticName = (index: number, family: Family): string => `romana_${index}_v${family}`;

/** Of both families always: a protocol that goes would take its routes with it, one that is empty is ready for the first. */
function staticProtocols({ index, prefixes }: Announcement, lingering: readonly Cidr[]): Statement[] {
  const beside = lingering.filter((old) => prefixes.some((prefix) => overlaps(old, prefix)));
  return FAMILIES.map((family) => {
    const routes = [...prefixes, ...beside].filter(({ ip }) => ip.family === family);
    return block(
      [`protocol static ${staticName(index, family)}`],
      statement(`ipv${family}`),
      // To BIRD alone: the kernel has the agent's table, which delivers, or refuses what no pod has.
      ...routes.map((prefix) => statement("route", prefix, "unreachable")),
    );
  });
}

const familiesOf = ({ announcements }: Session, { topology }: Snapshot): Set<Family> => {
  const names = new Set(announcements.flatMap(({ index }) => topology.trees[index]?.networks ?? []));
  return new Set(topology.networks.filter(({ name }) => names.has(name)).map(({ cidr }) => cidr.ip.family));
};

function sessionProtocol(session: Session, host: Host, families: ReadonlySet<Family>): Statement {
  const { neighbour, bgp } = session;
  const { hold, keepalive, gracefulRestart, bfd } = bgp;
  return block(
    [`protocol bgp ${sessionName(neighbour.ip)}`],
    statement("local as", bgp.as),
    statement("neighbor", neighbour.ip, "as", neighbour.as),
    ...(neighbour.password === undefined ? [] : [statement("password", { text: neighbour.password })]),
    ...(hold === undefined ? [] : [statement("hold time", hold)]),
    ...(keepalive === undefined ? [] : [statement("keepalive time", keepalive)]),
    statement("graceful restart", gracefulRestart ? "on" : "aware"),
    ...(bfd ? [bfdOptions(bfd)] : []),
    ...FAMILIES.filter((family) => families.has(family)).flatMap((family) => channel(family, session, host)),
  );
}

const bfdOptions = ({ interval, multiplier }: { interval: number; multiplier: number }): Statement =>
  block(["bfd"], statement("interval", interval, "ms"), statement("multiplier", multiplier));

/** None where the neighbour could not be told by what to reach the node. */
function channel(family: Family, session: Session, { ips }: Host): Statement[] {
  const transport = session.neighbour.ip.family;
  const own = ips.find((ip) => ip.family === family);
  if (family === 6 && transport === 4 && !own) return [];
  const nextHop =
    family === transport
      ? []
      : own
        ? [statement("next hop address", own)]
        : [statement("extended next hop on")]; // RFC 8950
  return [block([`ipv${family}`], statement("import none"), exportFilter(family, session), ...nextHop)];
}

/** What our static protocols have, and nothing else, whatever else this BIRD comes to know. */
function exportFilter(family: Family, { announcements, bgp }: Session): Statement {
  const ours = announcements.map(({ index }) => `(proto = "${staticName(index, family)}")`).join(" || ");
  const add = ([as, value]: Community): Statement => statement(`bgp_community.add((${as},${value}))`);
  return block(
    ["export filter"],
    statement(`if !(${ours}) then reject`),
    ...bgp.communities.map(add),
    statement("accept"),
  );
}
