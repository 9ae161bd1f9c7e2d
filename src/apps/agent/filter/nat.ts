// Who keeps seeing a pod's own address (R15, `--nat`): the pods of all networks, and who is named.
import type { Masquerade } from "../../../core/desired/masquerade.ts";
import type { Mirror } from "../../../core/desired/mirror.ts";
import type { Topology } from "../../../core/model/topology.ts";
import { type AgentConfig, parseCidrs } from "../config.ts";

/** Computed anew for each topology. */
export function createMasquerade(
  { nat, natInterface, natExceptions }: Pick<AgentConfig, "nat" | "natInterface" | "natExceptions">,
  { mirror }: { readonly mirror: Pick<Mirror, "snapshot" | "synced"> },
): () => Masquerade | undefined {
  if (!nat) return () => undefined;
  const exceptions = parseCidrs("--nat-exceptions", natExceptions);
  let made: { readonly topology: Topology; readonly masquerade: Masquerade } | undefined;
  return () => {
    // While nobody is known all would be strangers.
    if (!mirror.synced) return undefined;
    const { topology } = mirror.snapshot;
    if (made?.topology === topology) return made.masquerade;
    const known = [...exceptions, ...topology.networks.map(({ cidr }) => cidr)];
    const masquerade = { known, outInterface: natInterface };
    made = { topology, masquerade };
    return masquerade;
  };
}
