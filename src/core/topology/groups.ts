// Walking a carved tree.
import { type Cidr, containsCidr } from "../net/cidr.ts";
import type { Group, Topology, Tree } from "../model/topology.ts";

/** All groups below and with `group`, parents before children. */
export function* allGroups(group: Group): Generator<Group> {
  yield group;
  for (const child of group.groups) yield* allGroups(child);
}

export function findGroup({ root }: Tree, path: string): Group | undefined {
  return allGroups(root).find((group) => group.path === path);
}

/** Groups that hold hosts: those without groups. */
export const leafGroups = ({ root }: Tree): Group[] =>
  [...allGroups(root)].filter(({ groups }) => groups.length === 0);

/** The smallest group whose prefix holds all of `cidr`, with its tree and network. `undefined`: outside of all networks. */
export function groupOf(
  { trees }: Topology,
  cidr: Cidr,
): { readonly tree: Tree; readonly network: string; readonly group: Group } | undefined {
  for (const tree of trees)
    for (const network of tree.networks) {
      const holds = ({ prefixes }: Group): boolean => {
        const prefix = prefixes[network];
        return prefix !== undefined && containsCidr(prefix, cidr);
      };
      if (!holds(tree.root)) continue;
      let group = tree.root;
      for (let inner: Group | undefined = group; inner; inner = group.groups.find(holds)) group = inner;
      return { tree, network, group };
    }
  return undefined;
}
