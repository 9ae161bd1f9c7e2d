// What the daemon told of the policies on this node, as the packet filter takes it; and waiting until it speaks of a pod as it is.
import { type Clock, Seconds } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import type { Mirror } from "../../../core/desired/mirror.ts";
import { OPEN_POLICY } from "../../../core/desired/node-ruleset.ts";
import type { NodePolicy } from "../../../core/model/node-policy.ts";
import { formatIp } from "../../../core/net/ip.ts";
import type { AgentEndpoint } from "../endpoints.ts";

/** A pod whose address the daemon gave is told of at once; it is later only where the daemon or the way to it is ill. */
const WITHIN = Seconds(2);

/** As the daemon calls it, too. */
export const podIdOf = ({ name, pod }: Pick<AgentEndpoint, "name" | "pod">): string => pod ?? name;

export interface Share {
  /** `undefined`: nothing was told yet. */
  readonly policy: NodePolicy | undefined;
  /** Lines were taken. Whether somebody who waited goes on now: an ADD, which brings all that was told to the kernel itself. */
  heard(): boolean;
  /** Resolves once the share has the pod with all its addresses. UnavailableError `POLICY_LATE`. */
  has(pod: Pick<AgentEndpoint, "name" | "pod" | "ips">): Promise<void>;
}

export type ShareDeps = { readonly mirror: Pick<Mirror, "policy">; readonly clock: Clock };

/** `isEnforced`: false where policies have no say on this node. */
export function createShare(isEnforced: boolean, { mirror, clock }: ShareDeps): Share {
  /** Each goes on if what it waits for was told. */
  const waiting = new Set<() => boolean>();
  const told = (): NodePolicy | undefined =>
    !isEnforced || mirror.policy === "none" ? OPEN_POLICY : mirror.policy;
  return {
    get policy() {
      return told();
    },
    heard() {
      return [...waiting].filter((look) => look()).length > 0;
    },
    async has(pod) {
      const isTold = (): boolean => {
        const policy = told();
        return policy === OPEN_POLICY || (policy !== undefined && knows(policy, pod));
      };
      if (isTold()) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): boolean => {
        if (isTold()) resolve();
        return isTold();
      };
      waiting.add(look);
      const late = new AbortController();
      await Promise.race([promise, clock.sleep(WITHIN, late.signal).catch(() => undefined)]);
      waiting.delete(look);
      late.abort();
      if (!isTold()) throw tooLate(podIdOf(pod));
    },
  };
}

function knows({ pods }: NodePolicy, pod: Parameters<Share["has"]>[0]): boolean {
  const known = new Set(pods.get(podIdOf(pod))?.ips.map(formatIp));
  return pod.ips.every((ip) => known.has(ip));
}

const tooLate = (pod: string): UnavailableError =>
  new UnavailableError({
    code: "POLICY_LATE",
    message: `the daemon has not told within ${WITHIN / 1000} s which policies ${pod} is under`,
  });
