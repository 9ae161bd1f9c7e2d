// Fans changes out to the agents' streams, to each what concerns it. Lines are serialized once for all; a watcher that cannot keep up
// is cut off and comes back with its revision. Never reads the store.
import { concernIndex, type Scope } from "../../../core/desired/concern.ts";
import { addTo, removeFrom } from "../../../core/policy/multi-map.ts";
import { WatchRing } from "./watch-ring.ts";
import { RENEW, type Step, toldOf, toLine, type WatchChange, WatchWorld } from "./watch-world.ts";

/** Bytes that may wait for one watcher beyond the snapshot it was sent. */
const MAX_BACKLOG = 8 * 1024 * 1024;
/** What concerns more watchers than these is held for the next flush: many small writes cost more than the lines in them. */
const MAX_AT_ONCE = 40;

/** Where a watcher's lines go; `pending` is how many bytes have not left yet. */
export type WatchSink = {
  write(chunk: string | Buffer): void;
  pending(): number;
  /** Ends the stream; `cut`: without waiting for what is pending. */
  end(cut: boolean): void;
};

export type WatchFrom = {
  readonly since?: number | undefined;
  readonly cluster?: string | undefined;
  /** What the watcher wants to hear of; absent: of everything. It resumes only with the scope that it had. */
  readonly scope?: Scope | undefined;
  /** The host whose share of the policies the watcher wants to be told; absent: none. */
  readonly policy?: string | undefined;
};

export type ShareChange = {
  /** As JSON. */
  readonly delta: string;
  /** Pods of the host itself are among it: an ADD there may wait for it. */
  readonly isOfPods: boolean;
};

export type Shares = {
  /** A host's share as JSON; `undefined`: not known yet. From then on its changes are to be published. */
  of(host: string): string | undefined;
  /** Until it is asked for again. */
  forget(host: string): void;
};

type Watcher = {
  readonly sink: WatchSink;
  readonly scope: Scope | undefined;
  readonly policy: string | undefined;
  allowance: number;
  /** Lines that were not sent yet: those of this publication, and those held. */
  lines: string[];
  isRenewed: boolean;
};

export class WatchHub {
  readonly #cluster: string;
  readonly #watchers = new Set<Watcher>();
  readonly #index = concernIndex<Watcher>();
  /** Those who want to hear of everything. */
  readonly #whole = new Set<Watcher>();
  readonly #world = new WatchWorld();
  readonly #ring = new WatchRing();
  /** Watchers with lines that wait for the next flush. */
  readonly #held = new Set<Watcher>();
  readonly #shares: Shares;
  /** By host, those who were told its share and hear what changes in it; and those who wait to be told. */
  readonly #sharers = new Map<string, Set<Watcher>>();
  readonly #untold = new Set<Watcher>();
  #revision = 0;
  #snapshot: { readonly revision: number; readonly bytes: Buffer } | undefined;

  constructor(cluster: string, shares: Shares) {
    this.#cluster = cluster;
    this.#shares = shares;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Takes the whole state at `revision`: every watcher is sent a reset. */
  reset(revision: number, changes: readonly WatchChange[]): void {
    this.#world.clear();
    for (const change of changes) this.#world.take(revision, change);
    this.#ring.clear(revision);
    this.#revision = revision;
    this.#snapshot = undefined;
    for (const watcher of this.#watchers) this.#renew(watcher);
  }

  /**
   * Takes the changes of whole revisions up to `revision`, in order. What a watcher is sent ends in a bookmark: a stream cut in the
   * middle of a revision must not look complete.
   */
  publish(
    revision: number,
    changes: readonly WatchChange[],
    shares: ReadonlyMap<string, ShareChange> = new Map(),
  ): void {
    this.#revision = revision;
    const told = new Set<Watcher>();
    for (const change of changes) {
      const step = this.#world.take(revision, change);
      if (!step) continue;
      this.#snapshot = undefined;
      this.#ring.push(step);
      const concerned = this.#concerned(step);
      for (const watcher of concerned) {
        note(watcher, step);
        if (concerned.size > MAX_AT_ONCE && !watcher.isRenewed) this.#held.add(watcher);
        told.add(watcher);
      }
    }
    this.#noteShares(shares, told);
    for (const watcher of told)
      if (watcher.isRenewed) this.#renew(watcher);
      else if (!this.#held.has(watcher)) this.#sendLines(watcher);
  }

  /** All shares are others than those that were told. */
  renewShares(): void {
    for (const sharers of this.#sharers.values()) for (const watcher of sharers) this.#untold.add(watcher);
    this.#sharers.clear();
  }

  /** Tells shares that are known by now to at most `count` who wait for them; `true`: there may be more. */
  tellShares(count: number): boolean {
    const before = this.#untold.size;
    for (const watcher of [...this.#untold.values().take(count)]) this.#tellShare(watcher);
    return before - this.#untold.size === count;
  }

  /** Sends what was held; call it a few times a second. */
  flush(): void {
    for (const watcher of this.#held) this.#sendLines(watcher);
    this.#held.clear();
  }

  /** Starts a stream; call the result when the connection is gone. */
  subscribe({ since, cluster, scope, policy }: WatchFrom, sink: WatchSink): () => void {
    const missed = cluster === this.#cluster ? this.#changesAfter(since, scope) : undefined;
    const first = missed ?? this.#wholeState(scope);
    sink.write(first);
    const allowance = first.length + MAX_BACKLOG;
    const watcher = { sink, scope, policy, allowance, lines: [], isRenewed: false };
    this.#watchers.add(watcher);
    if (scope) this.#index.add(scope, watcher);
    else this.#whole.add(watcher);
    this.#tellShare(watcher);
    return () => this.#forget(watcher);
  }

  /** Tells every watcher that it has seen all there is; `behind`: all that is known here, and the store may have more. */
  bookmark(behind = false): void {
    this.flush();
    const told = { type: "bookmark", revision: this.#revision } as const;
    const line = Buffer.from(toLine(behind ? { ...told, behind } : told));
    for (const watcher of this.#watchers) this.#send(watcher, line);
  }

  close(): void {
    for (const { sink } of this.#watchers) sink.end(false);
    for (const watcher of [...this.#watchers]) this.#forget(watcher);
  }

  #forget(watcher: Watcher): void {
    if (watcher.scope && this.#watchers.has(watcher)) this.#index.remove(watcher.scope, watcher);
    if (watcher.policy !== undefined) {
      removeFrom(this.#sharers, watcher.policy, watcher);
      if (!this.#sharers.has(watcher.policy)) this.#shares.forget(watcher.policy);
    }
    for (const set of [this.#watchers, this.#whole, this.#held, this.#untold]) set.delete(watcher);
  }

  #tellShare(watcher: Watcher): void {
    const { policy } = watcher;
    if (policy === undefined) return;
    const share = this.#shares.of(policy);
    if (share === undefined) return void this.#untold.add(watcher);
    this.#untold.delete(watcher);
    addTo(this.#sharers, policy, watcher);
    watcher.allowance = Math.max(watcher.allowance, share.length + MAX_BACKLOG);
    watcher.lines.push(`{"type":"policy","revision":${this.#revision},"value":${share}}\n`);
    this.#sendLines(watcher);
  }

  /** A pod that comes may concern many nodes: its own is told at once, with what was held for it, and the others at the next flush. */
  #noteShares(shares: ReadonlyMap<string, ShareChange>, told: Set<Watcher>): void {
    const noted: Watcher[] = [];
    const own: Watcher[] = [];
    for (const [host, { delta, isOfPods }] of shares) {
      const line = `{"type":"policy-change","revision":${this.#revision},"value":${delta}}\n`;
      for (const watcher of this.#sharers.get(host) ?? []) {
        watcher.lines.push(line);
        noted.push(watcher);
        if (isOfPods) own.push(watcher);
      }
    }
    for (const watcher of noted) told.add(watcher);
    if (noted.length > MAX_AT_ONCE)
      for (const watcher of noted) if (!watcher.isRenewed) this.#held.add(watcher);
    if (own.length <= MAX_AT_ONCE) for (const watcher of own) this.#held.delete(watcher);
  }

  #concerned(step: Step): ReadonlySet<Watcher> {
    if (step.forAll) return this.#watchers;
    const found = new Set(this.#whole);
    for (const party of [step.before, step.after])
      for (const watcher of party ? this.#index.of(party) : []) found.add(watcher);
    return found;
  }

  #renew(watcher: Watcher): void {
    const state = this.#wholeState(watcher.scope);
    watcher.allowance = Math.max(watcher.allowance, state.length + MAX_BACKLOG);
    watcher.lines = [];
    watcher.isRenewed = false;
    this.#held.delete(watcher);
    this.#send(watcher, state);
    // What was to be told of the share was among the lines.
    this.#tellShare(watcher);
  }

  #sendLines(watcher: Watcher): void {
    const chunk = watcher.lines.join("") + this.#bookmarkLine();
    watcher.lines = [];
    this.#send(watcher, chunk);
  }

  #send(watcher: Watcher, chunk: string | Buffer): void {
    if (watcher.sink.pending() > watcher.allowance) {
      this.#forget(watcher);
      watcher.sink.end(true);
    } else watcher.sink.write(chunk);
  }

  #changesAfter(since: number | undefined, scope: Scope | undefined): string | undefined {
    if (since === undefined || since > this.#revision) return undefined;
    const missed = this.#ring.after(since, scope);
    return missed && [toLine({ type: "resume", cluster: this.#cluster }), ...missed, this.#synced()].join("");
  }

  #wholeState(scope: Scope | undefined): Buffer {
    const text = (): string => {
      const lines = [...this.#world.lines(scope)];
      return [toLine({ type: "reset", cluster: this.#cluster }), ...lines, this.#synced()].join("");
    };
    if (scope) return Buffer.from(text());
    if (this.#snapshot?.revision !== this.#revision)
      this.#snapshot = { revision: this.#revision, bytes: Buffer.from(text()) };
    return this.#snapshot.bytes;
  }

  #synced(): string {
    return toLine({ type: "synced", revision: this.#revision });
  }

  #bookmarkLine(): string {
    return toLine({ type: "bookmark", revision: this.#revision });
  }
}

function note(watcher: Watcher, step: Step): void {
  const told = toldOf(step, watcher.scope);
  if (told === RENEW) watcher.isRenewed = true;
  else if (told !== undefined) watcher.lines.push(told);
}
