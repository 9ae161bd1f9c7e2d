import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import { Milliseconds, seededRng } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { createMemoryStore } from "../../io/store/memory-store.ts";
import { createMetrics } from "./metrics.ts";
import { Mirror } from "./mirror.ts";
import { Writer } from "./writer.ts";

/** A writer whose transactions commit when they are told to; `sizes`: the writes in each. */
async function startWriter(gather: number) {
  const clock = createFakeClock();
  const memory = createMemoryStore({ clock });
  const sizes: number[] = [];
  let release = (): void => undefined;
  const store = storeWith(memory, {
    async txn(compares, operations) {
      sizes.push(operations.length);
      await new Promise<void>((resolve) => (release = resolve));
      return memory.txn(compares, operations);
    },
  });
  const deaf = { onChange: () => undefined, hearsAddresses: () => false, onError: () => undefined };
  const mirror = new Mirror({ store, clock, rng: seededRng(1), log: silentLog, ...deaf });
  const metrics = createMetrics();
  const writer = new Writer({ store, mirror, clock, metrics, gather: Milliseconds(gather) });
  const ask = (tenant: string): Promise<string> =>
    writer.submit(() => ({
      value: tenant,
      plan: { writes: [{ kind: "put-limit", limit: { tenant, networks: {} } }], guards: [] },
    }));
  return { clock, sizes, ask, commit: () => release() };
}

test("those who wait go with those who were just answered, or without them when they are not back in time", async () => {
  const { clock, sizes, ask, commit } = await startWriter(1);
  const first = ask("a");
  await eventually(() => assert.deepEqual(sizes, [1]));
  const waiting = [ask("b"), ask("c")];
  commit();
  await first;
  await eventually(() => assert.equal(clock.sleeping, 1));
  const back = ask("a");
  await eventually(() => assert.deepEqual(sizes, [1, 3]), { every: 1 });
  const fourth = ask("d");
  commit();
  await Promise.all([...waiting, back]);
  await eventually(() => assert.equal(clock.sleeping, 2));
  assert.deepEqual(sizes, [1, 3], "three others are waited for");
  await clock.advance(1);
  await eventually(() => assert.deepEqual(sizes, [1, 3, 1]));
  commit();
  await fourth;
});

test("where no other daemon follows nobody waits", async () => {
  const { clock, sizes, ask, commit } = await startWriter(0);
  const first = ask("a");
  await eventually(() => assert.deepEqual(sizes, [1]));
  const second = ask("b");
  commit();
  await first;
  await eventually(() => assert.deepEqual(sizes, [1, 1]));
  assert.equal(clock.sleeping, 0);
  commit();
  await second;
});
