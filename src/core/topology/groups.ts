// Walking a carved tree.
import { containsIp } from "../net/cidr.ts";
import type { Ip } from "../net/ip.ts";
import type { Routing } from "../model/routing.ts";
import type { Group, Tree } from "../model/topology.ts";

/** All groups below and with `group`, parents before children. */
export function* allGroups(group: Group): Generator<Group> {
  yield group;
  for (const child of group.groups) yield* allGroups(child);
}

/** The groups of a tree by path. */
export const groupsByPath = ({ root }: Tree): ReadonlyMap<string, Group> =>
  new Map([...allGroups(root)].map((group) => [group.path, group]));

/** What the group at `path` says of its routing, or the nearest above it that says anything. */
export function routingOf({ root }: Tree, path: string): Routing | undefined {
  let said = root.routing;
  let group: Group | undefined = root;
  while (group && group.path !== path) {
    group = group.groups.find((child) => path === child.path || path.startsWith(`${child.path}/`));
    if (group?.routing && group.routing.kind !== "v2") said = group.routing;
  }
  return said;
}

/** Groups that hold hosts: those without groups. */
export const leafGroups = ({ root }: Tree): Group[] =>
  [...allGroups(root)].filter(({ groups }) => groups.length === 0);

/** The leaf group whose prefix in `network` holds the address; padding between groups belongs to none. */
export function leafHolding({ root }: Tree, network: string, ip: Ip): Group | undefined {
  const holds = ({ prefixes }: Group): boolean => {
    const prefix = prefixes[network];
    return prefix !== undefined && containsIp(prefix, ip);
  };
  let group = holds(root) ? root : undefined;
  while (group && group.groups.length > 0) group = group.groups.find(holds);
  return group;
}
