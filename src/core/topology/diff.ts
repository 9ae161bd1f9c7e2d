// What changes from one carved topology to another, group by group. Looks at no block and no host.
import { type Cidr, equalCidr } from "../net/cidr.ts";
import type { Topology } from "../model/topology.ts";
import { allGroups } from "./groups.ts";

/** `before` absent: the group is new in the network; `after` absent: it goes; both: its prefix is another. `group`: its path, "" the root. */
export type GroupChange = {
  readonly network: string;
  readonly group: string;
  readonly before?: Cidr;
  readonly after?: Cidr;
};

export function groupChanges(before: Topology, after: Topology): GroupChange[] {
  const [old, young] = [prefixesOf(before), prefixesOf(after)];
  const changed = [...young.values()].flatMap(({ network, group, prefix }): GroupChange[] => {
    const known = old.get(`${network}\0${group}`)?.prefix;
    if (!known) return [{ network, group, after: prefix }];
    return equalCidr(known, prefix) ? [] : [{ network, group, before: known, after: prefix }];
  });
  const gone = [...old].filter(([key]) => !young.has(key));
  return [...changed, ...gone.map(([, { network, group, prefix }]) => ({ network, group, before: prefix }))];
}

type Placed = { readonly network: string; readonly group: string; readonly prefix: Cidr };

function prefixesOf({ trees }: Topology): Map<string, Placed> {
  const placed = trees.flatMap(({ root }) =>
    [...allGroups(root)].flatMap(({ path: group, prefixes }) =>
      Object.entries(prefixes).map(([network, prefix]) => ({ network, group, prefix })),
    ),
  );
  return new Map(placed.map((each) => [`${each.network}\0${each.group}`, each]));
}
