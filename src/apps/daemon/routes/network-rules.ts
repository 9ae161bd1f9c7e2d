// Changes of what networks give: blackouts, reservations, limits. What other daemons gave before such a change is known when it is answered.
import { topologyKey } from "../../../core/model/keys.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import type { Plan } from "../../../core/ipam/types.ts";
import type { Daemon } from "../daemon.ts";

/**
 * Commits a rule with the guards of the networks that it concerns, and resolves when the state knows everything that was committed before
 * it: from then on, nothing that the rule forbids is given, and whoever has such a thing is in the state.
 */
export async function submitRule<T>(
  { writer, mirror }: Daemon,
  decide: (state: IpamState) => { readonly value: T; readonly plan: Plan },
): Promise<T> {
  const value = await writer.submit((state) => {
    // A network that comes at this moment has a guard of its own, which this change does not touch.
    const topology = {
      kind: "revision",
      key: topologyKey,
      revision: mirror.revisionOf(topologyKey),
    } as const;
    return { ...decide(state), compares: [topology] };
  });
  await mirror.catchUp(mirror.written);
  return value;
}
