// What this node's kernel holds: links, addresses, rules and our table. One observation is one value.
import { InputError } from "../../base/errors.ts";
import type { Node } from "../../core/desired/node-routes.ts";
import { cidrOf } from "../../core/net/cidr.ts";
import type { Family, Ip } from "../../core/net/ip.ts";
import type { InterfaceAddress, Link, NextHop, Route, Rule } from "../../core/netlink/types.ts";
import type { Kernel } from "../../io/kernel/kernel.ts";

export type Observation = {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly rules: readonly Rule[];
  /** Of our table, whoever's. */
  readonly routes: readonly Route[];
  readonly gateways: Partial<Readonly<Record<Family, NextHop>>>;
};

const MAIN_TABLE = 254;
const SCOPE_UNIVERSE = 0;
/** IFF of pods and what hosts pods; their subnets are not where nodes are. */
const isPodLink = ({ name }: Link): boolean => name.startsWith("rom");

export async function observe(kernel: Kernel, table: number): Promise<Observation> {
  const [links, addresses, rules4, rules6, routes4, routes6, main4, main6] = await Promise.all([
    kernel.links(),
    kernel.addresses(),
    kernel.rules(4),
    kernel.rules(6),
    kernel.routes(4, table),
    kernel.routes(6, table),
    kernel.routes(4, MAIN_TABLE),
    kernel.routes(6, MAIN_TABLE),
  ]);
  return {
    links,
    addresses,
    rules: [...rules4, ...rules6],
    routes: [...routes4, ...routes6],
    gateways: { ...gatewayOf(4, main4), ...gatewayOf(6, main6) },
  };
}

function gatewayOf(family: Family, routes: readonly Route[]): Partial<Record<Family, NextHop>> {
  const [best] = routes
    .filter(({ dst, nextHops }) => dst.length === 0 && nextHops[0]?.via)
    .sort((a, b) => a.metric - b.metric);
  return best?.nextHops[0] ? { [family]: best.nextHops[0] } : {};
}

/** Subnets of the node's own interfaces. */
export function subnetsOf({ links, addresses }: Observation): Node["subnets"] {
  const own = new Set(
    links.filter((link) => link.up && !isPodLink(link) && link.name !== "lo").map(({ index }) => index),
  );
  return addresses
    .filter(({ index, scope }) => own.has(index) && scope === SCOPE_UNIVERSE)
    .map(({ ip, length, index }) => ({ ip, prefix: cidrOf(ip, length), index }));
}

/** The link that `--link-name` names, else that of the default route. InputError `LINK_NAME` where there is none. */
export function nodeLink({ links, gateways }: Observation, name: string): Link {
  const index = gateways[4]?.index ?? gateways[6]?.index;
  const link = links.find((each) => (name === "" ? each.index === index : each.name === name));
  if (link) return link;
  const there = links.map((each) => each.name).join(", ");
  throw new InputError({
    code: "LINK_NAME",
    field: "--link-name",
    value: name,
    expected: name === "" ? `an interface, as there is no default route: one of ${there}` : `one of ${there}`,
  });
}

/** The first address of each family on the link: how other nodes reach this one. */
export function nodeIps({ addresses }: Observation, link: Link): Ip[] {
  const own = addresses.filter(({ index, scope }) => index === link.index && scope === SCOPE_UNIVERSE);
  return ([4, 6] as const).flatMap((family) => own.find(({ ip }) => ip.family === family)?.ip ?? []);
}
