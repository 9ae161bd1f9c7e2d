// The recent history of a store and those who follow it. One bounded log for all watchers: each is only a position in it.
import type { WatchEvent, WatchMessage } from "./store.ts";

type Change = { readonly revision: number; readonly events: readonly WatchEvent[] };

export interface ChangeLog {
  /** The changes of one committed transaction, in revision order. */
  append(revision: number, events: readonly WatchEvent[]): void;
  /** Forgets what is up to `revision`. */
  compact(revision: number): void;
  watch(
    prefix: string,
    options: { readonly since: number; readonly signal: AbortSignal },
  ): AsyncGenerator<WatchMessage>;
  /** Ends all watches. */
  close(): void;
}

/** Changes remembered beyond the capacity are dropped, oldest first: a watcher that slow gets `compacted`. `revision`: the store's at start. */
export function createChangeLog(revision: number, capacity = 20_000): ChangeLog {
  let changes: Change[] = [];
  let [compacted, latest, closed] = [revision, revision, false];
  const sleepers = new Set<() => void>();
  const wakeAll = (): void => {
    for (const wake of sleepers) wake();
    sleepers.clear();
  };
  const forget = (count: number): void => {
    compacted = changes[count - 1]?.revision ?? compacted;
    changes = changes.slice(count);
  };
  /** Until something is new, the log closes or the watcher stops. */
  const sleep = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        sleepers.delete(wake);
        resolve();
      };
      sleepers.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  return {
    append(next, events) {
      latest = next;
      changes.push({ revision: next, events });
      if (changes.length > 2 * capacity) forget(changes.length - capacity);
      wakeAll();
    },
    compact(until) {
      forget(after(changes, until));
      compacted = Math.max(compacted, Math.min(until, latest));
      wakeAll();
    },
    async *watch(prefix, { since, signal }) {
      let position = since;
      let told = -1;
      while (!signal.aborted && !closed) {
        if (position < compacted) {
          yield { kind: "compacted", oldest: compacted };
          return;
        }
        const fresh = changes.slice(after(changes, position));
        const reached = Math.max(position, fresh.at(-1)?.revision ?? latest);
        const events = fresh.flatMap((change) =>
          change.events.filter((event) => keyOf(event).startsWith(prefix)),
        );
        position = reached;
        if (events.length > 0) yield { kind: "events", events, revision: reached };
        else if (told < reached) yield { kind: "progress", revision: (told = reached) };
        else await sleep(signal);
      }
    },
    close() {
      closed = true;
      wakeAll();
    },
  };
}

const keyOf = (event: WatchEvent): string => (event.kind === "put" ? event.entry.key : event.key);

/** Index of the first change after `revision`. */
function after(changes: readonly Change[], revision: number): number {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((changes[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
