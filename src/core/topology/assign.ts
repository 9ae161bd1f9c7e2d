// Which group a host joins.
import type { Group, Tree } from "../model/topology.ts";

export type Newcomer = {
  readonly name: string;
  /** Hosts in each leaf group by now, by path. */
  readonly hostsPerGroup: ReadonlyMap<string, number>;
};

/**
 * The path of the leaf group in `tree` for a host with these labels: the group that lists it by name; else, of the groups whose own and
 * all ancestors' assignments its labels meet, those that ask for the most labels, and of these the one with the fewest hosts, the first
 * among equals. A group that asks for nothing takes any host. `undefined`: no group takes it.
 */
export function assignHost(
  tree: Tree,
  tags: Readonly<Record<string, string>>,
  { name, hostsPerGroup }: Newcomer,
): string | undefined {
  const labels = withSynonyms(tags);
  let best: { path: string; asked: number; hosts: number } | undefined;
  const visit = (group: Group, asked: number): string | undefined => {
    if (group.hosts.some((host) => host.name === name)) return group.path;
    const matched = matches(group, labels);
    for (const child of group.groups) {
      const listed = visit(child, matched ? asked + Object.keys(child.assignment).length : NaN);
      if (listed !== undefined) return listed;
    }
    const hosts = hostsPerGroup.get(group.path) ?? 0;
    const eligible = group.groups.length === 0 && matched && !Number.isNaN(asked);
    if (eligible && (!best || asked > best.asked || (asked === best.asked && hosts < best.hosts)))
      best = { path: group.path, asked, hosts };
    return undefined;
  };
  return visit(tree.root, 0) ?? best?.path;
}

const matches = ({ assignment }: Group, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(withSynonyms(assignment)).every(([key, value]) => labels[key] === value);

/** Kubernetes renamed these labels; both names mean the same. */
const SYNONYMS: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
};

/** Old names replaced by today's; today's win where both are there. */
function withSynonyms(labels: Readonly<Record<string, string>>): Record<string, string> {
  const renamed = Object.entries(labels)
    .filter(([key]) => SYNONYMS[key] !== undefined)
    .map(([key, value]) => [SYNONYMS[key] ?? key, value] as const);
  const rest = Object.entries(labels).filter(([key]) => SYNONYMS[key] === undefined);
  return Object.fromEntries([...renamed, ...rest]);
}
