// The recent changes of a store and those who follow them. One bounded log serves all watchers, each of them only a position in
// it: a slow consumer costs no memory. What the log has dropped is read from the driver's history, if it keeps one.
import type { UnavailableError } from "../../base/errors.ts";
import { type Gate, createGate } from "./gate.ts";
import type { WatchEvent, WatchMessage } from "./store.ts";

type Change = { readonly revision: number; readonly events: readonly WatchEvent[]; readonly weight: number };

/** Changes after some revision up to `upTo`, whole transactions, those under a prefix. `compacted`: the history starts after it. */
export type HistoryPage = {
  readonly events: readonly WatchEvent[];
  readonly upTo: number;
  readonly compacted: number;
};

export type ChangeLogOptions = {
  /** The store's revision at the start, and what its history starts after. */
  readonly revision: number;
  readonly compacted: number;
  /** Absent: what the log drops is compacted. */
  readonly history?: (prefix: string, after: number) => Promise<HistoryPage>;
  /** Transactions remembered at least, as long as they weigh less than MAX_WEIGHT. */
  readonly capacity?: number;
};

export interface ChangeLog {
  /** What one transaction changed. Revisions only grow. */
  append(revision: number, events: readonly WatchEvent[]): void;
  /** Forgets what is up to `revision`. */
  compact(revision: number): void;
  watch(
    prefix: string,
    options: { readonly since: number; readonly signal: AbortSignal },
  ): AsyncGenerator<WatchMessage>;
  /** Ends all watches with `reason`. */
  close(reason: UnavailableError): void;
}

export const HISTORY_REVISIONS = 10_000;
/** Characters of keys and values. */
const MAX_WEIGHT = 32 * 2 ** 20;
/** In one message: the consumer gets to breathe. */
const MAX_CHANGES = 1000;

type Log = {
  changes: Change[];
  weight: number;
  /** All changes after it are in `changes`. */
  start: number;
  compacted: number;
  latest: number;
  closed: UnavailableError | undefined;
  readonly news: Gate;
  readonly options: ChangeLogOptions;
};

export function createChangeLog(options: ChangeLogOptions): ChangeLog {
  const { revision, compacted } = options;
  const start = options.history ? revision : compacted;
  const news = createGate();
  const log: Log = {
    changes: [],
    weight: 0,
    start,
    compacted,
    latest: revision,
    closed: undefined,
    news,
    options,
  };
  return {
    append(next, events) {
      log.latest = next;
      const weight = events.reduce((sum, event) => sum + weigh(event), 0);
      log.weight += weight;
      log.changes.push({ revision: next, events, weight });
      trim(log, options.capacity ?? HISTORY_REVISIONS);
      news.open();
    },
    compact(until) {
      log.compacted = Math.max(log.compacted, Math.min(until, log.latest));
      drop(log, firstAfter(log.changes, log.compacted));
      news.open();
    },
    watch: (prefix, { since, signal }) => follow(log, prefix, since, signal),
    close(reason) {
      log.closed ??= reason;
      news.open();
    },
  };
}

/** Drops the older half of what is too much, so that the cost of a drop spreads over many appends. */
function trim(log: Log, capacity: number): void {
  let count = log.changes.length > 2 * capacity ? log.changes.length - capacity : 0;
  if (log.weight > 2 * MAX_WEIGHT)
    for (let left = log.weight; left > MAX_WEIGHT && count < log.changes.length - 1; count++)
      left -= log.changes[count]?.weight ?? 0;
  if (count > 0) drop(log, count);
}

function drop(log: Log, count: number): void {
  const dropped = log.changes.slice(0, count);
  log.changes = log.changes.slice(count);
  log.weight -= dropped.reduce((sum, { weight }) => sum + weight, 0);
  log.start = Math.max(log.start, log.compacted, dropped.at(-1)?.revision ?? 0);
  if (!log.options.history) log.compacted = log.start;
}

async function* follow(
  log: Log,
  prefix: string,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<WatchMessage> {
  let position = since;
  let progress = -1;
  while (!signal.aborted) {
    if (log.closed) throw log.closed;
    const page = await readAfter(log, prefix, position);
    if (signal.aborted) return;
    if (position < log.compacted) {
      yield { kind: "compacted", oldest: log.compacted };
      return;
    }
    position = Math.max(position, page.upTo);
    const isCaughtUp = position === log.latest;
    if (page.events.length > 0) yield { kind: "events", events: page.events, revision: position };
    // Events tell how far they reach: progress is for the first time, and for changes elsewhere.
    const isTold = progress >= 0 && (page.events.length > 0 || position === progress);
    if (isCaughtUp) {
      if (!isTold) yield { kind: "progress", revision: position };
      progress = position;
    }
    // Nothing is awaited between the look and the wait, so no news is missed.
    if (position >= log.latest && !log.closed) await log.news.wait(signal);
  }
}

async function readAfter(log: Log, prefix: string, position: number): Promise<HistoryPage> {
  if (position < log.start && position >= log.compacted && log.options.history) {
    const page = await log.options.history(prefix, position);
    log.compacted = Math.max(log.compacted, page.compacted);
    return page;
  }
  const first = firstAfter(log.changes, position);
  const changes = log.changes.slice(first, first + MAX_CHANGES);
  const isWhole = first + changes.length === log.changes.length;
  return {
    events: changes.flatMap(({ events }) => events.filter((event) => keyOf(event).startsWith(prefix))),
    upTo: isWhole ? log.latest : (changes.at(-1)?.revision ?? log.latest),
    compacted: log.compacted,
  };
}

const keyOf = (event: WatchEvent): string => (event.kind === "put" ? event.entry.key : event.key);
const weigh = (event: WatchEvent): number =>
  event.kind === "put" ? event.entry.key.length + event.entry.value.length : event.key.length;

/** Index of the first change after `revision`. */
function firstAfter(changes: readonly Change[], revision: number): number {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((changes[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
