// The door for topology documents: all faults at once, or a carved topology.
import type { Fault } from "../../base/errors.ts";
import { isRoutingFault } from "../model/read-routing.ts";
import type { Topology } from "../model/topology.ts";
import { carveTopology } from "./carve.ts";
import { readTopology } from "./read-topology.ts";

export type ParsedTopology =
  | { readonly kind: "valid"; readonly topology: Topology }
  | { readonly kind: "invalid"; readonly faults: readonly Fault[] };

/** A document with more faults than this is not a topology: the rest is left out of the answer. */
const MAX_FAULTS = 500;

/**
 * `document`: JSON as R4 describes it, from whatever text. `previous`: the topology in force, whose groups keep their prefixes.
 * Faults name the place (`topologies[0].map[2].groups[1].name`), the value and what was expected.
 */
export function parseTopology(document: unknown, previous?: Topology): ParsedTopology {
  const faults: Fault[] = [];
  const report = (fault: Fault): void => {
    if (faults.length < MAX_FAULTS) faults.push(fault);
  };
  // A document with faults is carved all the same: whoever mends it wants to know now that its groups do not fit either.
  const topology = carveTopology(readTopology(document, report), previous, report);
  return faults.length > 0 ? { kind: "invalid", faults } : { kind: "valid", topology };
}

/**
 * What a daemon answers, which may be of another version: a routing that is not understood stays `unread`, since the prefixes beside it hold.
 * `undefined`: it cannot be read.
 */
export function parseToldTopology(document: unknown): Topology | undefined {
  let isWhole = true;
  const report = (fault: Fault): void => {
    if (!isRoutingFault(fault)) isWhole = false;
  };
  const topology = carveTopology(readTopology(document, report), undefined, report);
  return isWhole ? topology : undefined;
}
