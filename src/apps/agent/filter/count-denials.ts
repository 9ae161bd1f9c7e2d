// Packets that policies kept out, as metrics: read from the kernel when somebody asks for them.
import { UnavailableError } from "../../../base/errors.ts";
import { denialsOf } from "../../../core/desired/denials.ts";
import type { Nftables } from "../../../io/kernel/nftables.ts";
import type { Metrics } from "../metrics.ts";
import type { Share } from "./share.ts";

/** Lists of policies with a series of their own. */
const MOST = 100;

export type DenialDeps = {
  readonly nftables: Pick<Nftables, "counts">;
  readonly share: Pick<Share, "policy">;
  readonly metrics: Metrics;
};

export async function countDenials({ nftables, share, metrics }: DenialDeps): Promise<void> {
  try {
    const counts = share.policy ? await nftables.counts() : [];
    metrics.denied.reset();
    for (const { direction, policies, packets } of share.policy ? denialsOf(share.policy, counts, MOST) : [])
      metrics.denied.inc({ direction, policies }, packets);
  } catch (error) {
    // The other metrics are told all the same.
    if (!(error instanceof UnavailableError)) throw error;
    metrics.failures.inc({ part: "counts" });
  }
}
