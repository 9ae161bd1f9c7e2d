// What the cases of the store's conformance suite work with.
import type { Operation, Store, TxnResult, WatchEvent, WatchMessage } from "../../src/io/store/store.ts";

export type Subject = {
  readonly store: Store;
  /** Of the case alone: the store may hold other keys, its revision may be any, and others may write to it meanwhile. */
  readonly prefix: string;
  /** Lets `seconds` pass for the store: on a fake clock, or by waiting. */
  readonly pass: (seconds: number) => Promise<void>;
  /** Aborts when the case is over. */
  readonly signal: AbortSignal;
};

export type StoreCase = {
  /** A sentence: what a store does. */
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
};

export const put = (key: string, value = "", lease?: string): Operation => ({
  kind: "put",
  key,
  value,
  ...(lease === undefined ? {} : { lease }),
});
export const remove = (key: string): Operation => ({ kind: "delete", key });

/** Commits without compares; the revision. */
export async function commit(store: Store, ...operations: readonly Operation[]): Promise<number> {
  return committed(await store.txn([], operations));
}

export function committed(result: TxnResult): number {
  if (result.kind === "conflict") throw new Error(`conflict: compares ${result.failed.join(", ")} failed`);
  return result.revision;
}

export const keyOf = (event: WatchEvent): string => (event.kind === "put" ? event.entry.key : event.key);
export const revisionOf = (event: WatchEvent): number =>
  event.kind === "put" ? event.entry.revision : event.revision;

/** One watch, read as the case goes on. */
export interface Follower {
  /** The next message that is no progress. */
  next(): Promise<WatchMessage | "ended">;
  /** Events, message by message, until there are `count`. */
  batches(count: number): Promise<readonly (readonly WatchEvent[])[]>;
  events(count: number): Promise<readonly WatchEvent[]>;
  /** Reads until all is told up to `revision`, by its events or as progress; everything but progress. */
  caughtUp(revision: number): Promise<readonly WatchMessage[]>;
  stop(): void;
}

/** Watches the case's prefix from `since` on. */
export function follow({ store, prefix, signal }: Subject, since: number, under = prefix): Follower {
  const end = new AbortController();
  const messages = store
    .watch(under, { since, signal: AbortSignal.any([signal, end.signal]) })
    [Symbol.asyncIterator]();
  const read = async (): Promise<WatchMessage | "ended"> => {
    const { done, value } = (await messages.next()) as IteratorResult<WatchMessage, undefined>;
    return done ? "ended" : value;
  };
  const follower: Follower = {
    async next() {
      for (;;) {
        const message = await read();
        if (message === "ended" || message.kind !== "progress") return message;
      }
    },
    async batches(count) {
      const found: (readonly WatchEvent[])[] = [];
      while (found.flat().length < count) found.push(eventsOf(await follower.next()));
      return found;
    },
    events: async (count) => (await follower.batches(count)).flat(),
    async caughtUp(revision) {
      const before: WatchMessage[] = [];
      for (;;) {
        const message = await read();
        if (message === "ended") throw new Error("the watch ended");
        if (message.kind !== "progress") before.push(message);
        if (message.kind !== "compacted" && message.revision >= revision) return before;
      }
    },
    stop: () => end.abort(),
  };
  return follower;
}

function eventsOf(message: WatchMessage | "ended"): readonly WatchEvent[] {
  if (message !== "ended" && message.kind === "events") return message.events;
  throw new Error(`expected events, not ${JSON.stringify(message)}`);
}
