import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createFakeClock, type FakeClock } from "../../../test/support/fake-clock.ts";
import { startFakeEtcd, watchResponse, type WatchStream } from "../../../test/support/fake-etcd.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { Seconds, systemClock } from "../../base/clock.ts";
import { EtcdEndpoint } from "./etcd-endpoint.ts";
import { EVENT_DELETE, type Event, type WatchRequest, type WatchResponse } from "./etcd-messages.ts";
import { type Change, watchChanges } from "./etcd-watch.ts";

const putAt = (revision: number, key: string): Event => ({
  type: 0,
  kv: {
    key: Buffer.from(key, "latin1"),
    value: Buffer.from("v"),
    create_revision: revision,
    mod_revision: revision,
    lease: 0,
  },
});
const created = watchResponse({ created: true });

/** A watch after revision 10 on a server that does `serve` with each stream. */
async function watchOn(
  t: TestContext,
  serve: (stream: WatchStream) => void,
  clock: FakeClock = createFakeClock(),
) {
  const fake = await startFakeEtcd({ watch: serve });
  const endpoint = new EtcdEndpoint({
    url: fake.url,
    tls: () => ({}),
    clock: systemClock,
    greet: () => undefined,
  });
  t.after(() => {
    endpoint.reset();
    fake.close();
  });
  const terms = { within: Seconds(5), token: undefined };
  return watchChanges({ endpoint, terms, since: 10, clock, signal: t.signal });
}

/** What `responses` come to: revisions and keys, one list a message. */
async function told(t: TestContext, responses: readonly WatchResponse[]): Promise<string[]> {
  const changes = await watchOn(t, (stream) => {
    stream.once("data", () => responses.forEach((response) => stream.write(response)));
  });
  const found: string[] = [];
  for await (const some of changes) if (found.push(describe(some)) === responses.length) break;
  return found;
}

const describe = (changes: readonly Change[]): string =>
  changes
    .map(({ revision, events }) => {
      const keys = events.map((event) => (event.kind === "put" ? event.entry.key : `-${event.key}`));
      return `${revision}:${keys.join(",")}`;
    })
    .join(" ");

test("a watch asks for everything after its revision, in fragments", async (t) => {
  let asked: WatchRequest | undefined;
  const changes = await watchOn(t, (stream) => {
    stream.on("data", (request: WatchRequest) => {
      asked = request;
      stream.write(created);
    });
  });
  for await (const some of changes) {
    assert.deepEqual(some, []);
    break;
  }
  assert.ok(asked && "create_request" in asked);
  const { key, range_end, start_revision, fragment } = asked.create_request;
  assert.deepEqual([[...key], [...range_end], Number(start_revision), fragment], [[0], [0], 11, true]);
});

/** Each: what the server sends, and what is told after each message. */
const sequences: readonly (readonly [
  what: string,
  responses: readonly WatchResponse[],
  told: readonly string[],
])[] = [
  [
    "several revisions in one message",
    [watchResponse({ events: [putAt(11, "a"), putAt(11, "b"), putAt(12, "a")] })],
    ["11:a,b 12:a"],
  ],
  [
    "a transaction cut by fragments waits until it is whole, what is before it does not",
    [
      watchResponse({ events: [putAt(11, "a"), putAt(12, "a")], fragment: true }),
      watchResponse({ events: [putAt(12, "b")], fragment: true }),
      watchResponse({ events: [putAt(12, "c"), putAt(13, "a")] }),
    ],
    ["11:a", "", "12:a,b,c 13:a"],
  ],
  [
    "a fragment that ends at the end of a transaction cannot be told from one that does not",
    [
      watchResponse({ events: [putAt(11, "a")], fragment: true }),
      watchResponse({ events: [putAt(12, "a")] }),
    ],
    ["", "11:a 12:a"],
  ],
  [
    "what is not newer than the watch is dropped, and so is what was told",
    [
      watchResponse({ events: [putAt(9, "old"), putAt(10, "old"), putAt(11, "a")] }),
      watchResponse({ events: [putAt(11, "a"), putAt(12, "b")] }),
    ],
    ["11:a", "12:b"],
  ],
  [
    "deletions, and keys of the driver's own, of which only the revision counts",
    [
      watchResponse({
        events: [
          { ...putAt(11, "a"), type: EVENT_DELETE },
          putAt(12, "\xffown"),
          putAt(13, "b"),
          putAt(13, "\xffown"),
        ],
      }),
    ],
    ["11:-a 12: 13:b"],
  ],
  [
    "progress, whatever revision it claims, tells nothing",
    [watchResponse({ header: { cluster_id: 1, revision: 99 } }), watchResponse({ events: [putAt(11, "a")] })],
    ["", "11:a"],
  ],
];
for (const [what, responses, expected] of sequences)
  test(`a watch takes apart: ${what}`, async (t) => {
    assert.deepEqual(await told(t, responses), expected);
  });

/** Each: the message that ends the watch, and the error. */
const ends: readonly (readonly [what: string, response: Partial<WatchResponse>, error: object])[] = [
  ["compacted", { compact_revision: 40 }, { code: "STORE_COMPACTED", oldest: 40 }],
  ["no leader", { cancel_reason: "etcdserver: no leader" }, { code: "STORE_NO_LEADER" }],
  ["denied", { cancel_reason: "etcdserver: permission denied" }, { code: "STORE_DENIED" }],
  ["a reason we do not know", { cancel_reason: "because" }, { code: "STORE_ERROR" }],
];
for (const [what, response, error] of ends)
  test(`a cancelled watch ends with the reason: ${what}`, async (t) => {
    await assert.rejects(told(t, [watchResponse({ canceled: true, ...response })]), error);
  });

test("a watch that the server ends, ends with an error", async (t) => {
  const changes = await watchOn(t, (stream) => stream.end());
  await assert.rejects(changes.next(), { code: "STORE_UNREACHABLE" });
});

test("a silent server is asked for progress, and given up when it does not answer", async (t) => {
  const clock = createFakeClock();
  const asked: string[] = [];
  const changes = await watchOn(
    t,
    (stream) => {
      stream.on("data", (request: WatchRequest) => {
        asked.push(Object.keys(request).join());
        if (asked.length === 1) stream.write(created);
      });
    },
    clock,
  );
  assert.deepEqual((await changes.next()).value, []);
  const end = assert.rejects(changes.next(), { code: "STORE_TIMEOUT" });
  let isOver = false;
  void end.finally(() => (isOver = true));
  await eventually(async () => {
    await clock.advance(1000);
    assert.ok(isOver);
  });
  await end;
  assert.ok(asked.length <= 4);
});

test("a server that answers for progress is not given up, however little happens", async (t) => {
  const clock = createFakeClock();
  let answers = 0;
  const changes = await watchOn(
    t,
    (stream) => stream.on("data", () => stream.write(answers++ ? watchResponse({}) : created)),
    clock,
  );
  for await (const some of changes) {
    assert.deepEqual(some, []);
    if (answers > 10) break;
    await clock.advance(1000);
    await clock.advance(1000);
  }
});
