// What one node's kernel should hold: the smallest table that leads to the blocks of its on-link hosts, refuses what is local and
// empty, and says nothing of anything else. A function of the present only.
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

export type Node = {
  readonly name: string;
  /** `--route-table-id`. */
  readonly table: number;
  /** Subnets of the node's own interfaces (not of pods): who is on-link. */
  readonly subnets: readonly { readonly ip: Ip; readonly prefix: Cidr; readonly index: number }[];
  /** Addresses of the node's pods and the interface that leads to each. */
  readonly pods: readonly { readonly ip: Ip; readonly index: number }[];
  /** `--multihop-blocks`: where hosts beyond the subnets are reached, by family; absent: their blocks are left to the default route. */
  readonly gateways?: Partial<Readonly<Record<Family, NextHop>>>;
};

const LOCAL = "local";

/** Routes of both families in the node's table. */
export function desiredNodeRoutes(snapshot: Snapshot, node: Node): Route[] {
  const hops = hostHops(snapshot, node);
  const labelled: { prefix: Cidr; label: string }[] = [];
  for (const { cidr, host } of snapshot.blocks.values()) {
    const label = host === node.name ? LOCAL : hops.labelOf(host, cidr.ip.family);
    if (label !== undefined) labelled.push({ prefix: cidr, label });
  }
  const blocks = aggregateRoutes(labelled).map(({ prefix, label }) =>
    blockRoute(prefix, label === LOCAL ? undefined : hops.hopOf(label), node.table),
  );
  return [...blocks, ...node.pods.map(({ ip, index }) => podRoute(ip, index, node.table))];
}

/** One rule a family: everything looks into our table first. */
export const desiredRules = (table: number): Rule[] =>
  ([4, 6] as const).map((family) => ({
    family,
    priority: RULE_PRIORITY,
    table,
    protocol: ROMANA_PROTOCOL,
    from: undefined,
    to: undefined,
  }));

/** Next hops of hosts, as labels that are equal where the hops are. */
function hostHops({ hosts }: Snapshot, node: Node) {
  const onLinkHop = onLinkHops(node);
  const byLabel = new Map<string, NextHop>();
  const known = new Map<string, string | undefined>();
  const find = (host: string, family: Family): string | undefined => {
    const ip = hosts.get(host)?.ips.find((each) => each.family === family);
    const hop = ip && (onLinkHop(ip) ?? node.gateways?.[family]);
    if (!hop) return undefined;
    const label = `${hop.via ? formatIp(hop.via) : ""}%${hop.index}`;
    byLabel.set(label, hop);
    return label;
  };
  return {
    labelOf: (host: string, family: Family): string | undefined => {
      const key = `${family}${host}`;
      if (!known.has(key)) known.set(key, find(host, family));
      return known.get(key);
    },
    hopOf: (label: string): NextHop | undefined => byLabel.get(label),
  };
}

/** The host itself as gateway, through the most specific subnet that holds it; never one of our own addresses. */
function onLinkHops({ subnets }: Node): (ip: Ip) => NextHop | undefined {
  // Of two interfaces in one subnet the first counts, and a map keeps the last.
  const links = prefixMap(subnets.toReversed().map(({ prefix, index }) => ({ prefix, value: index })));
  return (ip) => {
    const link = subnets.some((own) => equalIp(own.ip, ip)) ? undefined : links.lookup(ip);
    return link && { via: ip, index: link.value, weight: 1, onlink: false };
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

/** A local block is unreachable but for its pods: what is sent to a free address of it must not loop through the default route. */
const blockRoute = (dst: Cidr, hop: NextHop | undefined, table: number): Route =>
  route(
    dst,
    table,
    hop ? { type: "unicast", scope: 0, nextHops: [hop] } : { type: "unreachable", scope: 0, nextHops: [] },
  );

/** The route that leads to a pod of this node. */
export const podRoute = (ip: Ip, index: number, table: number): Route =>
  route(hostCidr(ip), table, {
    type: "unicast",
    scope: ip.family === 4 ? SCOPE_LINK : 0,
    nextHops: [{ via: undefined, index, weight: 1, onlink: false }],
  });
