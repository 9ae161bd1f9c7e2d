// What a router between hosts should hold: a rack's router knows which host has which block, every other knows prefixes only.
import { aggregateRoutes } from "../net/aggregate.ts";
import { type Cidr, containsCidr } from "../net/cidr.ts";
import { type Family, formatIp, type Ip } from "../net/ip.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { type Route, ROMANA_PROTOCOL } from "../netlink/types.ts";

export type Router = {
  readonly table: number;
  /** Aggregates that the router announces: what of them nobody has is discarded here, not sent back up. */
  readonly owns: readonly Cidr[];
  /** Whether the hosts of its prefixes are its neighbours (a rack's router). */
  readonly deliversToHosts: boolean;
  /** Prefixes that lie behind another router. */
  readonly neighbours: readonly { readonly prefixes: readonly Cidr[]; readonly via: readonly Ip[] }[];
};

const IPV6_METRIC = 1024;
/** Worse than that of any other route here. */
const DISCARD_METRIC = 2048;

/** Routes of both families; next hops are gateways, their interface is left to the kernel (index 0). */
export function desiredRouterRoutes(snapshot: Snapshot, router: Router): Route[] {
  return [...hostRoutes(snapshot, router), ...neighbourRoutes(router), ...discardRoutes(router)];
}

/** Blocks inside the router's prefixes, aggregated, to the hosts that have them. */
function hostRoutes({ blocks, hosts }: Snapshot, { owns, deliversToHosts, table }: Router): Route[] {
  if (!deliversToHosts) return [];
  const hops = new Map<string, Ip>();
  const labelled: { prefix: Cidr; label: string }[] = [];
  for (const { cidr, host } of blocks.values()) {
    const via = hosts.get(host)?.ips.find(({ family }) => family === cidr.ip.family);
    if (!via || !owns.some((prefix) => containsCidr(prefix, cidr))) continue;
    const label = formatIp(via);
    hops.set(label, via);
    labelled.push({ prefix: cidr, label });
  }
  return aggregateRoutes(labelled).flatMap(({ prefix, label }) => {
    const via = hops.get(label);
    return via ? [gatewayRoute(prefix, via, table)] : [];
  });
}

const viaOf = (via: readonly Ip[], family: Family): Ip | undefined => via.find((ip) => ip.family === family);

function neighbourRoutes({ neighbours, table }: Router): Route[] {
  return neighbours.flatMap(({ prefixes, via }) =>
    prefixes.flatMap((prefix) => {
      const hop = viaOf(via, prefix.ip.family);
      return hop ? [gatewayRoute(prefix, hop, table)] : [];
    }),
  );
}

/**
 * Every aggregate, also where routes inside it cover it: the kernel drops those of a link that goes down, and then their packets
 * must not follow the default route back to who sent them. A route to the very prefix wins by its metric.
 */
const discardRoutes = ({ owns, table }: Router): Route[] =>
  owns.map((prefix) => ({
    ...base(prefix, table),
    metric: DISCARD_METRIC,
    type: "unreachable",
    nextHops: [],
  }));

function base(dst: Cidr, table: number): Omit<Route, "type" | "nextHops"> {
  return {
    dst,
    table,
    protocol: ROMANA_PROTOCOL,
    scope: 0,
    metric: dst.ip.family === 6 ? IPV6_METRIC : 0,
    source: undefined,
  };
}

const gatewayRoute = (dst: Cidr, via: Ip, table: number): Route => ({
  ...base(dst, table),
  type: "unicast",
  nextHops: [{ via, index: 0, weight: 1, onlink: false }],
});
