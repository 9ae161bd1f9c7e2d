import assert from "node:assert/strict";
import { test } from "node:test";
import { allEnded } from "./all-ended.ts";
import { createKeyedLock } from "./lock.ts";

const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("work of one key waits for the one before, that of another does not; a failure is the caller's alone", async () => {
  const lock = createKeyedLock();
  const told: string[] = [];
  let finish = (): void => undefined;
  const first = lock.run("a", async () => {
    await new Promise<void>((resolve) => (finish = resolve));
    told.push("a1");
    throw new Error("a1");
  });
  const second = lock.run("a", () => told.push("a2"));
  await lock.run("b", () => told.push("b"));
  await turns();
  assert.deepEqual(told, ["b"]);
  finish();
  await assert.rejects(first, /a1/);
  await second;
  assert.deepEqual(told, ["b", "a1", "a2"]);
});

test("all have ended before the first failure, in the order of the list, is thrown", async () => {
  const told: string[] = [];
  const slow = (name: string, rounds: number, fails: boolean) => async (): Promise<string> => {
    for (let i = 0; i < rounds; i++) await turns();
    told.push(name);
    if (fails) throw new Error(name);
    return name;
  };
  await assert.rejects(allEnded([slow("a", 3, true)(), slow("b", 1, true)(), slow("c", 5, false)()]), /a/);
  assert.deepEqual(told, ["b", "a", "c"]);
  assert.deepEqual(await allEnded([slow("d", 1, false)(), 7]), ["d", 7]);
});
