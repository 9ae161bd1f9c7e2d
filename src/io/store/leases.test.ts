import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { Leases } from "./leases.ts";

function start(expire: (id: string) => Promise<void> = async () => undefined) {
  const clock = createFakeClock();
  const ended: string[] = [];
  const leases = new Leases(clock, async (id) => {
    ended.push(`${id} at ${clock.monotonic() / 1000}`);
    await expire(id);
  });
  return { clock, leases, ended };
}

test("leases end at their own times, whatever the order they came in", async () => {
  const { clock, leases, ended } = start();
  leases.add("slow", 9);
  leases.add("quick", 2);
  leases.add("middle", 5);
  await clock.advance(4000);
  leases.renew("middle");
  await clock.advance(20_000);
  assert.deepEqual(ended, ["quick at 2", "slow at 9", "middle at 9"]);
  assert.equal(clock.sleeping, 0);
});

test("an end that could not be written is tried again each second, and meanwhile the lease is gone", async () => {
  let failures = 2;
  const { clock, leases, ended } = start(async () => {
    if (failures-- > 0) throw new UnavailableError({ code: "STORE_FULL" });
  });
  leases.add("a", 3);
  await clock.advance(3000);
  assert.deepEqual([leases.has("a"), leases.renew("a")], [false, false]);
  await clock.advance(10_000);
  assert.deepEqual(ended, ["a at 3", "a at 4", "a at 5"]);
});

test("a lease that is removed or closed ends no more", async () => {
  const { clock, leases, ended } = start();
  leases.add("a", 1);
  leases.add("b", 2);
  leases.remove("a");
  await clock.advance(1500);
  leases.close(new UnavailableError({ code: "STORE_CLOSED" }));
  await clock.advance(5000);
  assert.deepEqual([ended, clock.sleeping], [[], 0]);
  assert.throws(() => leases.renew("b"), { code: "STORE_CLOSED" });
});
