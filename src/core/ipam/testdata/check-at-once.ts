// A check of a state that stands still.
import { check, type CheckOptions, type Finding } from "../check.ts";
import type { IpamState } from "../state.ts";

export function checkAtOnce(state: IpamState, options: CheckOptions): Finding[] {
  const steps = check(state, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
