// Whether each refusal was true at some moment between request and answer. Only what is certain counts against it.
import type { Given, History, Operation, Request } from "./history.ts";
import { sameHolder } from "./history.ts";
import { Presence } from "./presence.ts";
import type { NameLog, Tenure, Tenures } from "./tenures.ts";
import { shown, type Violation } from "./violations.ts";

type Allocate = Extract<Request, { kind: "allocate" }>;
type Release = Extract<Request, { kind: "release" }>;

/** What may be there or not, by name. */
export type Presences = {
  readonly hosts: ReadonlyMap<string, Presence>;
  readonly blackouts: ReadonlyMap<string, Presence>;
};

export function presencesOf({ ground, operations }: History): Presences {
  const hosts = new Map(ground.hosts.map((host) => [host, new Presence(true)]));
  const blackouts = new Map<string, Presence>();
  for (const operation of operations) {
    const { request } = operation;
    if (request.kind === "add-host" || request.kind === "remove-host")
      presence(hosts, request.host).note(operation, request.kind === "add-host");
    else if (request.kind === "reserve" || request.kind === "open")
      presence(blackouts, request.cidr).note(operation, request.kind === "reserve");
  }
  return { hosts, blackouts };
}

function presence(map: Map<string, Presence>, key: string): Presence {
  const known = map.get(key) ?? new Presence();
  map.set(key, known);
  return known;
}

export function checkRefusals(history: History, tenures: Tenures, presences: Presences): Violation[] {
  const byIp = Map.groupBy(
    tenures.all.flatMap((tenure) => tenure.ips.map((ip) => ({ ip, tenure }))),
    ({ ip }) => ip,
  );
  const holdersOf = (ip: string): Tenure[] => (byIp.get(ip) ?? []).map(({ tenure }) => tenure);
  return history.operations.flatMap((operation) => {
    const { request, outcome } = operation;
    if (outcome.kind !== "refused") return [];
    if (request.kind === "release")
      return releaseRefused(operation, request, outcome.code, tenures, holdersOf);
    if (request.kind === "allocate")
      return allocationRefused(operation, request, outcome.code, tenures, presences);
    return [];
  });
}

// long: one case a code
function releaseRefused(
  operation: Operation,
  request: Release,
  code: string,
  { names }: Tenures,
  holdersOf: (ip: string) => readonly Tenure[],
): Violation[] {
  const candidates =
    request.name === undefined ? holdersOf(request.ip ?? "") : (names.get(request.name)?.tenures ?? []);
  const held = candidates.find((tenure) => isHeldDuring(tenure, operation));
  if (!held) return [];
  const isWrong =
    code === "ADDRESS_UNKNOWN" ||
    (code === "RELEASE_STALE" && held.sequence === request.sequence) ||
    (code === "RELEASE_FOREIGN" && held.host === request.host);
  return isWrong ? [refusal(operation, code, held)] : [];
}

function allocationRefused(
  operation: Operation,
  request: Allocate,
  code: string,
  { names }: Tenures,
  { hosts }: Presences,
): Violation[] {
  if (code === "NAME_TAKEN" && !mayBeTaken(operation, request, names.get(request.name)))
    return [refusal(operation, code)];
  if (code === "HOST_UNKNOWN" && hosts.get(request.host)?.isCertain(operation.start, operation.end) === true)
    return [refusal(operation, code)];
  return [];
}

/** Somebody with other wishes may have the name at some moment of it. */
function mayBeTaken(operation: Operation, request: Allocate, log: NameLog | undefined): boolean {
  if (!log) return false;
  const differs = (other: Given | Allocate): boolean =>
    !sameHolder(other, request) || (request.ips ?? []).some((ip) => !(other.ips ?? [ip]).includes(ip));
  return (
    log.tenures.some((tenure) => mayBeHeldDuring(tenure, operation) && differs(tenure)) ||
    log.doubtful.some(
      (each) =>
        each.request.kind === "allocate" &&
        each.start < operation.end &&
        (differs(each.request) || request.ips !== undefined),
    )
  );
}

const isHeldDuring = ({ knownAt, heldTo }: Tenure, { start, end }: Operation): boolean =>
  knownAt <= start && heldTo >= end;

const mayBeHeldDuring = ({ createdFrom, goneBy }: Tenure, { start, end }: Operation): boolean =>
  createdFrom <= end && goneBy >= start;

function refusal({ request, start, end }: Operation, code: string, held?: Tenure): Violation {
  const when = `${shown(start)} to ${shown(end)}`;
  const holder = held ? `, though ${held.name} (${held.sequence}) was held` : "";
  return { rule: "refused-wrongly", what: `${code} to ${JSON.stringify(request)} ${when}${holder}` };
}
