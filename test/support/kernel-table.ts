// A routing table as the kernel keeps it: one route a prefix and metric, longest prefix first, then the lowest metric.
import { type Cidr, containsIp, formatCidr } from "../../src/core/net/cidr.ts";
import { formatIp, type Ip } from "../../src/core/net/ip.ts";
import { equalRoutes, routeKey } from "../../src/core/desired/route-table.ts";
import type { Change, Route } from "../../src/core/netlink/types.ts";

/** The table after one change, or the kernel's errno. Changes of other things than routes leave it as it is. */
export function changeTable(table: readonly Route[], change: Change): readonly Route[] | "EEXIST" | "ESRCH" {
  if (!("route" in change)) return table;
  const { kind, route } = change;
  const at = table.findIndex((each) => routeKey(each) === routeKey(route));
  const found = table[at];
  if (kind === "route-delete") return found && equalRoutes(found, route) ? table.toSpliced(at, 1) : "ESRCH";
  if (kind === "route-add" && found) return "EEXIST";
  return found ? table.with(at, route) : [...table, route];
}

/** Every change done, or the test fails. */
export function afterChanges(table: readonly Route[], changes: readonly Change[]): readonly Route[] {
  return changes.reduce<readonly Route[]>((before, change) => {
    const next = changeTable(before, change);
    if (typeof next === "string") throw new Error(`${change.kind}: ${next}`);
    return next;
  }, table);
}

/** What becomes of a packet, as text; "" where the table says nothing. */
export function forwarded(table: readonly Route[], ip: Ip): string {
  const [best] = table
    .filter(({ dst }) => containsIp(dst, ip))
    .sort((a, b) => b.dst.length - a.dst.length || a.metric - b.metric);
  if (!best || best.type === "throw") return "";
  const hops = best.nextHops.map(({ via, index }) => `${via ? formatIp(via) : ""}%${index}`);
  return [best.type, ...hops].join(" ");
}

/** A table as text, in any order. */
export const showTable = (table: readonly Route[]): string[] =>
  table
    .map(({ dst, type, nextHops: [hop], protocol, metric }) =>
      [
        ...(type === "unicast" ? [] : [type]),
        formatCidr(dst),
        ...(hop?.via ? ["via", formatIp(hop.via)] : []),
        ...(hop ? ["dev", hop.index] : []),
        ...(protocol === 82 ? [] : ["proto", protocol]),
        ...(metric === 0 || metric === 1024 ? [] : ["metric", metric]),
      ].join(" "),
    )
    .sort();

/** All addresses of a prefix, which must be small. */
export const addressesOf = ({ ip, length }: Cidr): Ip[] =>
  Array.from({ length: 2 ** ((ip.family === 4 ? 32 : 128) - length) }, (_, i) => ({
    family: ip.family,
    value: ip.value + BigInt(i),
  }));
