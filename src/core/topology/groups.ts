// Walking a carved tree.
import { containsIp } from "../net/cidr.ts";
import type { Ip } from "../net/ip.ts";
import type { Group, Tree } from "../model/topology.ts";

/** All groups below and with `group`, parents before children. */
export function* allGroups(group: Group): Generator<Group> {
  yield group;
  for (const child of group.groups) yield* allGroups(child);
}

/** The groups of a tree by path. */
export const groupsByPath = ({ root }: Tree): ReadonlyMap<string, Group> =>
  new Map([...allGroups(root)].map((group) => [group.path, group]));

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
