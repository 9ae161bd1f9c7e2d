// Changes as `ip` would be told to make them: what `--dry-run` prints and the log shows.
import { formatCidr } from "../../core/net/cidr.ts";
import { formatIp } from "../../core/net/ip.ts";
import type { Change, Link, NextHop, Route, Rule } from "../../core/netlink/types.ts";

const SCOPE_LINK = 253;

/** A command for a shell. `links`: for the names of interfaces. */
export function describeChange(change: Change, links: readonly Link[]): string {
  const dev = (index: number): string => links.find((link) => link.index === index)?.name ?? `if${index}`;
  switch (change.kind) {
    case "route-add":
    case "route-replace":
    case "route-delete":
      return `ip route ${change.kind.slice("route-".length)} ${describeRoute(change.route, dev)}`;
    case "rule-add":
    case "rule-delete":
      return describeRule(change.kind.slice("rule-".length), change.rule);
    case "neighbour-replace":
      return `ip neigh replace ${formatIp(change.ip)} lladdr ${change.mac} dev ${dev(change.index)} nud permanent`;
    case "link-up":
      return `ip link set ${dev(change.index)} up`;
    default:
      return change.kind; // of the CNI part, which plans nothing
  }
}

const describeRule = (verb: string, { family, priority, table, protocol }: Rule): string =>
  `ip -${family} rule ${verb} priority ${priority} lookup ${table} protocol ${protocol}`;

function describeRoute(route: Route, dev: (index: number) => string): string {
  const { dst, type, nextHops, table, protocol, metric, scope } = route;
  const hop = ({ via, index }: NextHop): string => `${via ? `via ${formatIp(via)} ` : ""}dev ${dev(index)}`;
  return [
    ...(type === "unicast" ? [] : [type]),
    formatCidr(dst),
    ...nextHops.map((each) => (nextHops.length > 1 ? `nexthop ${hop(each)}` : hop(each))),
    `table ${table} proto ${protocol}`,
    ...(scope === SCOPE_LINK ? ["scope link"] : []),
    ...(metric > 0 ? [`metric ${metric}`] : []),
  ].join(" ");
}
