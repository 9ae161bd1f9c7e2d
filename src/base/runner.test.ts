import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, Milliseconds, Seconds, seededRng } from "./clock.ts";
import { UnavailableError } from "./errors.ts";
import { createHealth } from "./health.ts";
import { createLock } from "./lock.ts";
import { backoffDelay, retry } from "./retry.ts";
import { startRunner } from "./runner.ts";

/** Sleeps end at once and are noted. */
function instantClock(): Clock & { slept: number[]; time: number } {
  const clock = {
    slept: [] as number[],
    time: 0,
    now: () => clock.time,
    monotonic: () => clock.time,
    sleep: async (duration: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      clock.slept.push(duration);
      clock.time += duration;
    },
  };
  return clock;
}
const backoff = { first: Milliseconds(100), most: Seconds(1) };
const down = new UnavailableError({ code: "DOWN" });

test("a backoff doubles up to its most and never falls below half", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 40].map((attempt) => backoffDelay(backoff, attempt, () => 1)),
    [100, 200, 400, 800, 1000, 1000],
  );
  assert.equal(
    backoffDelay(backoff, 0, () => 0),
    50,
  );
});

test("retry ends with the first success, and with the last error", async () => {
  const clock = instantClock();
  let calls = 0;
  const flaky = async (): Promise<number> => {
    if (++calls < 3) throw down;
    return calls;
  };
  assert.equal(await retry(flaky, { backoff, attempts: 5 }, { clock, rng: seededRng(1) }), 3);
  calls = -9;
  await assert.rejects(retry(flaky, { backoff, attempts: 2 }, { clock, rng: seededRng(1) }), down);
  assert.equal(clock.slept.length, 3);
});

test("retry does not repeat what will never succeed", async () => {
  const clock = instantClock();
  const work = async (): Promise<void> => {
    throw new TypeError("bug");
  };
  await assert.rejects(retry(work, { backoff, attempts: 9 }, { clock, rng: seededRng(1) }), TypeError);
  assert.equal(clock.slept.length, 0);
});

test("pokes during a run make exactly one more", async () => {
  let runs = 0;
  let finish: () => void = () => undefined;
  const work = async (): Promise<void> => {
    runs++;
    await new Promise<void>((resolve) => (finish = resolve));
  };
  const runner = startRunner(
    work,
    { backoff, onError: assert.fail },
    { clock: instantClock(), rng: seededRng(1) },
  );
  for (let i = 0; i < 5; i++) runner.poke();
  finish();
  await settled();
  assert.equal(runs, 2);
  finish();
  await settled();
  assert.equal(runs, 2);
  await runner.close();
});

test("a failing run is tried again after a backoff, and closing ends it", async () => {
  let runs = 0;
  const errors: number[] = [];
  const work = async (): Promise<void> => {
    if (++runs < 4) throw down;
  };
  const clock = instantClock();
  const runner = startRunner(
    work,
    { backoff, onError: (_error, attempt) => void errors.push(attempt) },
    { clock, rng: () => 1 },
  );
  await settled();
  assert.deepEqual([runs, errors, clock.slept], [4, [0, 1, 2], [100, 200, 400]]);
  await runner.close();
});

test("a lock runs one at a time in the order of asking, whatever fails", async () => {
  const lock = createLock();
  const order: string[] = [];
  const first = lock.run(async () => {
    await settled();
    order.push("first");
    throw down;
  });
  const second = lock.run(() => order.push("second"));
  await assert.rejects(first, down);
  await second;
  assert.deepEqual(order, ["first", "second"]);
});

test("health: starting, ok, failed, silent", () => {
  const clock = instantClock();
  const health = createHealth(clock);
  const part = health.reporter("loop", Seconds(3));
  const state = (): string | undefined => health.state().parts["loop"];
  assert.equal(state(), "starting");
  part.ok();
  assert.deepEqual(health.state(), { ok: true, alive: true, parts: { loop: "ok" } });
  part.failed("disk full");
  assert.deepEqual(health.state(), { ok: false, alive: true, parts: { loop: "disk full" } });
  part.ok();
  clock.time += 4000;
  assert.equal(state(), "silent for 4 s");
  assert.deepEqual([health.state().ok, health.state().alive], [false, false]);
});

/** Lets every promise that can settle do so. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
