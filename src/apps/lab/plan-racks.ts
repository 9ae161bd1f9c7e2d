// Which racks and spines a topology's groups become, and which hosts stand in a rack. Pure; knows nothing of addresses.
import { InputError } from "../../base/errors.ts";
import type { Group, Topology } from "../../core/model/topology.ts";

const MAX_HOSTS = 64;
const MAX_SPINES = 16;

export type Rack = {
  readonly group: Group;
  /** Path of the group at the top of the tree that holds it; its own where it is one. */
  readonly top: string;
  /** A word for names: the group's own name where no other leaf has it, else its path. */
  readonly slug: string;
  /** What the assignments from the root to the group ask for. */
  readonly tags: Readonly<Record<string, string>>;
  /** Name of the router above: one per top-level group, one for all leaves at the top. */
  readonly spine: string;
};

/** A rack per leaf group of the first tree. InputError `LAB_NO_GROUPS`, `LAB_TOO_LARGE`. */
export function planRacks(topology: Topology, hostsPerRack: number): Rack[] {
  const root = topology.trees[0]?.root;
  const racks = root ? racksOf(root) : [];
  checkSize(racks, hostsPerRack);
  return racks;
}

/** Leaf groups in order, each with the spine it hangs on. */
function racksOf(root: Group): Rack[] {
  const leaves = leavesOf(root, {});
  const names = leaves.map(({ group }) => group.name);
  const isUnique = (name: string): boolean => names.filter((other) => other === name).length === 1;
  const slugs = slugsOf(leaves.map(({ group: { name, path } }) => (isUnique(name) ? name : path)));
  const tops = [...new Set(leaves.map(({ group }) => topOf(group.path)))];
  const topSlugs = slugsOf(tops);
  return leaves.map(({ group, tags }, i) => {
    const top = topOf(group.path);
    const isLeafAtTop = top === group.path;
    const spine = isLeafAtTop ? "spine" : `spine-${topSlugs[tops.indexOf(top)] ?? ""}`;
    return { group, top, slug: slugs[i] ?? "", tags, spine };
  });
}

const topOf = (path: string): string => path.split("/")[0] ?? "";

function leavesOf(
  group: Group,
  inherited: Record<string, string>,
): { group: Group; tags: Record<string, string> }[] {
  const tags = { ...inherited, ...group.assignment };
  return group.groups.length === 0
    ? [{ group, tags }]
    : group.groups.flatMap((child) => leavesOf(child, tags));
}

/** A word for each text, for names of namespaces and hosts: lower case letters, digits, dots and dashes, all different. */
export function slugsOf(texts: readonly string[]): string[] {
  const taken = new Set<string>();
  return texts.map((text) => {
    const word = text.replaceAll(/[^A-Za-z0-9.]+/g, "-").replaceAll(/^[-.]+|[-.]+$/g, "");
    const base = word.slice(0, 40).toLowerCase() || "rack";
    let slug = base;
    for (let n = 2; taken.has(slug); n++) slug = `${base}-${n}`;
    taken.add(slug);
    return slug;
  });
}

function checkSize(racks: readonly Rack[], hostsPerRack: number): void {
  if (racks.length === 0)
    throw new InputError({
      code: "LAB_NO_GROUPS",
      field: "topologies",
      value: [],
      expected: "a topology with a group",
    });
  const listed = racks.reduce((sum, { group }) => sum + Math.max(group.hosts.length, hostsPerRack), 0);
  const spines = new Set(racks.map((rack) => rack.spine)).size;
  if (listed > MAX_HOSTS || spines > MAX_SPINES)
    throw new InputError({
      code: "LAB_TOO_LARGE",
      field: "--hosts-per-rack",
      value: `${listed} hosts, ${spines} spines`,
      expected: `a lab of at most ${MAX_HOSTS} hosts and ${MAX_SPINES} spines`,
    });
}

/** Those that the file lists, filled up with invented ones. */
export function hostNames(rack: Rack, hostsPerRack: number): string[] {
  const listed = rack.group.hosts.map((host) => host.name);
  const invented = Array.from({ length: hostsPerRack }, (_, i) => `${rack.slug}-h${i + 1}`);
  return [...listed, ...invented.filter((name) => !listed.includes(name))].slice(
    0,
    Math.max(listed.length, hostsPerRack),
  );
}
