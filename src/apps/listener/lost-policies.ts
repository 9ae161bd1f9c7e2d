// A daemon whose store lost policies tells nodes nothing of them, so that nobody is let in who was kept out, until it hears that it has all.
import { UnavailableError } from "../../base/errors.ts";
import type { DaemonClient } from "../../io/daemon/daemon-client.ts";
import type { Told } from "./start-telling.ts";

/** What is done each time: asks, has all told anew, and says when that is done. UnavailableError `TELLING`: it is not yet. */
export function createLostPolicies(
  told: readonly Pick<Told, "began" | "isWhole">[],
  daemon: Pick<DaemonClient, "adoption" | "putKubernetesPolicies">,
): () => Promise<void> {
  let isTelling = false;
  return async () => {
    const { policies } = await daemon.adoption();
    if (policies === "known") isTelling = false;
    else if (!isTelling) {
      isTelling = true;
      for (const kind of told) kind.began();
    }
    if (!isTelling) return;
    if (!told.every(({ isWhole }) => isWhole)) throw new UnavailableError({ code: "TELLING" });
    await daemon.putKubernetesPolicies({ complete: true });
    isTelling = false;
  };
}
