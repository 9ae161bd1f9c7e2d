import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChangeLog, type ChangeLogOptions, createChangeLog, type HistoryPage } from "./change-log.ts";
import type { WatchEvent, WatchMessage } from "./store.ts";

const event = (revision: number, value = ""): WatchEvent => ({
  kind: "put",
  entry: { key: `k${revision % 2}`, value, createRevision: revision, revision },
});

function logOf(options: Partial<ChangeLogOptions> = {}): ChangeLog {
  return createChangeLog({ revision: 0, compacted: 0, ...options });
}
function append(log: ChangeLog, from: number, to: number, value?: string): void {
  for (let revision = from; revision <= to; revision++) log.append(revision, [event(revision, value)]);
}

/** What a watcher is told until it has caught up: revisions of events, and other messages by name. */
async function told(log: ChangeLog, since: number, prefix = ""): Promise<(number | string)[]> {
  const found: (number | string)[] = [];
  for await (const message of log.watch(prefix, { since, signal: AbortSignal.timeout(5000) })) {
    found.push(...describe(message));
    if (message.kind === "progress") break;
  }
  return found;
}
function describe(message: WatchMessage): (number | string)[] {
  if (message.kind === "compacted") return [`compacted ${message.oldest}`];
  if (message.kind === "progress") return [`at ${message.revision}`];
  return message.events.map((each) => (each.kind === "put" ? each.entry.revision : each.revision));
}
const upTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("a log without a history forgets what is too much: a late watcher is told", async () => {
  const log = logOf({ capacity: 10 });
  append(log, 1, 21);
  assert.deepEqual(await told(log, 0), ["compacted 11"]);
  assert.deepEqual(await told(log, 10), ["compacted 11"]);
  assert.deepEqual(await told(log, 11), [...upTo(12, 21), "at 21"]);
});

test("what weighs too much is forgotten as well, but never the last change", async () => {
  const log = logOf();
  append(log, 1, 9, "x".repeat(16 * 2 ** 20));
  const [first] = await told(log, 0);
  assert.match(String(first), /^compacted [5-8]$/);
  assert.deepEqual(await told(log, 8), [9, "at 9"]);
  append(log, 10, 10, "x".repeat(80 * 2 ** 20));
  assert.deepEqual(await told(log, 9), [10, "at 10"]);
});

test("a log with a history reads there what it forgot, page by page, then goes on by itself", async () => {
  const asked: number[] = [];
  const history = async (_prefix: string, after: number): Promise<HistoryPage> => {
    asked.push(after);
    return {
      events: upTo(after + 1, after + 4).map((revision) => event(revision)),
      upTo: after + 4,
      compacted: 2,
    };
  };
  const log = logOf({ capacity: 10, revision: 5, compacted: 2, history });
  append(log, 6, 26);
  assert.deepEqual(await told(log, 2), [...upTo(3, 26), "at 26"]);
  assert.deepEqual(asked, [2, 6, 10, 14]);
  assert.deepEqual(await told(log, 1), ["compacted 2"]);
});

test("a history that was compacted while it was read ends the watch", async () => {
  const log = logOf({
    revision: 9,
    compacted: 0,
    history: async () => ({ events: [event(9)], upTo: 9, compacted: 7 }),
  });
  assert.deepEqual(await told(log, 3), ["compacted 7"]);
});

test("a long past comes in several messages, none of which splits a transaction", async () => {
  const log = logOf();
  for (let revision = 1; revision <= 2500; revision++)
    log.append(revision, [event(revision), event(revision)]);
  const sizes: number[] = [];
  for await (const message of log.watch("", { since: 0, signal: AbortSignal.timeout(5000) })) {
    if (message.kind !== "events") break;
    sizes.push(message.events.length);
  }
  assert.deepEqual(sizes, [2000, 2000, 1000]);
});

test("changes elsewhere are progress for a watcher that waits", async () => {
  const log = logOf();
  append(log, 1, 1);
  const messages = log.watch("k0", { since: 0, signal: AbortSignal.timeout(5000) });
  assert.deepEqual((await messages.next()).value, { kind: "progress", revision: 1 });
  const waits = messages.next();
  append(log, 3, 3);
  assert.deepEqual((await waits).value, { kind: "progress", revision: 3 });
});
