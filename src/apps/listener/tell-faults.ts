// Says what is wrong with nodes once, and again only when it has changed.
import type { Log } from "../../base/log.ts";
import type { NodeFault } from "./desired-hosts.ts";

/** Called with all that is wrong now. */
export function createTeller(log: Log): (faults: readonly NodeFault[]) => void {
  let told = new Set<string>();
  return (faults) => {
    const now = new Map(faults.map((fault) => [`${fault.node} ${fault.reason} ${fault.message}`, fault]));
    for (const [key, { node, reason, message }] of now)
      if (!told.has(key)) log.warn(message, { node, reason });
    told = new Set(now.keys());
  };
}
