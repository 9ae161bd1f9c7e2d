// The store for production: a cluster of etcd (3.4 or newer) that belongs to Romana alone. Reads and transactions are linearizable.
import { type Clock, type Duration, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { type ChangeLog, createChangeLog } from "./change-log.ts";
import { checkTxn } from "./check-txn.ts";
import { EtcdClient, type EtcdDeps, type EtcdOptions } from "./etcd-client.ts";
import { entryOf, rangeOf } from "./etcd-codec.ts";
import { EtcdFeed } from "./etcd-feed.ts";
import { readHistory } from "./etcd-history.ts";
import { readIdentity } from "./etcd-identity.ts";
import { toNumber } from "./etcd-messages.ts";
import { methods } from "./etcd-proto.ts";
import { type Part, readList, readPages, REPEATABLE } from "./etcd-read.ts";
import { runTxn } from "./etcd-txn.ts";
import { checkTtl } from "./leases.ts";
import type { Compare, LeaseId, Operation, Page, Store, TxnResult, WatchMessage } from "./store.ts";

/** How long a compaction, and the outcome of a doubtful transaction, wait for the feed. */
const CATCH_UP = Seconds(3);

/** Rejects with what etcd or the network says: `STORE_UNREACHABLE`, `STORE_DENIED`, `STORE_NO_LEADER`, `STORE_SCHEMA_NEWER`, … */
export async function openEtcdStore(options: EtcdOptions, deps: EtcdDeps): Promise<Store> {
  const client = new EtcdClient(options, deps);
  try {
    const { clusterId, fresh, revision } = await readIdentity(client);
    const changes = createChangeLog({
      revision,
      compacted: 0,
      history: (prefix, after) => readHistory(client, deps.clock, { prefix, after, until: feed.position }),
    });
    const feed = new EtcdFeed(revision, { client, changes, ...deps });
    await feed.start();
    deps.log.info("store opened", { endpoint: client.endpoint.url, revision, fresh, clusterId });
    return new EtcdStore({ clusterId, fresh }, { client, changes, feed, clock: deps.clock });
  } catch (error) {
    client.fail(closed());
    client.disconnect();
    throw error;
  }
}

type Parts = {
  readonly client: EtcdClient;
  readonly changes: ChangeLog;
  readonly feed: EtcdFeed;
  readonly clock: Clock;
};
const closed = (): UnavailableError => new UnavailableError({ code: "STORE_CLOSED" });

class EtcdStore implements Store {
  readonly identity: Store["identity"];
  readonly #parts: Parts;
  readonly #running = new Set<Promise<unknown>>();

  constructor(identity: Store["identity"], parts: Parts) {
    this.identity = identity;
    this.#parts = parts;
  }

  get: Store["get"] = (key) =>
    this.#run(async ({ client }) => {
      const { header, kvs } = await client.call(methods.range, { key: Buffer.from(key) }, REPEATABLE);
      return { entry: kvs[0] && entryOf(kvs[0]), revision: toNumber(header.revision) };
    });

  list = (prefix: string, part?: Part): Promise<Page> =>
    this.#run(({ client }) => readList(client, prefix, part));

  async *snapshot(prefix: string): AsyncGenerator<Page> {
    const pages = readPages(this.#parts.client, prefix);
    for (;;) {
      const page = await this.#run(() => pages.next());
      if (page.done) return;
      yield page.value;
    }
  }

  async *watch(...[prefix, { since, signal }]: Parameters<Store["watch"]>): AsyncGenerator<WatchMessage> {
    const { feed, changes } = this.#parts;
    const { outage } = feed;
    yield* changes.watch(prefix, { since, signal: AbortSignal.any([signal, outage]) });
    if (!signal.aborted) outage.throwIfAborted();
  }

  async txn(compares: readonly Compare[], operations: readonly Operation[]): Promise<TxnResult> {
    checkTxn(compares, operations);
    return this.#run(({ client, changes, feed, clock }) =>
      runTxn(client, compares, operations, async function* (since, until) {
        await limited(clock, CATCH_UP, (signal) => feed.reached(until, signal));
        yield* changes.watch("", { since, signal: client.failed });
      }),
    );
  }

  async grantLease(ttl: number): Promise<LeaseId> {
    checkTtl(ttl);
    // One whose answer was lost ends by itself.
    const { ID } = await this.#run(({ client }) => client.call(methods.leaseGrant, { TTL: ttl }, REPEATABLE));
    return ID.toString();
  }

  renewLease: Store["renewLease"] = (id) =>
    this.#run(async ({ client }) => {
      const { TTL } = await client.call(methods.leaseKeepAlive, { ID: id }, REPEATABLE);
      return toNumber(TTL) > 0;
    });

  revokeLease: Store["revokeLease"] = (id) =>
    this.#run(async ({ client }) => {
      await client.call(methods.leaseRevoke, { ID: id }, REPEATABLE).catch(unless("LEASE_GONE"));
    });

  compact: Store["compact"] = (revision) =>
    this.#run(async ({ client, changes, feed, clock }) => {
      const present = await client.call(methods.range, { ...rangeOf(""), limit: 1 }, REPEATABLE);
      const until = Math.min(revision, toNumber(present.header.revision));
      await client.call(methods.compact, { revision: until }, REPEATABLE).catch(unless("STORE_COMPACTED"));
      await limited(clock, CATCH_UP, (signal) => feed.reached(until, signal));
      changes.compact(until);
    });

  async close(): Promise<void> {
    const { client, feed } = this.#parts;
    client.fail(closed());
    await Promise.allSettled(this.#running);
    await feed.ended();
    client.disconnect();
  }

  async #run<T>(work: (parts: Parts) => Promise<T>): Promise<T> {
    this.#parts.client.failed.throwIfAborted();
    const running = work(this.#parts);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }
}

/** Does `work` with a signal that aborts after `duration`. */
async function limited(
  clock: Clock,
  duration: Duration,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const limit = new AbortController();
  const done = new AbortController();
  const late = new UnavailableError({ code: "STORE_TIMEOUT", reason: "the watch of etcd is behind" });
  clock.sleep(duration, done.signal).then(
    () => limit.abort(late),
    () => undefined,
  );
  try {
    await work(limit.signal);
  } finally {
    done.abort();
  }
}

const unless =
  (code: string) =>
  (error: unknown): void => {
    if (!(error instanceof UnavailableError) || error.code !== code) throw error;
  };
