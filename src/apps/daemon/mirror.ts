// Follows the store into memory: the state that plans stand on, and the revision of each key that transactions compare.
// Never writes to the store.
import { type Clock, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { createLock } from "../../base/lock.ts";
import type { Log } from "../../base/log.ts";
import { backoffDelay, retry } from "../../base/retry.ts";
import { within } from "../../base/within.ts";
import { createIpamState, type IpamState } from "../../core/ipam/state.ts";
import type { Write } from "../../core/ipam/types.ts";
import { refuseStateEntry } from "../../io/store/store-state.ts";
import { Deletions } from "./deletions.ts";
import { Garbage } from "./garbage.ts";
import type { Entry, Store, WatchEvent, WatchMessage } from "../../io/store/store.ts";

const PREFIX = "/romana/v3/";
const GUARDS = `${PREFIX}guards/`;
const ADDRESSES = `${PREFIX}addresses/`;
const BLOCKS = `${PREFIX}blocks/`;
const BACKOFF = { first: Milliseconds(50), most: Seconds(5) };
/** Times that the first reading is begun because the store forgot the revision it was made at: enough for minutes. */
const FIRST_READINGS = 50;
/** Of a row of failures, each of these is logged. */
const LOG_EVERY = 10;
/** How long a conflict waits for the watch to tell what it conflicted with. */
const CATCH_UP = Seconds(2);

/** The store is dead, or has become what this program must not work on: a start may mend it, waiting does not. */
const FATAL = new Set(["STORE_DIED", "STORE_SCHEMA_NEWER", "STORE_IMPORT_UNFINISHED"]);

/** What changed, in the store's order and up to `revision`; `whole`: it is the entire state. */
export type MirrorChange = {
  readonly revision: number;
  readonly writes: readonly Write[];
  readonly whole: boolean;
};

export type MirrorDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Called for every change, own ones too, once the store has told it. */
  readonly onChange: (change: MirrorChange) => void;
  /** Whether `onChange` is to hear of every address, too. */
  readonly hearsAddresses: () => boolean;
  /** The store cannot be followed at present; tried again with backoff. */
  readonly onError: (reason: string) => void;
};

export class Mirror {
  readonly state: IpamState = createIpamState();
  /** Held while the state is ahead of the store (a transaction in flight), so that no event is applied in between. */
  readonly lock = createLock();
  readonly #deps: MirrorDeps;
  readonly #revisions = new Map<string, number>();
  /** Keys of blocks that were last written by this daemon, as far as it knows. */
  readonly #ours = new Set<string>();
  /** Own ones too, before the watch tells them. */
  readonly #deletions = new Deletions();
  readonly #stop = new AbortController();
  #waiting: { readonly revision: number; readonly resolve: () => void }[] = [];
  #revision = 0;
  #written = 0;
  #following: Promise<void> | undefined;
  readonly #garbage: Garbage;
  readonly #ended = Promise.withResolvers<void>();

  constructor(deps: MirrorDeps) {
    this.#deps = deps;
    this.#garbage = new Garbage(deps.log);
    // Who closes the mirror need not look at it.
    this.#ended.promise.catch(() => undefined);
  }

  /** Resolves when it is closed; rejects when it cannot follow any more: the store has died, or a bug. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** What is wrong with the records that nobody can read, by key. */
  get garbage(): ReadonlyMap<string, string> {
    return this.#garbage.found;
  }

  /** The newest revision of which everything is known. */
  get revision(): number {
    return this.#revision;
  }

  /** The newest revision of our own. */
  get written(): number {
    return this.#written;
  }

  /** Store revision of a key's last write; 0 where it is absent. */
  revisionOf(key: string): number {
    return this.#revisions.get(key) ?? 0;
  }

  /** Store revision by which an absent key was deleted, if it ever was there: exact where this daemon saw it go. */
  deletedAt(key: string): number {
    return this.#revisions.has(key) ? 0 : this.#deletions.revisionOf(key);
  }

  /** Whether this daemon wrote the block last, as far as it knows; `cidr` is canonical text. */
  isOurs(cidr: string): boolean {
    return this.#ours.has(`${BLOCKS}${cidr}`);
  }

  /** Reads everything, then follows in the background. */
  async start(): Promise<void> {
    const retriable = (error: unknown): boolean =>
      error instanceof UnavailableError && error.code === "STORE_COMPACTED";
    const options = { attempts: FIRST_READINGS, backoff: BACKOFF, retriable };
    await retry(() => this.#relist(), options, this.#deps);
    this.#following = this.#follow().then(this.#ended.resolve, this.#ended.reject);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  /** Takes note of what the writer committed; the state has it already. Call with the lock held. */
  committed(revision: number, puts: Iterable<string>, deletes: Iterable<string>): void {
    this.#written = Math.max(this.#written, revision);
    for (const key of puts) {
      this.#garbage.replaced(key);
      // A guard counts when the watch tells it: then all that others wrote before it is known, too, and not sooner.
      if (!key.startsWith(GUARDS)) this.#revisions.set(key, revision);
      if (key.startsWith(BLOCKS)) this.#ours.add(key);
    }
    for (const key of deletes) {
      this.#garbage.replaced(key);
      this.#gone(key, revision);
    }
  }

  /** Resolves when everything up to `revision` is known: by the watch, or else by reading all again. Call without the lock. */
  async catchUp(revision: number): Promise<void> {
    if (this.#revision >= revision) return;
    const told = new Promise<void>((resolve) => this.#waiting.push({ revision, resolve }));
    if (!(await within(this.#deps.clock, CATCH_UP, told))) await this.#relist();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      try {
        for await (const message of this.#deps.store.watch(PREFIX, { since: this.#revision, signal })) {
          if (message.kind === "compacted") break;
          await this.lock.run(() => this.#take(message));
          failures = 0;
        }
        if (!signal.aborted) await this.#relist();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof UnavailableError) || FATAL.has(error.code)) throw error;
        this.#deps.onError(error.message);
        if (failures % LOG_EVERY === 0)
          this.#deps.log.warn("watch of the store failed", { error: error.message, failures });
        const delay = backoffDelay(BACKOFF, failures++, this.#deps.rng);
        await this.#deps.clock.sleep(delay, signal).catch(() => undefined);
      }
    }
  }

  #take(message: Exclude<WatchMessage, { kind: "compacted" }>): void {
    const writes: Write[] = [];
    for (const event of message.kind === "events" ? message.events : []) {
      const { key, revision, value } = flatten(event);
      const isKnown = revision <= (this.#revisions.get(key) ?? this.#deletions.revisionOf(key));
      const own = isKnown && value !== undefined ? this.#ownWrite(key) : undefined;
      if (own) {
        writes.push(...own);
        continue;
      }
      if (value !== undefined) refuseStateEntry(key, value);
      const write = this.#garbage.read(key, value);
      if (write) writes.push(write);
      if (isKnown) continue;
      if (value === undefined) this.#gone(key, revision);
      else {
        this.#revisions.set(key, revision);
        this.#ours.delete(key);
      }
      if (write) this.state.apply(write);
    }
    writes.push(...this.#garbage.mend(this.state));
    this.#advance({ revision: message.revision, writes, whole: false });
  }

  #gone(key: string, revision: number): void {
    this.#revisions.delete(key);
    this.#deletions.note(key, revision);
    this.#ours.delete(key);
  }

  /** What we wrote ourselves is not read again. Listeners hear of a block as it is now, perhaps in a later form of ours. `undefined`: read it. */
  #ownWrite(key: string): Write[] | undefined {
    if (key.startsWith(ADDRESSES)) return this.#deps.hearsAddresses() ? undefined : [];
    if (!key.startsWith(BLOCKS)) return undefined;
    const block = this.state.blocks.get(key.slice(BLOCKS.length))?.block;
    return block ? [{ kind: "put-block", block }] : [];
  }

  #advance(change: MirrorChange): void {
    this.#revision = Math.max(this.#revision, change.revision);
    this.#deletions.passed(this.#revision);
    const told = this.#waiting.filter(({ revision }) => revision <= this.#revision);
    if (told.length > 0) this.#waiting = this.#waiting.filter((each) => !told.includes(each));
    for (const { resolve } of told) resolve();
    this.#deps.onChange(change);
  }

  /** Reads everything and makes the state equal to it. */
  #relist(): Promise<void> {
    return this.lock.run(async () => {
      const { entries, revision } = await readAll(this.#deps.store);
      const puts = entries.flatMap(({ key, value }) => this.#garbage.read(key, value) ?? []);
      const present = new Set(entries.map(({ key }) => key));
      const gone = [...this.#revisions.keys().filter((key) => !present.has(key))];
      const deletions = gone.flatMap((key) => this.#garbage.read(key, undefined) ?? []);
      this.#deletions.listed(revision);
      this.#revisions.clear();
      this.#ours.clear();
      for (const { key, revision: written } of entries) this.#revisions.set(key, written);
      // Deletions first: what came since may lie where something was. Blocks last: they are counted by what is reserved.
      const [blocks, others] = partition(puts, ({ kind }) => kind === "put-block");
      for (const write of [...deletions, ...others, ...blocks]) this.state.apply(write);
      puts.push(...this.#garbage.mend(this.state));
      this.#advance({ revision, writes: puts, whole: true });
    });
  }
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

type Flat = { readonly key: string; readonly revision: number; readonly value: string | undefined };
const flatten = (event: WatchEvent): Flat =>
  event.kind === "put" ? event.entry : { key: event.key, revision: event.revision, value: undefined };

async function readAll(store: Store): Promise<{ entries: Entry[]; revision: number }> {
  const entries: Entry[] = [];
  let revision = 0;
  for await (const page of store.snapshot(PREFIX)) {
    revision = page.revision;
    for (const entry of page.entries) {
      refuseStateEntry(entry.key, entry.value);
      entries.push(entry);
    }
  }
  return { entries, revision };
}
