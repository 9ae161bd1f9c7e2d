// The way to the worker thread, with a thread that answers when the test says so.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { WorkerReply, WorkerRequest } from "./sqlite-messages.ts";
import { SqlitePort } from "./sqlite-port.ts";

class FakeWorker extends EventEmitter {
  readonly lists: (readonly WorkerRequest[])[] = [];
  isTerminated = false;
  postMessage(list: readonly WorkerRequest[]): void {
    this.lists.push(list);
  }
  async terminate(): Promise<number> {
    this.isTerminated = true;
    this.emit("exit", 1);
    return 1;
  }
  /** Answers the last list, each request with nothing. */
  answer(...ids: number[]): void {
    const list = this.lists.at(-1) ?? [];
    const replies: WorkerReply[] = (ids.length > 0 ? ids : [...list.keys()]).map((id) => ({
      id,
      answer: undefined,
    }));
    this.emit("message", replies);
  }
}

function start() {
  const worker = new FakeWorker();
  const clock = createFakeClock();
  const deaths: UnavailableError[] = [];
  const port = new SqlitePort(worker as unknown as Worker, {
    clock,
    onDeath: (reason) => deaths.push(reason),
  });
  const compact = (revision: number, take = (): number => revision): Promise<number> =>
    port.ask({ kind: "compact", revision }, take);
  return { worker, clock, deaths, port, compact };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const revisionsOf = (list: readonly WorkerRequest[] | undefined): number[] =>
  (list ?? []).map((request) => (request.kind === "compact" ? request.revision : -1));
const hasCode = (code: string) => (error: unknown) =>
  error instanceof UnavailableError && error.code === code;

test("what is asked in one turn goes as one list, what is asked meanwhile as the next", async () => {
  const { worker, compact } = start();
  const first = [compact(1), compact(2)];
  await turn();
  const second = [compact(3), compact(4)];
  await turn();
  assert.deepEqual(worker.lists.map(revisionsOf), [[1, 2]]);
  worker.answer();
  assert.deepEqual(await Promise.all(first), [1, 2]);
  assert.deepEqual(worker.lists.map(revisionsOf), [
    [1, 2],
    [3, 4],
  ]);
  worker.answer();
  assert.deepEqual(await Promise.all(second), [3, 4]);
});

test("a list that is answered in two parts is done with the second", async () => {
  const { worker, compact } = start();
  const asked = [compact(1), compact(2)];
  await turn();
  const later = compact(3);
  worker.answer(1);
  assert.equal(await asked[1], 2);
  assert.equal(worker.lists.length, 1);
  worker.answer(0);
  assert.equal(await asked[0], 1);
  assert.equal(worker.lists.length, 2);
  worker.answer();
  assert.equal(await later, 3);
});

test("one list holds no more than 256", async () => {
  const { worker, compact } = start();
  const all = Array.from({ length: 300 }, (_, i) => compact(i));
  await turn();
  worker.answer();
  worker.answer();
  await Promise.all(all);
  assert.deepEqual(
    worker.lists.map(({ length }) => length),
    [256, 44],
  );
});

test("while the disk hangs all who wait are told after 10 s; what was not sent is not done; a late answer still counts", async () => {
  const { worker, clock, compact } = start();
  const taken: number[] = [];
  const take = (): number => taken.push(1);
  const sent = assert.rejects(compact(1, take), hasCode("STORE_TIMEOUT"));
  await turn();
  const unsent = assert.rejects(compact(2, take), hasCode("STORE_TIMEOUT"));
  await clock.advance(10_000);
  await Promise.all([sent, unsent]);
  const later = assert.rejects(compact(3, take), hasCode("STORE_TIMEOUT"));
  await clock.advance(10_000);
  await later;
  const last = compact(4, take);
  worker.answer();
  assert.deepEqual(taken, [1], "the answer that came late");
  assert.deepEqual(worker.lists.map(revisionsOf), [[1], [4]]);
  worker.answer();
  assert.equal(await last, 2);
  assert.equal(clock.sleeping, 0);
});

test("a refusal rejects its request alone, with the code", async () => {
  const { worker, compact } = start();
  const [refused, done] = [compact(1), compact(2)];
  await turn();
  worker.emit("message", [
    { id: 0, refusal: { code: "STORE_FULL", message: "no space" } },
    { id: 1, answer: undefined },
  ] satisfies WorkerReply[]);
  await assert.rejects(refused, hasCode("STORE_FULL"));
  assert.equal(await done, 2);
});

for (const [name, event, cause] of [
  ["throws", "error", new Error("broken")],
  ["ends", "exit", 1],
] as const)
  test(`a thread that ${name} rejects all and what comes after, and is told once`, async () => {
    const { worker, deaths, compact } = start();
    const sent = assert.rejects(compact(1), hasCode("STORE_DIED"));
    await turn();
    const waits = assert.rejects(compact(2), hasCode("STORE_DIED"));
    worker.emit(event, cause);
    worker.emit("exit", 1);
    await Promise.all([sent, waits]);
    await assert.rejects(compact(3), hasCode("STORE_DIED"));
    assert.equal(deaths.length, 1);
  });

test("closing lets what waits be done, refuses what comes, closes the database, then ends the thread", async () => {
  const { worker, deaths, port, compact } = start();
  const [sent] = [compact(1)];
  await turn();
  const waits = compact(2);
  const closing = port.close(new UnavailableError({ code: "STORE_CLOSED" }));
  await assert.rejects(compact(3), hasCode("STORE_CLOSED"));
  worker.answer();
  assert.deepEqual(
    worker.lists.at(-1)?.map(({ kind }) => kind),
    ["compact", "close"],
  );
  assert.equal(worker.isTerminated, false);
  worker.answer();
  assert.deepEqual([await sent, await waits], [1, 2]);
  await closing;
  assert.deepEqual([worker.isTerminated, deaths], [true, []]);
});

test("closing does not wait for a disk that hangs for ever", async () => {
  const { worker, clock, port } = start();
  const closing = assert.rejects(
    port.close(new UnavailableError({ code: "STORE_CLOSED" })),
    hasCode("STORE_TIMEOUT"),
  );
  await clock.advance(10_000);
  await closing;
  assert.equal(worker.isTerminated, true);
});
