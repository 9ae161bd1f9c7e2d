// Who keeps seeing a pod's own address (R15, `--nat`): the pods of all networks, the hosts that this node knows, and who is named.
import type { Masquerade } from "../../../core/desired/masquerade.ts";
import type { Mirror } from "../../../core/desired/mirror.ts";
import { hostCidr } from "../../../core/net/cidr.ts";
import { type AgentConfig, parseCidrs } from "../config.ts";

/** Computed anew for each revision of the world. */
export function createMasquerade(
  { nat, natInterface, natExceptions }: Pick<AgentConfig, "nat" | "natInterface" | "natExceptions">,
  { mirror }: { readonly mirror: Pick<Mirror, "snapshot" | "synced"> },
): () => Masquerade | undefined {
  if (!nat) return () => undefined;
  const exceptions = parseCidrs("--nat-exceptions", natExceptions);
  let made: { readonly revision: number; readonly masquerade: Masquerade } | undefined;
  return () => {
    // While nobody is known all would be strangers.
    if (!mirror.synced) return undefined;
    const { revision, topology, hosts } = mirror.snapshot;
    if (made?.revision === revision) return made.masquerade;
    const known = [
      ...exceptions,
      ...topology.networks.map(({ cidr }) => cidr),
      ...[...hosts.values()].flatMap(({ ips }) => ips.map(hostCidr)),
    ];
    const masquerade = { known, outInterface: natInterface };
    made = { revision, masquerade };
    return masquerade;
  };
}
