// Puts a topology in place of the present one: validated at one revision and committed only if no block and no address was
// written since.
import { InputError } from "../../base/errors.ts";
import type { IpamState } from "../../core/ipam/state.ts";
import { planTopologyChange } from "../../core/ipam/topology-change.ts";
import type { Conflict, Write } from "../../core/ipam/types.ts";
import { encodeTopology } from "../../core/model/codec-topology.ts";
import type { Topology } from "../../core/model/topology.ts";
import { parseTopology } from "../../core/topology/parse-topology.ts";
import type { Compare } from "../../io/store/store.ts";
import type { Daemon } from "./daemon.ts";
import type { Decision } from "./writer.ts";

/** A write and its compare each, and two compares of prefixes, fit into a transaction. */
const WRITES_AT_ONCE = 45;
/** Conflicts in the refusal itself: an error tells 20 faults. */
const NAMED = 19;
/** Their guards belong into the transaction of the topology. */
const MAX_NETWORKS = 40;

/** Throws InputError: 400 with all faults of the document, 409 with what is in use and would not fit. The same topology again changes nothing. */
export async function applyTopology({ writer, mirror, log }: Daemon, document: unknown): Promise<void> {
  let before = true;
  for (let unfinished = true; unfinished;) {
    unfinished = await writer.submit((state) => {
      const next = parseDocumentOn(state, document);
      // Once it is in place, only hosts that did not fit into its transaction are left.
      const inPlace = encodeTopology(next) === encodeTopology(state.topology);
      if (inPlace && before) return { value: false };
      return decideChange(state, next, mirror.revision);
    });
    before = false;
  }
  const { networks } = mirror.state.topology;
  log.info("topology in place", { networks: networks.length, revision: mirror.revision });
}

/** InputError 400 with all faults of the document. */
export function parseDocumentOn({ topology }: IpamState, document: unknown): Topology {
  const parsed = parseTopology(document, topology);
  if (parsed.kind === "invalid") throw new InputError(parsed.faults);
  const { networks } = parsed.topology;
  if (networks.length <= MAX_NETWORKS) return parsed.topology;
  const expected = `at most ${MAX_NETWORKS} networks`;
  throw new InputError({ code: "NETWORKS", field: "networks", value: networks.length, expected });
}

/** The first writes that fit into a transaction; the value says whether more are left. */
function decideChange(state: IpamState, next: Topology, revision: number): Decision<boolean> {
  const change = planTopologyChange(state, next);
  if (change.kind === "conflict") throw inUse(change.conflicts);
  const writes = firstWrites(change.writes);
  if (writes.length === 0 && change.writes.length > 0) throw tooManyNetworks(change.writes);
  const compares = ["blocks/", "addresses/"].map((part): Compare => ({
    kind: "unchanged-since",
    prefix: `/romana/v3/${part}`,
    revision,
  }));
  return { value: writes.length < change.writes.length, plan: { writes, guards: change.guards }, compares };
}

function tooManyNetworks(writes: readonly Write[]): InputError {
  const value = writes.filter(({ kind }) => kind === "bump-guard").length;
  const expected = `at most ${MAX_NETWORKS} networks that are there, come or go with one change`;
  return new InputError({ code: "NETWORKS", field: "networks", value, expected });
}

/** Blocks before the topology may go alone; the topology, ends of drains and guards go together. */
function firstWrites(writes: readonly Write[]): readonly Write[] {
  const topology = writes.findIndex(({ kind }) => kind === "put-topology");
  const guards = writes.filter(({ kind }) => kind === "bump-guard" || kind === "delete-blackout").length;
  if (topology + 1 + guards <= WRITES_AT_ONCE) return writes.slice(0, WRITES_AT_ONCE);
  return writes.slice(0, Math.min(topology, WRITES_AT_ONCE));
}

/** The first of them, and where the others are told. */
function inUse(conflicts: readonly Conflict[]): InputError {
  const total = conflicts.length;
  const faults = conflicts.slice(0, NAMED).map(({ name, ip, reason }) => ({
    code: "ADDRESS_IN_USE",
    field: "address",
    value: name,
    expected: `a topology that keeps ${ip}: ${reason}`,
  }));
  if (total <= NAMED) return new InputError(faults, 409);
  const expected = `none of ${total} addresses in use outside: POST /topology/plan (topology update --dry-run) names all`;
  return new InputError(
    [...faults, { code: "MORE_CONFLICTS", field: "conflicts", value: total, expected }],
    409,
  );
}
