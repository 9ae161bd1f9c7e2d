// What the running lab is, asked of the daemon and of the kernels: the ground of the report. Never judges.
import { UnavailableError } from "../../../base/errors.ts";
import type { BlockList, HostList, TopologyDocument } from "../../../core/api/types.ts";
import type { Topology } from "../../../core/model/topology.ts";
import { ROMANA_PROTOCOL, type Route } from "../../../core/netlink/types.ts";
import { parseTopology } from "../../../core/topology/parse-topology.ts";
import { allOf } from "../../../base/all-of.ts";
import type { Lab } from "../lab.ts";
import type { HostState, PodState } from "../state.ts";

export type NodeRoutes = {
  readonly node: string;
  readonly role: "host" | "tor" | "spine";
  /** Those that Romana made: protocol 82 in any table. */
  readonly routes: readonly Route[];
};

export type Facts = {
  readonly topology: Topology;
  readonly blocks: BlockList["blocks"];
  readonly registered: HostList["hosts"];
  readonly hosts: readonly HostState[];
  readonly pods: readonly PodState[];
  readonly nodes: readonly NodeRoutes[];
};

export async function gatherFacts(lab: Lab): Promise<Facts> {
  const [document, { blocks }, { hosts: registered }, nodes] = await Promise.all([
    lab.api.call<TopologyDocument>("GET", "/topology"),
    lab.api.call<BlockList>("GET", "/blocks"),
    lab.api.call<HostList>("GET", "/hosts"),
    gatherRoutes(lab),
  ]);
  const { hosts, pods } = lab.state;
  return { topology: carved(document), blocks, registered, hosts, pods, nodes };
}

/** The daemon's document carries every prefix, so it parses as it was carved. UnavailableError `LAB_TOPOLOGY`. */
function carved({ networks, topologies }: TopologyDocument): Topology {
  const parsed = parseTopology({ networks, topologies });
  if (parsed.kind === "valid") return parsed.topology;
  throw new UnavailableError({ code: "LAB_TOPOLOGY", faults: parsed.faults });
}

export async function gatherRoutes(lab: Lab): Promise<NodeRoutes[]> {
  const nodes = lab.plan.nodes.flatMap(({ name, role }) => (role === "daemon" ? [] : [{ node: name, role }]));
  return allOf(nodes, async ({ node, role }) => ({ node, role, routes: await romanaRoutes(lab, node) }));
}

/** Routes in a node's kernel that Romana made. */
export async function romanaRoutes(lab: Lab, node: string): Promise<Route[]> {
  const kernel = await lab.helper.kernel(lab.netns(node));
  try {
    const routes = [...(await kernel.routes(4)), ...(await kernel.routes(6))];
    return routes.filter((route) => route.protocol === ROMANA_PROTOCOL);
  } finally {
    await kernel.close();
  }
}
