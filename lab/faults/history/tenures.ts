// The lives of addresses that a history speaks of. A tenure is one allocation, known by name and sequence number; of each follows when it
// was certainly alive, when it was certainly gone, and when it may have begun. All else that is judged stands on these bounds.
import {
  type Given,
  type History,
  lastEffect,
  mayHaveWorked,
  type Operation,
  sameHolder,
} from "./history.ts";

export type Tenure = Given & {
  /** The earliest moment at which it may have begun. */
  readonly createdFrom: number;
  /** When the first who was told of it knew: from here on it was certainly alive. */
  readonly knownAt: number;
  /** It was told between these: somewhere in between it was alive. */
  readonly toldFrom: number;
  /** When the last who was told of it asked: it was alive then or later. */
  readonly aliveAt: number;
  /** From `knownAt` to here it was certainly alive; before `knownAt` where nothing is certain. */
  readonly heldTo: number;
  /** From here on it was certainly gone; Infinity where it may still be alive. */
  readonly goneBy: number;
};

/** Everything about one name. */
export type NameLog = {
  readonly tenures: readonly Tenure[];
  /** Allocations whose outcome is not known. */
  readonly doubtful: readonly Operation[];
};

export type Tenures = { readonly names: ReadonlyMap<string, NameLog>; readonly all: readonly Tenure[] };

type Acks = { readonly given: Given; readonly operations: Operation[] };
type Draft = { acks: Map<number, Acks>; doubtful: Operation[]; releases: Operation[]; absent: Operation[] };
type Ends = {
  readonly byName: Map<string, Draft>;
  /** Releases by address. */
  readonly byIp: Map<string, Operation[]>;
  readonly removals: Map<string, Operation[]>;
};

/** The final state counts as told to somebody. */
export function tenuresOf(history: History): Tenures {
  const ends: Ends = { byName: new Map(), byIp: new Map(), removals: new Map() };
  for (const operation of history.operations) sort(ends, operation);
  for (const operation of finalOperations(history)) sort(ends, operation);
  const names = new Map<string, NameLog>();
  const all: Tenure[] = [];
  for (const [name, draft] of ends.byName) {
    const tenures = [...draft.acks.values()].map((acks) => tenureOf(acks, draft, ends));
    names.set(name, { tenures, doubtful: draft.doubtful });
    for (const tenure of tenures) all.push(tenure);
  }
  return { names, all };
}

function* finalOperations({ final: { start, end, addresses } }: History): Generator<Operation> {
  for (const given of addresses)
    yield {
      ...{ client: "final", start, end },
      request: { kind: "allocate", ...given },
      outcome: { kind: "given", ...given },
    };
}

function sort(ends: Ends, operation: Operation): void {
  const { request, outcome } = operation;
  if (request.kind === "allocate") {
    const draft = draftOf(ends, request.name);
    if (outcome.kind === "given") acksOf(draft, outcome).push(operation);
    else if (outcome.kind === "unknown") draft.doubtful.push(operation);
  } else if (request.kind === "release") {
    if (request.name !== undefined) sortRelease(draftOf(ends, request.name), operation);
    else if (mayHaveWorked(operation)) listOf(ends.byIp, request.ip ?? "").push(operation);
  } else if (request.kind === "remove-host" && mayHaveWorked(operation))
    listOf(ends.removals, request.host).push(operation);
}

function sortRelease(draft: Draft, operation: Operation): void {
  const { outcome } = operation;
  if (mayHaveWorked(operation)) draft.releases.push(operation);
  else if (outcome.kind === "refused" && outcome.code === "ADDRESS_UNKNOWN") draft.absent.push(operation);
}

function draftOf({ byName }: Ends, name: string): Draft {
  const known = byName.get(name);
  if (known) return known;
  const draft: Draft = { acks: new Map(), doubtful: [], releases: [], absent: [] };
  byName.set(name, draft);
  return draft;
}

function acksOf(draft: Draft, given: Given): Operation[] {
  const known = draft.acks.get(given.sequence);
  if (known) return known.operations;
  const acks: Acks = { given, operations: [] };
  draft.acks.set(given.sequence, acks);
  return acks.operations;
}

function listOf<K>(map: Map<K, Operation[]>, key: K): Operation[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}

function tenureOf({ given, operations }: Acks, draft: Draft, ends: Ends): Tenure {
  const { name, host, tenant, segment, ips, sequence } = given;
  let [knownAt, toldFrom, aliveAt] = [Infinity, Infinity, -Infinity];
  for (const { start, end } of operations) {
    if (end < knownAt) [knownAt, toldFrom] = [end, start];
    aliveAt = Math.max(aliveAt, start);
  }
  const createdFrom = earliestBirth(given, operations, draft.doubtful, knownAt);
  const releases = endings(given, draft, ends);
  let heldTo = Infinity;
  let goneBy = Infinity;
  for (const release of releases) {
    // What was over before the last sign of life did not end it.
    if (lastEffect(release) >= Math.max(aliveAt, createdFrom))
      heldTo = Math.min(heldTo, Math.max(release.start, aliveAt));
    if (endsFor(release, sequence, knownAt)) goneBy = Math.min(goneBy, release.end);
  }
  for (const { start, end } of draft.absent) if (start >= knownAt) goneBy = Math.min(goneBy, end);
  const owner = { name, host, tenant, segment, ips, sequence };
  return { ...owner, createdFrom, knownAt, toldFrom, aliveAt, heldTo, goneBy };
}

function earliestBirth(
  given: Given,
  acks: readonly Operation[],
  doubtful: readonly Operation[],
  knownAt: number,
): number {
  let first = Infinity;
  for (const { start } of acks) first = Math.min(first, start);
  for (const { request, start } of doubtful)
    if (start < knownAt && request.kind === "allocate" && sameHolder(request, given))
      first = Math.min(first, start);
  return first;
}

/** Whatever may have ended this tenure. */
function endings(given: Given, draft: Draft, { byIp, removals }: Ends): Operation[] {
  const own = draft.releases.filter(({ request }) => isRelease(request, given));
  const byAddress = given.ips.flatMap((ip) => byIp.get(ip) ?? []);
  return [
    ...own,
    ...byAddress.filter(({ request }) => isRelease(request, given)),
    ...(removals.get(given.host) ?? []),
  ];
}

function isRelease(request: Operation["request"], { sequence, host }: Given): boolean {
  if (request.kind !== "release") return false;
  const isNumber = request.sequence === undefined || request.sequence === sequence;
  return isNumber && (request.host === undefined || request.host === host);
}

/** A release that was done and that this tenure did not outlive: it names it, or it began when the tenure was known to be alive. */
function endsFor({ request, outcome, start }: Operation, sequence: number, knownAt: number): boolean {
  if (outcome.kind !== "done") return false;
  const isNamed = request.kind === "release" && request.sequence === sequence;
  return isNamed || start >= knownAt;
}
