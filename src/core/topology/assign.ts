// Which group a host joins. Never moves a host that is in one: the caller asks once for each newcomer.
import type { Group, Tree } from "../model/topology.ts";

export type Newcomer = {
  readonly name: string;
  /** Hosts in each leaf group by now, by path. */
  readonly hostsPerGroup: ReadonlyMap<string, number>;
};
type Labels = ReadonlyMap<string, string>;

/**
 * The path of the leaf group in `tree` for a host with these labels: the group that lists it by name; else, of the groups
 * whose own and all ancestors' assignments its labels meet, those that ask for the most labels, of these the one with the
 * fewest hosts, the first among equals. A group that asks for nothing takes any host. `undefined`: no group takes it.
 */
export function assignHost(
  tree: Tree,
  tags: Readonly<Record<string, string>>,
  { name, hostsPerGroup }: Newcomer,
): string | undefined {
  const labels = labelsOf(tags);
  let best: { path: string; asked: number; hosts: number } | undefined;
  for (const { group, asked } of leavesAsking(tree.root, new Map())) {
    if (group.hosts.some((host) => host.name === name)) return group.path;
    if (!asked || ![...asked].every(([key, value]) => labels.get(key) === value)) continue;
    const hosts = hostsPerGroup.get(group.path) ?? 0;
    if (!best || asked.size > best.asked || (asked.size === best.asked && hosts < best.hosts))
      best = { path: group.path, asked: asked.size, hosts };
  }
  return best?.path;
}

/** Leaf groups with all labels that they and their ancestors ask for; `undefined`: those contradict each other, so no label brings a host here. */
export function* leavesAsking(
  group: Group,
  inherited: Labels | undefined,
): Generator<{ readonly group: Group; readonly asked: Labels | undefined }> {
  const own = labelsOf(group.assignment);
  const contradicts = [...own].some(([key, value]) => (inherited?.get(key) ?? value) !== value);
  const asked = inherited && !contradicts ? new Map([...inherited, ...own]) : undefined;
  if (group.groups.length === 0) yield { group, asked };
  for (const child of group.groups) yield* leavesAsking(child, asked);
}

/** Kubernetes renamed these labels; both names mean the same. */
const SYNONYMS: Labels = new Map([
  ["failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"],
  ["failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"],
]);

/** Old names replaced by today's; today's win where both are there. */
function labelsOf(tags: Readonly<Record<string, string>>): Labels {
  const labels = new Map(Object.entries(tags));
  for (const [old, today] of SYNONYMS) {
    const value = labels.get(old);
    if (value !== undefined && !labels.has(today)) labels.set(today, value);
    labels.delete(old);
  }
  return labels;
}
