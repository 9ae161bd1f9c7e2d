// When a duty is done, and what is said of it: well while another leads, well when it was done, and in between under way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { seededRng, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { createHealth } from "../../base/health.ts";
import { silentLog } from "../../base/log.ts";
import { startDuty } from "./duty.ts";
import { createMetrics } from "./metrics.ts";

test("a duty is done by who leads, once what it is done from is known, and is well when it was done", async (t) => {
  const clock = createFakeClock();
  const health = createHealth(clock);
  const leader = { isLeading: false };
  const now = { isKnown: false, failing: true };
  let done = 0;
  const work = async (): Promise<void> => {
    if (now.failing) throw new UnavailableError({ code: "AWAY" });
    done++;
  };
  const deps = { leader, health, clock, metrics: createMetrics(), log: silentLog, rng: seededRng(1) };
  const duty = startDuty("part", { isKnown: () => now.isKnown, work }, { ...deps, every: Seconds(60) });
  t.after(() => duty.close());
  const said = async (): Promise<string | undefined> => {
    duty.poke();
    await clock.advance(15_000);
    return health.state().parts["part"];
  };
  assert.equal(await said(), "ok");
  leader.isLeading = true;
  assert.equal(await said(), "under way");
  now.isKnown = true;
  assert.match((await said()) ?? "", /AWAY/);
  now.failing = false;
  assert.equal(await said(), "ok");
  assert.ok(done > 0);
  leader.isLeading = false;
  const before = done;
  assert.equal(await said(), "ok");
  assert.equal(done, before);
});
