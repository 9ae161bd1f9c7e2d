// The store at the end against what was acknowledged: nothing lost, nothing that nobody asked for.
import { type Given, type History, sameHolder } from "./history.ts";
import type { Tenures } from "./tenures.ts";
import { shown, type Violation } from "./violations.ts";

export function checkFinal({ operations, final }: History, { names, all }: Tenures): Violation[] {
  const left = new Set(final.addresses.map(keyOf));
  const told = new Set<string>();
  for (const { outcome } of operations) if (outcome.kind === "given") told.add(keyOf(outcome));
  const lost = all.filter(
    (tenure) => tenure.heldTo >= final.end && tenure.knownAt <= final.start && !left.has(keyOf(tenure)),
  );
  const unasked = final.addresses.filter(
    (given) => !told.has(keyOf(given)) && !isDoubtful(given, names.get(given.name)),
  );
  return [
    ...lost.map((tenure): Violation => ({
      rule: "lost",
      what: `${keyOf(tenure)} ${tenure.ips.join()}: told at ${shown(tenure.knownAt)}, never released`,
    })),
    ...unasked.map((given): Violation => ({ rule: "unasked", what: `${keyOf(given)} ${given.ips.join()}` })),
  ];
}

/** Somebody asked for it and was not told. */
const isDoubtful = (given: Given, log: ReturnType<Tenures["names"]["get"]>): boolean =>
  log?.doubtful.some(({ request }) => request.kind === "allocate" && sameHolder(request, given)) ?? false;

const keyOf = ({ name, sequence }: Given): string => `${name} ${sequence}`;
