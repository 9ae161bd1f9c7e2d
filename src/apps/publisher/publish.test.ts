// What becomes of the file when BIRD refuses, is away, or is of another version than the program that checks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { createPublisher } from "./publish.ts";

/** A BIRD whose checker and daemon refuse what contains their word. */
function bed(file?: string) {
  const state = { file, away: false, told: 0, checked: 0, running: file };
  const configuration = {
    read: () => Promise.resolve(state.file),
    replace(text: string) {
      state.checked++;
      if (text.includes("unchecked")) return Promise.resolve("line 1");
      state.file = text;
      return Promise.resolve(undefined);
    },
    restore(text: string | undefined) {
      state.file = text;
      return Promise.resolve();
    },
  };
  const control = {
    protocols: () => Promise.resolve([]),
    configure() {
      if (state.away) return Promise.reject(new UnavailableError({ code: "BIRD_SOCKET" }));
      state.told++;
      if (state.file?.includes("unloved")) return Promise.resolve("line 2");
      state.running = state.file;
      return Promise.resolve(undefined);
    },
  };
  return { state, publisher: createPublisher({ configuration, control }) };
}

test("a configuration is checked, written and told once", async () => {
  const { state, publisher } = bed();
  assert.deepEqual(await publisher.publish("a"), { kind: "applied" });
  assert.deepEqual(await publisher.publish("a"), { kind: "unchanged" });
  assert.deepEqual([state.running, state.checked, state.told], ["a", 1, 1]);
});

test("after a restart of the publisher the file that is there is told, and not written", async () => {
  const { state, publisher } = bed("a");
  assert.deepEqual(await publisher.publish("a"), { kind: "applied" });
  assert.deepEqual([state.checked, state.told], [0, 1]);
});

for (const [who, text, reason] of [
  ["the checker", "unchecked", "line 1"],
  ["BIRD itself", "unloved", "line 2"],
] as const)
  test(`what ${who} refuses leaves the last good configuration, on disk too, and is not tried again and again`, async () => {
    const { state, publisher } = bed();
    await publisher.publish("a");
    for (let i = 0; i < 3; i++) assert.deepEqual(await publisher.publish(text), { kind: "refused", reason });
    assert.deepEqual([state.file, state.running, state.checked], ["a", "a", 2]);
    assert.deepEqual(await publisher.publish("b"), { kind: "applied" });
    assert.deepEqual([state.file, state.running], ["b", "b"]);
  });

test("while BIRD is away the file is ready for its start, and it is told when it is back", async () => {
  const { state, publisher } = bed("a");
  state.away = true;
  await assert.rejects(publisher.publish("b"), { code: "BIRD_SOCKET" });
  assert.deepEqual([state.file, state.running], ["b", "a"]);
  state.away = false;
  assert.deepEqual(await publisher.publish("b"), { kind: "applied" });
  assert.equal(state.running, "b");
});
