// A host joins: its group in every tree is decided once and kept until it leaves.
import type { Host } from "../model/records.ts";
import { assignHost } from "../topology/assign.ts";
import type { IpamState } from "./state.ts";
import type { Plan } from "./types.ts";

/** A new host gets its groups; a known one keeps them, and gets those that it had none of. */
export function planHostJoin(
  state: IpamState,
  request: Omit<Host, "groups">,
): Plan & { readonly host: Host } {
  const known = state.hosts.get(request.name);
  const groups = state.topology.trees.map(
    (tree, index) =>
      known?.groups[index] ??
      assignHost(tree, request.tags, { name: request.name, hostsPerGroup: hostsPerGroup(state, index) }),
  );
  const host: Host = { ...request, groups };
  // A topology change at the same time would have decided otherwise.
  return {
    host,
    writes: [{ kind: "put-host", host }],
    guards: state.topology.networks.map(({ name: network }) => network),
  };
}

function hostsPerGroup(state: IpamState, tree: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const host of state.hosts.values()) {
    const path = host.groups[tree];
    if (path !== undefined) counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return counts;
}
