// Walking a carved tree.
import type { Group, Tree } from "../model/topology.ts";

/** All groups below and with `group`, parents before children. */
export function* allGroups(group: Group): Generator<Group> {
  yield group;
  for (const child of group.groups) yield* allGroups(child);
}

export function findGroup({ root }: Tree, path: string): Group | undefined {
  for (const group of allGroups(root)) if (group.path === path) return group;
  return undefined;
}

/** Groups that hold hosts: those without groups. */
export const leafGroups = ({ root }: Tree): Group[] =>
  [...allGroups(root)].filter(({ groups }) => groups.length === 0);
