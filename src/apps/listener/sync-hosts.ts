// One pass: the nodes as hosts of the daemon. Whatever was done or missed before, after it the daemon knows the cluster's nodes, or the
// faults say which of them not and why.
import { allOf } from "../../base/all-of.ts";
import { InputError } from "../../base/errors.ts";
import type { HostReply } from "../../core/api/types.ts";
import type { DaemonClient } from "../../io/daemon/daemon-client.ts";
import { type DesiredHost, desiredHosts, isMadeHere, type NodeFault } from "./desired-hosts.ts";
import type { Metrics } from "./metrics.ts";
import { planHosts } from "./plan-hosts.ts";
import type { NodeView } from "./read-node.ts";

export type SyncHostsDeps = {
  readonly daemon: Pick<DaemonClient, "hosts" | "putHost" | "removeHost">;
  readonly metrics: Metrics;
};

/** UnavailableError: the daemon did not do its part; what is not done yet is done by the next pass. */
export async function syncHosts(
  nodes: ReadonlyMap<string, NodeView>,
  { daemon, metrics }: SyncHostsDeps,
): Promise<readonly NodeFault[]> {
  const { hosts: desired, faults } = desiredHosts(nodes.values());
  const observed = await daemon.hosts();
  const plan = planHosts(desired, observed, (name) => nodes.has(name));
  for (const name of plan.remove) {
    await removeHost(daemon, name);
    metrics.changes.inc({ change: "removed" });
  }
  const { known, refused } = await putHosts(plan.put, daemon, metrics);
  const now = new Map([...observed, ...known].map((host) => [host.name, host]));
  for (const name of plan.remove) now.delete(name);
  const made = [...now.values()].filter(isMadeHere);
  metrics.hosts.set(made.length);
  return [...faults, ...plan.foreign.map(foreignHost), ...refused, ...made.flatMap(groupFault)];
}

/** Another listener, or an operator, may have been faster. */
async function removeHost(daemon: SyncHostsDeps["daemon"], name: string): Promise<void> {
  try {
    await daemon.removeHost(name);
  } catch (error) {
    if (!(error instanceof InputError) || error.status !== 404) throw error;
  }
}

type Put = { readonly known: HostReply[]; readonly refused: NodeFault[] };

/** What is refused is tried once more after the others: an address may have been given free by one of them. */
async function putHosts(
  wanted: readonly DesiredHost[],
  daemon: SyncHostsDeps["daemon"],
  metrics: Metrics,
): Promise<Put> {
  const put = async (host: DesiredHost): Promise<HostReply | NodeFault> => {
    try {
      const known = await daemon.putHost(host);
      metrics.changes.inc({ change: "put" });
      return known;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return {
        node: host.name,
        reason: "Refused",
        message: `Romana's daemon refuses this node: ${error.message}`,
      };
    }
  };
  const first = await allOf(wanted, put);
  const refused = new Set(first.filter(isFault).map(({ node }) => node));
  const second = await allOf(
    wanted.filter(({ name }) => refused.has(name)),
    put,
  );
  const all = [...first.filter(isHost), ...second];
  return { known: all.filter(isHost), refused: all.filter(isFault) };
}

const isHost = (each: HostReply | NodeFault): each is HostReply => "groups" in each;
const isFault = (each: HostReply | NodeFault): each is NodeFault => !isHost(each);

const foreignHost = (node: string): NodeFault => ({
  node,
  reason: "ForeignHost",
  message:
    "Romana's daemon has a host of this name that was not made from this node: remove it (romana host remove), and it is made anew",
});

function groupFault({ name, groups }: HostReply): NodeFault[] {
  if (!groups.includes(null)) return [];
  const message =
    "no prefix group of the topology takes this node, so its pods get no addresses: compare `assignment` with the node's labels";
  return [{ node: name, reason: "NoGroup", message }];
}
