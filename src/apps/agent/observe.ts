// What this node's kernel holds: links, addresses, rules, our table, forwarding. One observation is one value.
import { InputError } from "../../base/errors.ts";
import type { Node } from "../../core/desired/node-routes.ts";
import { type RouteTable, tableOf } from "../../core/desired/route-table.ts";
import { cidrOf } from "../../core/net/cidr.ts";
import type { Family, Ip } from "../../core/net/ip.ts";
import type { InterfaceAddress, Link, NextHop, Route, Rule } from "../../core/netlink/types.ts";
import type { Kernel } from "../../io/kernel/kernel.ts";
import { isPodLink } from "./pod-link.ts";
import { hasIpv6, observeSettings, type Setting } from "./settings.ts";

export type Gateways = Partial<Readonly<Record<Family, NextHop>>>;

export type Observation = {
  readonly links: readonly Link[];
  /** That the kernel has. */
  readonly families: readonly Family[];
  readonly addresses: readonly InterfaceAddress[];
  readonly rules: readonly Rule[];
  /** Ours. */
  readonly table: RouteTable;
  /** Next hops of the default routes. */
  readonly gateways: Gateways;
  /** What must be written for this node to forward. */
  readonly settings: readonly Setting[];
};

export const MAIN_TABLE = 254;
const SCOPE_UNIVERSE = 0;
const IFA_F_TEMPORARY = 0x01;
const IFA_F_DADFAILED = 0x08;
const IFA_F_DEPRECATED = 0x20;
const UNSUITABLE = IFA_F_TEMPORARY | IFA_F_DADFAILED | IFA_F_DEPRECATED;

/** Links come first: what happens to one while the rest is read is told by a notification and found by comparing with it. */
export async function observe(kernel: Kernel, table: number): Promise<Observation> {
  const links = await kernel.links();
  const families: readonly Family[] = (await hasIpv6(kernel)) ? [4, 6] : [4];
  const each = <T>(read: (family: Family) => Promise<readonly T[]>): Promise<(readonly T[])[]> =>
    Promise.all(families.map(read));
  const [addresses, rules, routes, main, settings] = await Promise.all([
    kernel.addresses(),
    each((family) => kernel.rules(family)),
    each((family) => kernel.routes(family, table)),
    each((family) => kernel.routes(family, MAIN_TABLE)),
    observeSettings(kernel, links),
  ]);
  return {
    links,
    families,
    addresses,
    rules: rules.flat(),
    table: tableOf(routes.flat()),
    gateways: { ...gatewayOf(4, main.flat()), ...gatewayOf(6, main.flat()) },
    settings,
  };
}

function gatewayOf(family: Family, routes: readonly Route[]): Gateways {
  const [best] = routes
    .filter(({ dst, nextHops }) => dst.ip.family === family && dst.length === 0 && nextHops[0]?.via)
    .sort((a, b) => a.metric - b.metric);
  return best?.nextHops[0] ? { [family]: best.nextHops[0] } : {};
}

/** Subnets of the node's own interfaces. */
export function subnetsOf({ links, addresses }: Pick<Observation, "links" | "addresses">): Node["subnets"] {
  const own = new Set(
    links.filter((link) => link.up && !isPodLink(link) && link.name !== "lo").map(({ index }) => index),
  );
  return addresses
    .filter(({ index, scope }) => own.has(index) && scope === SCOPE_UNIVERSE)
    .map(({ ip, length, index }) => ({ ip, prefix: cidrOf(ip, length), index }));
}

/** By what other nodes reach this one. */
export type NodeLink = {
  readonly name: string;
  readonly mtu: number;
  /** The first address of each family that is there to stay. */
  readonly ips: readonly Ip[];
};

/** The link that `--link-name` names, else that of the default route; `undefined` where there is none. */
export function findNodeLink(observation: Observation, name: string): NodeLink | undefined {
  const { links, gateways, addresses } = observation;
  const index = gateways[4]?.index ?? gateways[6]?.index;
  const link = links.find((each) => (name === "" ? each.index === index : each.name === name));
  if (!link) return undefined;
  const own = addresses.filter((address) => address.index === link.index && isLasting(address));
  const ips = ([4, 6] as const).flatMap((family) => own.find(({ ip }) => ip.family === family)?.ip ?? []);
  return { name: link.name, mtu: link.mtu, ips };
}

/** InputError `LINK_NAME` where there is none. */
export function nodeLink(observation: Observation, name: string): NodeLink {
  const link = findNodeLink(observation, name);
  if (link) return link;
  const there = observation.links.map((each) => each.name).join(", ");
  const expected =
    name === "" ? `an interface, as there is no default route: one of ${there}` : `one of ${there}`;
  throw new InputError({ code: "LINK_NAME", field: "--link-name", value: name, expected });
}

const isLasting = ({ scope, flags }: InterfaceAddress): boolean =>
  scope === SCOPE_UNIVERSE && (flags & UNSUITABLE) === 0;
