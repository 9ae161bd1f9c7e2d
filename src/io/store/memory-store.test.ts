import assert from "node:assert/strict";
import { test } from "node:test";
import { testStore } from "../../../test/store/conformance.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { createMemoryStore } from "./memory-store.ts";

testStore("memory", async () => {
  const clock = createFakeClock();
  return { store: createMemoryStore({ clock }), pass: (seconds) => clock.advance(seconds * 1000) };
});

test("a test can make any method of the memory store fail or wait", async () => {
  const failing = new Set<string>(["get", "txn"]);
  const store = createMemoryStore({
    clock: createFakeClock(),
    faults(method) {
      if (failing.has(method)) throw new UnavailableError({ code: "STORE_TIMEOUT", method });
    },
  });
  const write = () => store.txn([], [{ kind: "put", key: "k", value: "v" }]);
  await assert.rejects(store.get("k"), { code: "STORE_TIMEOUT" });
  await assert.rejects(write, { code: "STORE_TIMEOUT" });
  failing.clear();
  assert.equal((await store.get("k")).entry, undefined);
  assert.equal((await write()).kind, "committed");
});
