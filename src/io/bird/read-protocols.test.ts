// What BIRD 2.0.12 answered, word for word.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readProtocols } from "./read-protocols.ts";

const lines = [
  "Name       Proto      Table      State  Since         Info",
  "device1    Device     ---        up     19:31:58.700  ",
  "romana_0_v4 Static     master4    up     2026-11-29    ",
  "romana_10_0_0_1 BGP        ---        up     19:32:01.002  Established   ",
  "romana_fd00__1 BGP        ---        start  2026-11-30 19:31:58  Active        Socket: No route to host",
  "",
];

test("protocols are read with what they are at", () => {
  assert.deepEqual(readProtocols(lines), [
    { name: "device1", info: "" },
    { name: "romana_0_v4", info: "" },
    { name: "romana_10_0_0_1", info: "Established" },
    { name: "romana_fd00__1", info: "Active        Socket: No route to host" },
  ]);
});
