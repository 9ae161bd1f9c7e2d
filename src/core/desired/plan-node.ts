// All changes of one node, in the order of the founding design: what is needed first comes first, removals last.
import type { Change, Link, Route, Rule } from "../netlink/types.ts";
import { hostCidr } from "../net/cidr.ts";
import type { Pod } from "./node-routes.ts";
import { planRules, planTable } from "./plan-routes.ts";
import type { Keys, RoutesByKey, RouteTable } from "./route-table.ts";

export type NodeDesired = {
  readonly rules: readonly Rule[];
  readonly routes: RoutesByKey;
  readonly pods: readonly Pod[];
};
/** Of the node's kernel. */
export type NodeObserved = {
  readonly links: readonly Link[];
  readonly rules: readonly Rule[];
  /** Our table. */
  readonly table: RouteTable;
};

/**
 * Pairs of pods up, rules, pods' neighbours, routes, removals. A pair that goes down takes its routes and neighbours along without a
 * word, so both come back together. `placed`: as of `planTable`.
 */
export function planNode(desired: NodeDesired, observed: NodeObserved, placed: Keys): Change[] {
  const routes = planTable(desired.routes, observed.table, placed).map(besideCni);
  const rules = planRules(desired.rules, observed.rules);
  return [
    ...linksUp(desired.pods, observed.links),
    ...rules.filter(({ kind }) => kind === "rule-add"),
    ...neighboursOf(desired.pods, routes),
    ...routes,
    ...rules.filter(({ kind }) => kind !== "rule-add"),
  ];
}

/** The CNI part routes a new pod at the same time: whoever comes second must not fail. */
function besideCni(change: Change): Change {
  if (change.kind !== "route-add" || !isPodRoute(change.route)) return change;
  return { kind: "route-replace", route: change.route };
}

/** In our table only pods are reached without a gateway. */
export const isPodRoute = ({ nextHops: [hop] }: Route): boolean => hop !== undefined && !hop.via;

function linksUp(pods: readonly Pod[], links: readonly Link[]): Change[] {
  const down = new Set(links.filter(({ up }) => !up).map(({ index }) => index));
  const indexes = new Set(pods.map(({ index }) => index).filter((index) => down.has(index)));
  return [...indexes].map((index) => ({ kind: "link-up", index }));
}

/** Of pods whose route comes (back). */
function neighboursOf(pods: readonly Pod[], changes: readonly Change[]): Change[] {
  const coming = new Set(
    changes.flatMap((change) => (change.kind === "route-replace" ? [dstOf(change.route)] : [])),
  );
  return pods
    .filter(({ ip }) => coming.has(dstOf({ dst: hostCidr(ip) })))
    .map(({ index, ip, mac }) => ({ kind: "neighbour-replace", index, ip, mac, permanent: true }));
}

const dstOf = ({ dst }: Pick<Route, "dst">): string => `${dst.ip.value}/${dst.length}`;
