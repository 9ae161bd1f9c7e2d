import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { startPatiently } from "./patient-start.ts";

const fails = (code: string): UnavailableError => new UnavailableError({ code });

/** Starts that fail with these codes, one after the other, and then succeed. */
function starting(...codes: string[]) {
  const clock = createFakeClock();
  const stop = new AbortController();
  let starts = 0;
  const start = async (): Promise<string> => {
    const code = codes[starts++];
    if (code !== undefined) throw fails(code);
    return "started";
  };
  const outcome = startPatiently(start, stop.signal, { clock, rng: () => 0, log: silentLog });
  // Whoever awaits it hears of it.
  outcome.catch(() => undefined);
  return { clock, stop, outcome, starts: () => starts };
}

test("a store that does not answer is tried again until it does", async () => {
  const { clock, outcome, starts } = starting("STORE_UNREACHABLE", "STORE_TIMEOUT", "STORE_NO_LEADER");
  await clock.advance(20_000);
  assert.deepEqual([await outcome, starts()], ["started", 4]);
});

test("what a person must mend ends the start at once", async () => {
  const { outcome, starts } = starting("STORE_SCHEMA_NEWER");
  await assert.rejects(outcome, { code: "STORE_SCHEMA_NEWER" });
  assert.equal(starts(), 1);
});

test("a signal ends the wait", async () => {
  const { clock, stop, outcome } = starting(...Array.from({ length: 100 }, () => "STORE_UNREACHABLE"));
  await clock.advance(1000);
  stop.abort();
  assert.equal(await outcome, undefined);
});
