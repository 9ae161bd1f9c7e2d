// Which endpoints are nobody's any more: the container runtime does not know their sandbox, and has not for a grace period.
import type { Duration } from "../../../base/clock.ts";
import type { AgentEndpoint } from "../endpoints.ts";

/** By name. */
export type Missed = ReadonlyMap<string, { readonly sequence: number; readonly since: number }>;

export type Look = {
  readonly endpoints: readonly AgentEndpoint[];
  /** Of all sandboxes that the runtime has. */
  readonly sandboxes: ReadonlySet<string>;
  /** Monotonic milliseconds. */
  readonly now: number;
  readonly grace: Duration;
};

/**
 * `strays`: missed in this look and in all since one that is `grace` ago. A sandbox that is being made is not known to its runtime while its ADD runs,
 * nor for a while after. An endpoint without a pod came from somebody who is no CRI. A runtime that has no sandbox at all
 * has not said that nothing is in use.
 */
export function lookForStrays(
  { endpoints, sandboxes, now, grace }: Look,
  before: Missed,
): { readonly missed: Missed; readonly strays: readonly AgentEndpoint[] } {
  const unknown = endpoints.filter(
    ({ pod, containerId }) => pod !== undefined && !sandboxes.has(containerId),
  );
  const missed = new Map(
    (sandboxes.size === 0 ? [] : unknown).map(({ name, sequence }) => {
      const known = before.get(name);
      return [name, { sequence, since: known?.sequence === sequence ? known.since : now }];
    }),
  );
  const isDue = (since: number | undefined): boolean => since !== undefined && now - since >= grace;
  return { missed, strays: unknown.filter(({ name }) => isDue(missed.get(name)?.since)) };
}
