// The data centre that a tree of groups stands for. R4 names no routers, so they are invented here, once for the lab that builds
// them and for the plan that counts their routes: a top-of-rack router per leaf group, a spine per group at the top.
import type { Group } from "../model/topology.ts";

/** A leaf group, whose hosts share a segment of the network. */
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

/** A router's place, without addresses. Every spine reaches what every other one owns through that. */
export type RackRouter = {
  readonly name: string;
  readonly role: "tor" | "spine";
  /** Paths of the groups whose prefixes it answers for: what of them nobody has is discarded here. */
  readonly owns: readonly string[];
  /** Paths of the racks of a spine. */
  readonly below: readonly string[];
};

/** A rack per leaf group below `root`, in order. */
export function racksOf(root: Group): Rack[] {
  const leaves = leavesOf(root, {});
  const uses = new Map<string, number>();
  for (const { group } of leaves) uses.set(group.name, (uses.get(group.name) ?? 0) + 1);
  const slugs = slugsOf(leaves.map(({ group: { name, path } }) => (uses.get(name) === 1 ? name : path)));
  const tops = [...new Set(leaves.map(({ group }) => topOf(group.path)))];
  const topSlugs = new Map(slugsOf(tops).map((slug, i) => [tops[i], slug]));
  return leaves.map(({ group, tags }, i) => {
    const top = topOf(group.path);
    const spine = top === group.path ? "spine" : `spine-${topSlugs.get(top) ?? ""}`;
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

/** Top-of-rack routers, then spines. */
export function routersOf(racks: readonly Rack[]): RackRouter[] {
  const tors = racks.map((rack): RackRouter => ({
    name: torName(rack),
    role: "tor",
    owns: [rack.group.path],
    below: [],
  }));
  const spines = Map.groupBy(racks, ({ spine }) => spine);
  return [
    ...tors,
    ...[...spines].map(([name, own]): RackRouter => ({
      ...{ name, role: "spine" },
      owns: [...new Set(own.map(({ top }) => top))],
      below: own.map(({ group }) => group.path),
    })),
  ];
}

export const torName = ({ slug }: Rack): string => `tor-${slug}`;

/** A word for each text, for names of namespaces and hosts: lower case letters, digits, dots and dashes, all different. */
export function slugsOf(texts: readonly string[]): string[] {
  const uses = new Map<string, number>();
  return texts.map((text) => {
    const word = text.replaceAll(/[^A-Za-z0-9.]+/g, "-").replaceAll(/^[-.]+|[-.]+$/g, "");
    const base = word.slice(0, 40).toLowerCase() || "rack";
    let slug = base;
    for (let n = uses.get(base) ?? 1; uses.has(slug); uses.set(base, n)) slug = `${base}-${++n}`;
    uses.set(slug, 1);
    return slug;
  });
}
