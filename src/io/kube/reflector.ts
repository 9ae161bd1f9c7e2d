// One kind of Kubernetes objects, kept as they are now: listed page by page at one revision, then watched. What is kept of an object is what
// `read` gives: a cluster's pods in full would be gigabytes. A cut connection goes on where it was; a gap in the history (410) is a new
// list, and whoever listens hears of the differences only.
import { type Clock, type Duration, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import type { HealthReporter } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { type Runner, startRunner } from "../../base/runner.ts";
import type { KubeClient } from "./kube-client.ts";
import { isKubeError } from "./kube-error.ts";
import { listPages } from "./list-pages.ts";
import type { KubeEvent, KubeObject } from "./types.ts";

export type Change<T> = {
  /** `namespace/name`, or the name of what has no namespace. */
  readonly key: string;
  readonly before: T | undefined;
  readonly after: T | undefined;
};

export type ReflectorOptions<T> = {
  /** As `/api/v1/nodes`. */
  readonly path: string;
  /** `fieldSelector`, `labelSelector`. */
  readonly query?: Readonly<Record<string, string>>;
  /** What is kept, as JSON; `undefined`: nothing of this object. */
  readonly read: (object: KubeObject) => T | undefined;
  /** After the first list, whatever was in it, and after each change of what is kept. */
  readonly changed: (changes: readonly Change<T>[]) => void;
  /** Objects of one page; 500. */
  readonly page?: number;
  /** Bookmarks come every minute: so long without a byte is a dead connection. */
  readonly silence?: Duration;
};

export interface Reflector<T> {
  /** By key. Whole and true since `synced`. */
  readonly items: ReadonlyMap<string, T>;
  readonly synced: boolean;
  close(): Promise<void>;
}

export type ReflectorDeps = {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly health: HealthReporter;
};

const BACKOFF = { first: Milliseconds(250), most: Seconds(30) };
/** A watch that lasted this long was a good one: when it is cut, the next is opened at once. */
const GOOD_AFTER = Seconds(1);
const SILENCE = Seconds(150);
/** The same failure again is logged with every so many attempts. */
const LOG_EVERY = 10;

export const startReflector = <T>(options: ReflectorOptions<T>, deps: ReflectorDeps): Reflector<T> =>
  new Following(options, deps);

class Following<T> implements Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #deps: ReflectorDeps;
  readonly #runner: Runner;
  #items = new Map<string, T>();
  #synced = false;
  /** Up to which all was seen; `undefined`: to be listed. */
  #revision: string | undefined;
  #told = "";

  constructor(options: ReflectorOptions<T>, deps: ReflectorDeps) {
    this.#options = options;
    this.#deps = deps;
    const onError = (error: unknown, attempt: number): void => this.#failed(error, attempt);
    this.#runner = startRunner((signal) => this.#once(signal), { backoff: BACKOFF, onError }, deps);
  }

  get items(): ReadonlyMap<string, T> {
    return this.#items;
  }

  get synced(): boolean {
    return this.#synced;
  }

  close(): Promise<void> {
    return this.#runner.close();
  }

  /** A list where one is needed, and one watch until its end. */
  async #once(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    const { path } = this.#options;
    let opened = Infinity;
    const isGood = (): boolean => clock.monotonic() - opened >= GOOD_AFTER;
    try {
      this.#revision ??= await this.#list(signal);
      opened = clock.monotonic();
      await this.#watch(this.#revision, signal);
      if (!isGood()) throw endedAtOnce(path);
    } catch (error) {
      if (signal.aborted) return;
      if (isKubeError(error, "KUBE_GONE")) this.#revision = undefined;
      await this.#waitAsAsked(error, signal);
      if (!(error instanceof UnavailableError) || !isGood()) throw error;
      log.info("watch ended", { path, error: error.message });
    }
    this.#runner.poke();
  }

  /** A server that is overloaded says when to come again. */
  async #waitAsAsked(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const seconds = isKubeError(error, "KUBE_TOO_MANY") ? Number(error.details["retryAfter"] ?? 0) : 0;
    if (seconds > 0) await clock.sleep(Seconds(Math.min(seconds, 60)), signal).catch(() => undefined);
  }

  /** What changes meanwhile comes with the watch from its revision on. */
  async #list(signal: AbortSignal): Promise<string> {
    const { client } = this.#deps;
    const { path, query, page } = this.#options;
    const items = new Map<string, T>();
    let revision = "";
    const pages = listPages(client, path, { ...(query && { query }), ...(page && { page }), signal });
    for await (const each of pages) {
      for (const object of each.items) this.#keep(items, object);
      revision = each.revision;
    }
    this.#replace(items);
    return revision;
  }

  #keep(items: Map<string, T>, object: KubeObject): void {
    const value = this.#options.read(object);
    if (value !== undefined) items.set(keyOf(object), value);
  }

  #replace(items: Map<string, T>): void {
    const changes: Change<T>[] = [];
    for (const [key, after] of items) {
      const before = this.#items.get(key);
      if (isSame(before, after)) items.set(key, before as T);
      else changes.push({ key, before, after });
    }
    for (const [key, before] of this.#items)
      if (!items.has(key)) changes.push({ key, before, after: undefined });
    this.#items = items;
    const isFirst = !this.#synced;
    this.#synced = true;
    if (isFirst || changes.length > 0) this.#options.changed(changes);
  }

  async #watch(revision: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#deps;
    const { path, query, silence = SILENCE } = this.#options;
    const from = { ...query, resourceVersion: revision, allowWatchBookmarks: "true" };
    for await (const batch of client.watch(path, from, { silence, signal })) {
      const changes = batch.flatMap((event) => this.#take(event) ?? []);
      this.#heard();
      if (changes.length > 0) this.#options.changed(changes);
    }
  }

  #heard(): void {
    this.#told = "";
    this.#deps.health.ok();
  }

  #take({ type, object }: KubeEvent): Change<T> | undefined {
    this.#revision = object.metadata.resourceVersion ?? this.#revision;
    if (type === "BOOKMARK") return undefined;
    const key = keyOf(object);
    const before = this.#items.get(key);
    const after = type === "DELETED" ? undefined : this.#options.read(object);
    if (isSame(before, after)) return undefined;
    if (after === undefined) this.#items.delete(key);
    else this.#items.set(key, after);
    return { key, before, after };
  }

  #failed(error: unknown, attempt: number): void {
    // Also a token's file that cannot be read.
    if (!(error instanceof UnavailableError || error instanceof InputError)) throw error;
    const { log, health } = this.#deps;
    const { message } = error;
    health.failed(message);
    if (message === this.#told && attempt % LOG_EVERY !== 0) return;
    this.#told = message;
    log.warn("Kubernetes is not heard", { path: this.#options.path, error: message });
  }
}

const endedAtOnce = (path: string): UnavailableError =>
  new UnavailableError({ code: "KUBE_WATCH_ENDED", message: `Kubernetes: watch ${path}: ended at once` });

const keyOf = ({ metadata: { name, namespace } }: KubeObject): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
