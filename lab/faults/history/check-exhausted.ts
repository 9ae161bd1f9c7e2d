// "Exhausted" is true only where, at some moment of the request, every block may have been somebody's and every address of the asker's own
// blocks may have been in use. Cooling keeps nothing from who gets nothing else. IPv4 networks of one group.
import { containsIp, parseCidr } from "../../../src/core/net/cidr.ts";
import { parseIp } from "../../../src/core/net/ip.ts";
import { rangeOf } from "../../../src/core/net/range.ts";
import { type Ground, type History, type Operation, type Request, sameHolder } from "./history.ts";
import type { Presences } from "./check-refusals.ts";
import type { Presence } from "./presence.ts";
import type { Tenure, Tenures } from "./tenures.ts";
import { shown, type Violation } from "./violations.ts";

type Allocate = Extract<Request, { kind: "allocate" }>;
type Small = Ground["small"][number];
/** Those who ever had the address, and what ever reserved it. */
type Slot = { readonly holders: Tenure[]; readonly blackouts: readonly Presence[] };
type Block = readonly Slot[];

/** Microseconds after which nothing that a client gave up on takes effect any more: ten times the daemon's own deadlines. */
const SETTLED = 60e6;

export function checkExhausted(
  { ground, operations }: History,
  tenures: Tenures,
  { blackouts }: Presences,
): Violation[] {
  return ground.small.flatMap((small) => {
    const blocks = blocksOf(small, tenures.all, blackouts);
    const doubtful = [...tenures.names.values()]
      .flatMap((log) => log.doubtful)
      .filter(({ request }) => request.kind === "allocate" && request.tenant === small.tenant);
    return operations.flatMap((operation) => {
      const { request, outcome } = operation;
      if (outcome.kind !== "refused" || outcome.code !== "EXHAUSTED") return [];
      if (request.kind !== "allocate" || request.tenant !== small.tenant) return [];
      const free = freeFor(request, operation, blocks);
      if (free <= maybeElsewhere(doubtful, operation, tenures)) return [];
      const what = `${JSON.stringify(request)}: ${free} places were free from ${shown(operation.start)}`;
      return [{ rule: "exhausted-wrongly", what: `${what} to ${shown(operation.end)}` } as const];
    });
  });
}

function blocksOf(
  { cidr, blockMask }: Small,
  all: readonly Tenure[],
  blackouts: Presences["blackouts"],
): Block[] {
  const { first, last } = rangeOf(parseCidr(cidr));
  const size = 2 ** (32 - blockMask);
  const reserved = [...blackouts].map(([text, presence]) => ({ cidr: parseCidr(text), presence }));
  const slots = Array.from({ length: Number(last - first) + 1 }, (_, i): Slot => {
    const ip = { family: 4, value: first + BigInt(i) } as const;
    const over = reserved.filter((each) => containsIp(each.cidr, ip));
    return { holders: [], blackouts: over.map(({ presence }) => presence) };
  });
  for (const tenure of all)
    for (const ip of tenure.ips)
      if (!ip.includes(":")) slots[Number(parseIp(ip).value - first)]?.holders.push(tenure);
  return Array.from({ length: slots.length / size }, (_, i) => slots.slice(i * size, (i + 1) * size));
}

/** Blocks that nobody can have had a part of, and addresses of own blocks that nobody can have had. */
function freeFor(request: Allocate, operation: Operation, blocks: readonly Block[]): number {
  let free = 0;
  for (const block of blocks) {
    const isUsed = block.some(({ holders }) => holders.some((each) => mayHold(each, operation)));
    const isOwn = block.some(({ holders }) =>
      holders.some((each) => sameHolder(each, request) && holds(each, operation)),
    );
    const open = block.filter((slot) => isOpen(slot, operation)).length;
    if (!isUsed && open > 0) free++;
    else if (isOwn) free += open;
  }
  return free;
}

const isOpen = ({ holders, blackouts }: Slot, operation: Operation): boolean =>
  !holders.some((each) => mayHold(each, operation)) &&
  blackouts.every((each) => each.isAbsent(operation.start, operation.end));
const mayHold = ({ createdFrom, goneBy }: Tenure, { start, end }: Operation): boolean =>
  createdFrom <= end && goneBy >= start;
const holds = ({ knownAt, heldTo }: Tenure, { start, end }: Operation): boolean =>
  knownAt <= start && heldTo >= end;

/** Allocations that nobody was told of, which may have taken any place. */
function maybeElsewhere(
  doubtful: readonly Operation[],
  { start, end }: Operation,
  { names }: Tenures,
): number {
  return doubtful.filter((each) => {
    if (each.start > end || each.request.kind !== "allocate") return false;
    const { name } = each.request;
    const isTold = names.get(name)?.tenures.some((tenure) => tenure.knownAt > each.start) ?? false;
    return !isTold || each.end + SETTLED >= start;
  }).length;
}
