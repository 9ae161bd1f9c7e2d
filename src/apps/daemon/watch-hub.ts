// Fans changes out to the agents' streams. Each line is serialized once for all; a watcher that cannot keep up is cut off
// and comes back with its revision. Never reads the store.
import type { WatchLine } from "../../core/api/types.ts";

/** Changes remembered for watchers that resume. */
const RING_SIZE = 65_536;
/** Bytes that may wait for one watcher beyond the snapshot it was sent. */
const MAX_BACKLOG = 8 * 1024 * 1024;

/** Where a watcher's lines go; `pending` is how many bytes have not left yet. */
export type WatchSink = {
  write(chunk: string | Buffer): void;
  pending(): number;
  /** Ends the stream; `cut`: without waiting for what is pending. */
  end(cut: boolean): void;
};

/** A change that agents see, without its revision. */
export type WatchChange = WithoutRevision<Extract<WatchLine, { type: "put" | "delete" }>>;
type WithoutRevision<T> = T extends unknown ? Omit<T, "revision"> : never;

type Change = { readonly revision: number; readonly line: string };
type Watcher = { readonly sink: WatchSink; readonly allowance: number };
type Current = { readonly value: string; readonly line: string };

export class WatchHub {
  readonly #cluster: string;
  readonly #watchers = new Set<Watcher>();
  /** The present state, a line per (kind, key), in the order hosts and blocks came. */
  readonly #current = new Map<string, Current>();
  readonly #ring: Change[] = [];
  /** Changes after this revision are in the ring. */
  #since = 0;
  #revision = 0;
  #snapshot: { readonly revision: number; readonly bytes: Buffer } | undefined;

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Takes the whole state at `revision`: every watcher is sent a reset. */
  reset(revision: number, changes: readonly WatchChange[]): void {
    this.#current.clear();
    this.#ring.length = 0;
    for (const change of changes) this.#note(revision, change);
    this.#since = this.#revision = revision;
    this.#snapshot = undefined;
    for (const watcher of this.#watchers) this.#send(watcher, this.#wholeState());
  }

  /**
   * Takes the changes of whole revisions up to `revision`, in order. The chunk ends in a bookmark: a stream cut in the
   * middle of a revision must not look complete.
   */
  publish(revision: number, changes: readonly WatchChange[]): void {
    this.#revision = revision;
    const lines = changes.flatMap((change) => this.#note(revision, change) ?? []);
    if (lines.length === 0) return;
    this.#snapshot = undefined;
    for (const line of lines) this.#ring.push({ revision, line });
    this.#trimRing();
    const chunk = lines.join("") + toLine({ type: "bookmark", revision });
    for (const watcher of this.#watchers) this.#send(watcher, chunk);
  }

  /** Starts a stream; call the result when the connection is gone. */
  subscribe(from: { since?: number | undefined; cluster?: string | undefined }, sink: WatchSink): () => void {
    const missed = from.cluster === this.#cluster ? this.#changesAfter(from.since) : undefined;
    const first = missed ?? this.#wholeState();
    sink.write(first);
    const watcher = { sink, allowance: first.length + MAX_BACKLOG };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Tells every watcher that it has seen all there is; `behind`: all that is known here, and the store may have more. */
  bookmark(behind = false): void {
    const told = { type: "bookmark", revision: this.#revision } as const;
    const line = Buffer.from(toLine(behind ? { ...told, behind } : told));
    for (const watcher of this.#watchers) this.#send(watcher, line);
  }

  close(): void {
    for (const { sink } of this.#watchers) sink.end(false);
    this.#watchers.clear();
  }

  #send(watcher: Watcher, chunk: string | Buffer): void {
    if (watcher.sink.pending() > watcher.allowance) {
      this.#watchers.delete(watcher);
      watcher.sink.end(true);
    } else watcher.sink.write(chunk);
  }

  /** The change's line, or `undefined` where nothing changes for agents. */
  #note(revision: number, change: WatchChange): string | undefined {
    const key = `${change.kind}/${change.key}`;
    const before = this.#current.get(key);
    if (change.type === "delete") {
      this.#current.delete(key);
      return before && toLine({ ...change, revision });
    }
    const value = JSON.stringify(change.value);
    if (before?.value === value) return undefined;
    const line = toLine({ ...change, revision });
    this.#current.set(key, { value, line });
    return line;
  }

  /** Inclusive, as changes of `since` itself may have been cut off; `undefined`: not remembered. */
  #changesAfter(since: number | undefined): string | undefined {
    if (since === undefined || since < this.#since || since > this.#revision) return undefined;
    const missed = this.#ring.slice(firstAfter(this.#ring, since - 1)).map(({ line }) => line);
    return [toLine({ type: "resume", cluster: this.#cluster }), ...missed, this.#synced()].join("");
  }

  #wholeState(): Buffer {
    if (this.#snapshot?.revision !== this.#revision) {
      const lines = [...this.#current.values()].map(({ line }) => line);
      const all = [toLine({ type: "reset", cluster: this.#cluster }), ...lines, this.#synced()];
      this.#snapshot = { revision: this.#revision, bytes: Buffer.from(all.join("")) };
    }
    return this.#snapshot.bytes;
  }

  #synced(): string {
    return toLine({ type: "synced", revision: this.#revision });
  }

  /** Forgets the older half when full: whole revisions only. */
  #trimRing(): void {
    if (this.#ring.length <= RING_SIZE) return;
    const cut = this.#ring[this.#ring.length >> 1]?.revision ?? 0;
    this.#ring.splice(0, firstAfter(this.#ring, cut));
    this.#since = cut;
  }
}

const toLine = (line: WatchLine): string => `${JSON.stringify(line)}\n`;

/** Index of the first change after `revision`; binary search. */
function firstAfter(ring: readonly Change[], revision: number): number {
  let low = 0;
  let high = ring.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ring[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
