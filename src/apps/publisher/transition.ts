// What BIRD was told last, so that the prefixes before and those after stand side by side for a moment.
import { type Clock, Seconds } from "../../base/clock.ts";
import { linger, nothingLingers } from "../../core/bird/linger.ts";
import type { Cidr } from "../../core/net/cidr.ts";

/** Far longer than routers need to take what came; it goes with the next look at BIRD after that. */
const SIDE_BY_SIDE = Seconds(1);

export interface Transition {
  /** What stays beside these. */
  beside(wanted: readonly Cidr[]): readonly Cidr[];
  /** BIRD has them, and what was beside. */
  done(wanted: readonly Cidr[]): void;
}

export function createTransition(clock: Clock): Transition {
  let announced: readonly Cidr[] = [];
  let lingering = nothingLingers;
  const prefixes = (): Cidr[] => [...lingering.values()].map(({ prefix }) => prefix);
  return {
    beside(wanted) {
      lingering = linger(announced, lingering, wanted, { now: clock.monotonic(), most: SIDE_BY_SIDE });
      return prefixes();
    },
    done(wanted) {
      announced = [...wanted, ...prefixes()];
    },
  };
}
