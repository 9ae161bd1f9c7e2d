// The network under the cluster: two racks with their routers, three nodes and the control plane, each a network namespace wired as
// the lab wires its own. Gives no pod an address or a route: that is Romana's.
import { readdir, readFile } from "node:fs/promises";
import { systemClock } from "../../src/base/clock.ts";
import { BugError } from "../../src/base/errors.ts";
import { buildFabric, netnsPath } from "../../src/apps/lab/fabric.ts";
import { removeNamespaces } from "../../src/apps/lab/namespaces.ts";
import { type FabricPlan, planFabric } from "../../src/apps/lab/plan-fabric.ts";
import type { TopologyDocument } from "../../src/core/api/types.ts";
import { formatIp } from "../../src/core/net/ip.ts";
import { parseTopology } from "../../src/core/topology/parse-topology.ts";
import { parseDocument } from "../../src/io/document/parse-document.ts";
import { isOurs, namespaceOf } from "./place.ts";
import { run } from "./run.ts";

/** The lab's plan has one place beside the racks. */
export const CONTROL = "daemon";
const RACKS: Readonly<Record<string, readonly string[]>> = {
  "rack-1": ["node-1", "node-2"],
  "rack-2": ["node-3"],
};
/** In which the lab's plan gives nodes their addresses; the control plane's lies outside. */
export const NODE_RANGES = ["198.18.0.0/16", "fd1a:b::/48"];
const TOPOLOGY = `${import.meta.dirname}/../topology.yaml`;

export type NodePlan = {
  readonly name: string;
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
};

export const netnsOf = (node: string): string => netnsPath(namespaceOf(node));
export const topologyText = (): Promise<string> => readFile(TOPOLOGY, "utf8");

/** The topology's racks with our nodes in them. */
export async function planNetwork(): Promise<FabricPlan> {
  const document = parseDocument(await readFile(TOPOLOGY), TOPOLOGY) as TopologyDocument;
  let last = 0;
  const place = (groups: Groups): void => {
    for (const group of groups) {
      const names = RACKS[group.name ?? ""];
      if (names) group.groups = names.map((name) => ({ name, ip: `192.0.2.${++last}` }));
      else place(group.groups ?? []);
    }
  };
  for (const tree of document.topologies) place(tree.map);
  const parsed = parseTopology(document);
  if (parsed.kind === "invalid") throw new BugError({ code: "E2E_TOPOLOGY", faults: parsed.faults });
  return planFabric(parsed.topology, { hostsPerRack: 0 });
}
type Groups = { name?: string; groups?: Groups | { name: string; ip: string }[] }[];

export const nodesOf = (plan: FabricPlan): NodePlan[] =>
  plan.hosts.map(({ name, ips, tags }) => ({ name, ips: ips.map(formatIp), labels: tags }));

export const buildNetwork = (plan: FabricPlan): Promise<void> =>
  buildFabric(plan, { run, namespace: namespaceOf });

/** Ends what runs in them, too. */
export async function removeNetwork(): Promise<void> {
  const found = (await readdir("/run/netns").catch(() => [])).filter(isOurs);
  await removeNamespaces(found, { run, clock: systemClock });
}
