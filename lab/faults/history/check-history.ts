// Decides whether a history is one that a correct IPAM could have produced. Pure. Judged by intervals for each address and each name, not by a
// search for an order: nearly linear in the operations. It never accuses wrongly; what it can not see is in docs/design/faults.md.
import { checkExhausted } from "./check-exhausted.ts";
import { checkFinal } from "./check-final.ts";
import { checkHolders } from "./check-holders.ts";
import { checkRefusals, presencesOf } from "./check-refusals.ts";
import { checkReplies } from "./check-replies.ts";
import type { History } from "./history.ts";
import { tenuresOf } from "./tenures.ts";
import type { Violation } from "./violations.ts";

/** Empty: a correct IPAM could have produced it. */
export function checkHistory(history: History): Violation[] {
  const tenures = tenuresOf(history);
  const presences = presencesOf(history);
  return [
    ...checkHolders(tenures, history.ground.skew),
    ...checkReplies(history, tenures, presences),
    ...checkRefusals(history, tenures, presences),
    ...checkExhausted(history, tenures, presences),
    ...checkFinal(history, tenures),
  ];
}
