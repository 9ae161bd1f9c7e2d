import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type FakeAnswers, headerOf, startFakeEtcd } from "../../../test/support/fake-etcd.ts";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { EtcdClient } from "./etcd-client.ts";
import { EtcdError, failureOf, moreTelling } from "./etcd-errors.ts";
import type { KeyValue } from "./etcd-messages.ts";
import { methods } from "./etcd-proto.ts";
import { readList, REPEATABLE } from "./etcd-read.ts";

/** Each: what etcd or gRPC says, the status it comes with, our code, whether it may have been done, where to try again. */
const failures: readonly (readonly [
  text: string,
  status: number,
  code: string,
  done: "maybe" | "never",
  again: string,
])[] = [
  ["etcdserver: mvcc: database space exceeded", 8, "STORE_FULL", "never", "no"],
  ["etcdserver: no leader", 14, "STORE_NO_LEADER", "never", "elsewhere"],
  ["etcdserver: leader changed", 14, "STORE_NO_LEADER", "maybe", "elsewhere"],
  [
    "etcdserver: request timed out, possibly due to connection lost",
    14,
    "STORE_TIMEOUT",
    "maybe",
    "elsewhere",
  ],
  ["etcdserver: too many requests", 8, "STORE_BUSY", "never", "elsewhere"],
  ["etcdserver: invalid auth token", 16, "STORE_DENIED", "never", "token"],
  ["etcdserver: requested lease not found", 5, "LEASE_GONE", "never", "no"],
  ["etcdserver: something of a later release", 2, "STORE_ERROR", "maybe", "no"],
  ["raft proposal dropped", 2, "STORE_NO_LEADER", "never", "elsewhere"],
  [
    "No connection established. Last error: connect ECONNREFUSED",
    14,
    "STORE_UNREACHABLE",
    "never",
    "elsewhere",
  ],
  ["read ECONNRESET", 14, "STORE_UNREACHABLE", "maybe", "elsewhere"],
  ["Deadline exceeded after 2.000s", 4, "STORE_TIMEOUT", "maybe", "elsewhere"],
  ["grpc: received message larger than max", 8, "STORE_TXN_TOO_BIG", "never", "no"],
];
for (const [text, status, code, done, again] of failures)
  test(`"${text}" is ${code}, done: ${done}`, () => {
    assert.deepEqual(failureOf(text, status), { code, isRefused: done === "never", again });
  });

test("of what endpoints say, that there is no leader tells most, and a refused connection least", () => {
  const errors = ["connect ECONNREFUSED", "etcdserver: no leader", "etcdserver: request timed out"].map(
    (reason) => new EtcdError(failureOf(reason, 14), { endpoint: "http://a:1", reason }),
  );
  for (const order of [errors, errors.toReversed()]) {
    const [first, ...rest] = order;
    assert.ok(first);
    assert.equal(rest.reduce(moreTelling, first).code, "STORE_NO_LEADER");
  }
});

async function clientOf(t: TestContext, answers: readonly FakeAnswers[]): Promise<EtcdClient> {
  const fakes = await Promise.all(answers.map((each) => startFakeEtcd(each)));
  const deps = { clock: systemClock, rng: () => 0, log: silentLog };
  const client = new EtcdClient({ endpoints: fakes.map(({ url }) => url) }, deps);
  t.after(() => {
    client.disconnect();
    for (const fake of fakes) fake.close();
  });
  return client;
}
const read = (client: EtcdClient) => client.call(methods.range, { key: Buffer.from("k") }, REPEATABLE);
const rangeAt = (revision: number, cluster = 1) => ({
  header: headerOf(revision, cluster),
  kvs: [],
  more: false,
});
const statusOf = (version: string, cluster = 1) => ({ header: headerOf(1, cluster), version });

test("an endpoint that is too old, and one of another cluster, is passed over", async (t) => {
  const client = await clientOf(t, [
    { status: () => statusOf("3.3.27"), range: () => rangeAt(1) },
    { status: () => statusOf("3.10.0", 2), range: () => rangeAt(7, 2) },
    { status: () => statusOf("3.5.0", 1), range: () => rangeAt(8) },
  ]);
  assert.equal(Number((await read(client)).header.revision), 7);
  const second = client.endpoint;
  client.leave(second, second.connection);
  assert.equal(Number((await read(client)).header.revision), 7, "the one of cluster 1 is the stranger here");
});

test("an answer older than one that was known when it was asked for ends the client for good", async (t) => {
  let revision = 10;
  const client = await clientOf(t, [{ range: () => rangeAt(revision) }]);
  await read(client);
  revision = 9;
  await assert.rejects(read(client), { code: "STORE_DIED" });
  revision = 11;
  await assert.rejects(read(client), { code: "STORE_DIED" });
  assert.ok(client.failed.aborted);
});

test("what fails before a call is sent leaves no doubt: the call goes to another endpoint, also one that may be done but once", async (t) => {
  const asked: unknown[] = [];
  const client = await clientOf(t, [
    {
      status: () => statusOf("no version"),
      range: () => assert.fail("asked of an endpoint that was refused"),
    },
    {
      status() {
        throw Object.assign(new Error("reset"), { code: 14, details: "read ECONNRESET" });
      },
    },
    { compact: (request) => (asked.push(request), { header: headerOf(1) }) },
  ]);
  await client.call(methods.compact, { revision: 1 }, {});
  assert.equal(asked.length, 1);
});

test("a list that etcd forgets while it is read is begun again, at a newer revision, a bounded number of times", async (t) => {
  const page = (revision: number, more: boolean) => ({
    header: headerOf(revision),
    kvs: [entryAt(revision)],
    more,
  });
  const details = "etcdserver: mvcc: required revision has been compacted";
  const compacted = Object.assign(new Error(details), { code: 11, details });
  const answers = [page(5, true), compacted, page(6, true), page(6, false)];
  const client = await clientOf(t, [
    {
      range() {
        const next = answers.shift() ?? compacted;
        if (next instanceof Error) throw next;
        return next;
      },
    },
  ]);
  const { entries, revision } = await readList(client, "");
  assert.deepEqual([entries.length, revision], [2, 6]);
  await assert.rejects(readList(client, ""), { code: "STORE_COMPACTED" });
});

const entryAt = (revision: number): KeyValue => ({
  key: Buffer.from("k"),
  value: Buffer.from("v"),
  create_revision: revision,
  mod_revision: revision,
  lease: 0,
});
