// What one node's kernel should hold: the smallest table that leads to the blocks of its on-link hosts, refuses what is local and
// empty, and leaves everything else to the rules after it. A function of the present only.
import { aggregateRoutes } from "../net/aggregate.ts";
import { type Cidr, hostCidr } from "../net/cidr.ts";
import { equalIp, type Family, formatIp, type Ip } from "../net/ip.ts";
import { prefixMap } from "../net/prefix-map.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { type NextHop, type Route, ROMANA_PROTOCOL, type Rule } from "../netlink/types.ts";

/** Metric the kernel gives IPv6 routes that ask for none (IP6_RT_PRIO_USER). */
const IPV6_METRIC = 1024;
const SCOPE_LINK = 253;
/** Before main (32766), so that learnt routes do not hide pods. */
const RULE_PRIORITY = 10;

export type Pod = {
  readonly ip: Ip;
  /** The interface that leads to it. */
  readonly index: number;
  /** Of the pod's end of that pair. */
  readonly mac: string;
};

export type Node = {
  readonly name: string;
  /** `--route-table-id`. */
  readonly table: number;
  /** Subnets of the node's own interfaces (not of pods): who is on-link. */
  readonly subnets: readonly { readonly ip: Ip; readonly prefix: Cidr; readonly index: number }[];
  readonly pods: readonly Pod[];
  /** `--multihop-blocks`: where hosts beyond the subnets are reached, by family; absent: their blocks are left to the default route. */
  readonly gateways?: Partial<Readonly<Record<Family, NextHop>>>;
};

/** What an address is forwarded to, as text that is equal where that is: a next hop, or one of these two. */
const LOCAL = "local";
const ELSEWHERE = "elsewhere";

/** Routes of both families in the node's table, as few as forward the same. */
export function desiredNodeRoutes(snapshot: Snapshot, node: Node): Route[] {
  const hops = hostHops(snapshot, node);
  const labelled: { prefix: Cidr; label: string }[] = [];
  for (const { cidr, host } of snapshot.blocks.values()) {
    const label = host === node.name ? LOCAL : hops.labelOf(host, cidr.ip.family);
    if (label !== undefined) labelled.push({ prefix: cidr, label });
  }
  const routes = aggregateRoutes(labelled, { unreachable: ELSEWHERE }).map(({ prefix, label }) =>
    aggregateRoute(prefix, label, hops.hopsOf(label), node.table),
  );
  for (const { ip, index } of node.pods) routes.push(podRoute(ip, index, node.table));
  return routes;
}

/** One rule a family: everything looks into our table first. */
export const desiredRules = (table: number, families: readonly Family[]): Rule[] =>
  families.map((family) => ({ family, priority: RULE_PRIORITY, table, protocol: ROMANA_PROTOCOL }));

/** Next hops of hosts, as labels that are equal where the hops are. */
function hostHops({ hosts }: Snapshot, node: Node) {
  const hopTo = hopFinder(node);
  // One list for all routes that share it: there are many.
  const byLabel = new Map<string, readonly NextHop[]>();
  const known = { 4: new Map<string, string | undefined>(), 6: new Map<string, string | undefined>() };
  const find = (host: string, family: Family): string | undefined => {
    const ip = hosts.get(host)?.ips.find((each) => each.family === family);
    const hop = ip && hopTo(ip);
    if (!hop) return undefined;
    const label = `${hop.via ? formatIp(hop.via) : ""}%${hop.index}`;
    if (!byLabel.has(label)) byLabel.set(label, [hop]);
    return label;
  };
  return {
    labelOf: (host: string, family: Family): string | undefined => {
      if (!known[family].has(host)) known[family].set(host, find(host, family));
      return known[family].get(host);
    },
    hopsOf: (label: string): readonly NextHop[] => byLabel.get(label) ?? [],
  };
}

/** The host itself as gateway, through the most specific subnet that holds it; never one of our own addresses. */
function hopFinder({ subnets, gateways }: Node): (ip: Ip) => NextHop | undefined {
  // Of two interfaces in one subnet the first counts, and a map keeps the last.
  const links = prefixMap(subnets.toReversed().map(({ prefix, index }) => ({ prefix, value: index })));
  return (ip) => {
    if (subnets.some((own) => equalIp(own.ip, ip))) return undefined;
    const link = links.lookup(ip);
    return link ? { via: ip, index: link.value, weight: 1, onlink: false } : gateways?.[ip.family];
  };
}

function route(dst: Cidr, table: number, rest: Pick<Route, "type" | "scope" | "nextHops">): Route {
  return {
    dst,
    table,
    protocol: ROMANA_PROTOCOL,
    metric: dst.ip.family === 6 ? IPV6_METRIC : 0,
    source: undefined,
    ...rest,
  };
}

/**
 * A local block is unreachable but for its pods: what is sent to a free address of it must not loop through the default route. A hole
 * in an aggregate is a `throw`: just as without a route, the rules after ours decide.
 */
function aggregateRoute(dst: Cidr, label: string, nextHops: readonly NextHop[], table: number): Route {
  if (nextHops.length > 0) return route(dst, table, { type: "unicast", scope: 0, nextHops });
  return route(dst, table, { type: label === LOCAL ? "unreachable" : "throw", scope: 0, nextHops });
}

/** The route that leads to a pod of this node. */
export const podRoute = (ip: Ip, index: number, table: number): Route =>
  route(hostCidr(ip), table, {
    type: "unicast",
    scope: ip.family === 4 ? SCOPE_LINK : 0,
    nextHops: [{ via: undefined, index, weight: 1, onlink: false }],
  });
