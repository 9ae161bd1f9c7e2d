// Whether a notification tells of what is not as this agent left it. Most are echoes of its own work or of no interest; each of the
// others costs an observation of the whole kernel.
import { isPodRoute } from "../../core/desired/plan-node.ts";
import { equalRoutes, isOurs, routeKey, type RoutesByKey } from "../../core/desired/route-table.ts";
import { equalIp } from "../../core/net/ip.ts";
import type { InterfaceAddress, Link, Notification, Route } from "../../core/netlink/types.ts";
import { MAIN_TABLE, type Observation } from "./observe.ts";
import { isPodLink } from "./pod-link.ts";

/** What the agent believes. */
export type Belief = {
  readonly table: number;
  readonly observed: Observation;
  /** Routes that should be in our table, by `routeKey`. */
  readonly routes: RoutesByKey;
  /** Whether the pair of a pod that lives has this host end. */
  readonly isPod: (index: number) => boolean;
};

/** NETCONFA_IFINDEX_ALL. */
const ALL_INTERFACES = -1;

export function concerns(notification: Notification, belief: Belief): boolean {
  switch (notification.kind) {
    case "route":
      return notification.route.table === belief.table
        ? routeConcerns(notification, belief)
        : gatewayConcerns(notification, belief);
    case "rule":
      return notification.deleted && notification.rule.table === belief.table;
    case "link":
      return linkConcerns(notification, belief);
    case "address":
      return addressConcerns(notification, belief);
    case "forwarding":
      return !notification.on && notification.index === ALL_INTERFACES;
    case "overrun":
      return true;
  }
}

type Of<Kind extends Notification["kind"]> = Extract<Notification, { kind: Kind }>;

function routeConcerns({ route, deleted }: Of<"route">, { routes, isPod }: Belief): boolean {
  const expected = routes.get(routeKey(route));
  if (deleted) return expected !== undefined && isLasting(expected, isPod);
  if (!isOurs(route)) return expected !== undefined;
  // The CNI part routes a new pod itself, perhaps before this agent's loop has come to want it.
  return expected ? !equalRoutes(expected, route) : !(isPodRoute(route) && isPod(indexOf(route)));
}

/** The kernel takes the routes of a removed pair away itself, perhaps before this agent's loop has stopped wanting them. */
const isLasting = (route: Route, isPod: Belief["isPod"]): boolean =>
  !isPodRoute(route) || isPod(indexOf(route));

const indexOf = ({ nextHops: [hop] }: Route): number => hop?.index ?? 0;

/** Default routes: the node's link, and where `--multihop-blocks` sends. */
function gatewayConcerns({ route, deleted }: Of<"route">, { observed }: Belief): boolean {
  if (route.table !== MAIN_TABLE || route.dst.length > 0) return false;
  const known = observed.gateways[route.dst.ip.family];
  const [hop] = route.nextHops;
  const isKnown =
    known?.via !== undefined &&
    hop?.via !== undefined &&
    equalIp(known.via, hop.via) &&
    known.index === hop.index;
  return deleted === isKnown;
}

/** New links matter when they get an address. A pod's pair must be up; when it goes, the endpoint goes (see heal.ts). */
function linkConcerns({ link, deleted }: Of<"link">, { observed, isPod }: Belief): boolean {
  if (isPodLink(link)) return !deleted && !link.up && isPod(link.index);
  const known = observed.links.find(({ index }) => index === link.index);
  return known !== undefined && (deleted || !sameLink(known, link));
}

const sameLink = (a: Link, b: Link): boolean => a.up === b.up && a.mtu === b.mtu && a.name === b.name;

function addressConcerns({ address, deleted }: Of<"address">, { observed }: Belief): boolean {
  return address.scope === 0 && deleted === observed.addresses.some((known) => sameAddress(known, address));
}

const sameAddress = (a: InterfaceAddress, b: InterfaceAddress): boolean =>
  a.index === b.index && a.length === b.length && equalIp(a.ip, b.ip);
