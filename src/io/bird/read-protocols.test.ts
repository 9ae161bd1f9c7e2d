// What BIRD 2.0.12 answered, word for word.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readProtocols } from "./read-protocols.ts";

const lines = [
  "Name       Proto      Table      State  Since         Info",
  "device1    Device     ---        up     19:31:58.700  ",
  "",
  "romana_0_v4 Static     master4    up     2026-11-29    ",
  "  Channel ipv4",
  "    Routes:         3 imported, 0 exported, 3 preferred",
  "      Import updates:              1          0          0          0          1",
  "romana_10_0_0_1 BGP        ---        up     19:32:01.002  Established   ",
  "  BGP state:          Established",
  "  Channel ipv4",
  "    Routes:         0 imported, 3 exported, 0 preferred",
  "  Channel ipv6",
  "    Routes:         0 imported, 2 exported, 0 preferred",
  "romana_fd00__1 BGP        ---        start  2026-11-30 19:31:58  Active        Socket: No route to host",
];

test("protocols are read with their states and what they export over all channels", () => {
  assert.deepEqual(readProtocols(lines), [
    { name: "device1", kind: "Device", info: "", exported: 0 },
    { name: "romana_0_v4", kind: "Static", info: "", exported: 0 },
    { name: "romana_10_0_0_1", kind: "BGP", info: "Established", exported: 5 },
    { name: "romana_fd00__1", kind: "BGP", info: "Active        Socket: No route to host", exported: 0 },
  ]);
});
