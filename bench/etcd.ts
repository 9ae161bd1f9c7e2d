// Compare-and-set on etcd: a bare gRPC client, and the store's transaction beside it, on the same member in turns.
import { ChannelCredentials, Client } from "@grpc/grpc-js";
import { systemClock, systemRng } from "../src/base/clock.ts";
import { silentLog } from "../src/base/log.ts";
import { COMPARE, type TxnRequest, type TxnResponse } from "../src/io/store/etcd-messages.ts";
import { methods } from "../src/io/store/etcd-proto.ts";
import { openEtcdStore } from "../src/io/store/etcd-store.ts";
import { startEtcd } from "../test/support/etcd.ts";
import { type Bench, median } from "./figure.ts";

const IN_FLIGHT = 64;
const TRANSACTIONS = 6000;
const ROUNDS = 5;
const VALUE = "x".repeat(300);

/** Makes one compare-and-set of `key`, whose last write was at `revision`; resolves with the new one. */
export type CompareAndSet = (key: string, revision: number) => Promise<number>;

/** Compare-and-sets per second with 64 under way, each worker on a key of its own. */
export async function compareAndSetRate(compareAndSet: CompareAndSet, transactions: number): Promise<number> {
  let left = transactions;
  const round = serial++;
  const worker = async (_: unknown, i: number): Promise<void> => {
    for (let revision = 0; left-- > 0;) revision = await compareAndSet(`/bench/${round}/${i}`, revision);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return transactions / ((performance.now() - start) / 1000);
}
let serial = 0;

/** What etcd gives to a client that does nothing else: no deadline, no failover, no watch. */
export function openRawClient(url: string): { compareAndSet: CompareAndSet; close(): void } {
  const client = new Client(new URL(url).host, ChannelCredentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = methods.txn;
  const ask = (request: TxnRequest): Promise<TxnResponse> =>
    new Promise((resolve, reject) =>
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) =>
        response ? resolve(response) : reject(error ?? new Error("no answer")),
      ),
    );
  const compareAndSet: CompareAndSet = async (text, revision) => {
    const key = Buffer.from(text);
    const compare = [{ result: COMPARE.EQUAL, target: COMPARE.MOD, key, mod_revision: revision }];
    const { succeeded, header } = await ask({
      compare,
      success: [{ request_put: { key, value: Buffer.from(VALUE) } }],
      failure: [],
    });
    if (!succeeded) throw new Error(`${text} was not at ${revision}`);
    return Number(header.revision);
  };
  return { compareAndSet, close: () => client.close() };
}

async function measure(url: string): Promise<{ raw: number[]; store: number[] }> {
  const raw = openRawClient(url);
  const store = await openEtcdStore(
    { endpoints: [url] },
    { clock: systemClock, rng: systemRng, log: silentLog },
  );
  const byStore: CompareAndSet = async (key, revision) => {
    const result = await store.txn(
      [{ kind: "revision", key, revision }],
      [{ kind: "put", key, value: VALUE }],
    );
    if (result.kind === "conflict") throw new Error(`${key} was not at ${revision}`);
    return result.revision;
  };
  const rates: { raw: number[]; store: number[] } = { raw: [], store: [] };
  await compareAndSetRate(raw.compareAndSet, TRANSACTIONS); // warm
  await compareAndSetRate(byStore, TRANSACTIONS);
  for (let round = 0; round < ROUNDS; round++) {
    rates.raw.push(await compareAndSetRate(raw.compareAndSet, TRANSACTIONS));
    rates.store.push(await compareAndSetRate(byStore, TRANSACTIONS));
  }
  raw.close();
  await store.close();
  return rates;
}

export const etcdBench: Bench = {
  name: "etcd",
  about: "compare-and-set with 64 in flight on one member of etcd: the store's, against a bare gRPC client",
  async run() {
    const etcd = await startEtcd();
    try {
      const { raw, store } = await measure(etcd.urls[0] ?? "");
      return [
        {
          name: "compare-and-set",
          value: median(store),
          unit: "/s",
          peer: { name: "bare gRPC", value: median(raw) },
          note: `${ROUNDS} rounds of ${TRANSACTIONS}, 300 bytes; the store watches everything besides`,
        },
      ];
    } finally {
      await etcd.dispose();
    }
  },
};

/** So many workers that ask bare etcd, each on a key of its own. */
export function rawMembers(compareAndSet: CompareAndSet, count: number): (() => Promise<unknown>)[] {
  const round = rawRounds++;
  return Array.from({ length: count }, (_, i) => {
    let revision = 0;
    return async () => (revision = await compareAndSet(`/bench/${round}/${i}`, revision));
  });
}
let rawRounds = 0;
