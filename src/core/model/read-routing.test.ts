// What the field `routing` may say, and what is told of what it may not.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "../../base/errors.ts";
import { parseIp } from "../net/ip.ts";
import { readRouting } from "./read-routing.ts";
import { routingDocument } from "./routing.ts";

function read(value: unknown) {
  const faults: Fault[] = [];
  const routing = readRouting({ value, field: "routing" }, (fault) => faults.push(fault));
  return { routing, faults };
}
const tor = { ip: "10.0.0.1", as: 65_000 };
const bgp = (more: object = {}) => ({ bgp: { as: 65_001, neighbours: [tor], ...more } });

test("bgp needs a number for the hosts and one neighbour; all else has a default", () => {
  const { routing, faults } = read(bgp());
  assert.deepEqual(faults, []);
  assert.deepEqual(routing, {
    ...{ kind: "bgp", as: 65_001 },
    neighbours: [{ ip: parseIp("10.0.0.1"), as: 65_000, password: undefined }],
    ...{ hold: undefined, keepalive: undefined, communities: [], gracefulRestart: false, bfd: undefined },
  });
});

const whole = bgp({
  neighbours: [
    { ip: "10.0.0.1", as: 1, password: "a b'\\;}" },
    { ip: "fd00::1", as: 4_294_967_294 },
  ],
  ...{ hold: 9, keepalive: 3, communities: ["65001:100", "0:65535"] },
  ...{ graceful_restart: true, bfd: { interval: 100, multiplier: 5 } },
});
for (const said of ["none", "static", "prefix-announce-bgp:peer", "block-on-host, block-x", bgp(), whole])
  test(`${JSON.stringify(said).slice(0, 60)} reads back as it was said`, () => {
    const { routing, faults } = read(said);
    assert.deepEqual(faults, []);
    assert.deepEqual(routing && routingDocument(routing), said);
  });

test("nothing is what null says, and what is left out", () => {
  for (const said of [null, undefined]) assert.deepEqual(read(said), { routing: undefined, faults: [] });
});

test("bfd: true is 300 ms three times", () => {
  const { routing } = read(bgp({ bfd: true }));
  assert.deepEqual(routing?.kind === "bgp" && routing.bfd, { interval: 300, multiplier: 3 });
});

const neighbours = (...list: unknown[]) => bgp({ neighbours: list });
const wrong: readonly [what: string, said: unknown, ...faults: string[]][] = [
  ["an unknown kind", { rip: {} }, "ROUTING_FIELD_UNKNOWN routing.rip"],
  ["an unknown word", "bgp", "ROUTING_KIND routing"],
  ["words with a line break", "block-on-host\nblock-x", "ROUTING_KIND routing"],
  ["a number", 7, "ROUTING_KIND routing"],
  ["a list", [bgp()], "ROUTING_KIND routing"],
  ["nothing in braces", {}, "ROUTING_KIND routing"],
  ["bgp that is a word", { bgp: "yes" }, "ROUTING_OBJECT routing.bgp"],
  [
    "bgp of nobody with nobody",
    { bgp: {} },
    "ROUTING_AS routing.bgp.as",
    "ROUTING_LIST routing.bgp.neighbours",
  ],
  ["AS 0", bgp({ as: 0 }), "ROUTING_AS routing.bgp.as"],
  ["an AS of 33 bits", bgp({ as: 4_294_967_296 }), "ROUTING_AS routing.bgp.as"],
  ["an AS that stands for others", bgp({ as: 23_456 }), "ROUTING_AS routing.bgp.as"],
  ["an AS as text", bgp({ as: "65001" }), "ROUTING_AS routing.bgp.as"],
  ["a neighbour twice", neighbours(tor, { ...tor, as: 1 }), "ROUTING_DUPLICATE routing.bgp.neighbours[1].ip"],
  [
    "a neighbour twice in other words",
    neighbours({ ip: "fd00::1", as: 1 }, { ip: "fd00:0::1", as: 1 }),
    "ROUTING_DUPLICATE routing.bgp.neighbours[1].ip",
  ],
  [
    "a neighbour that is a group",
    neighbours({ ip: "ff02::1", as: 1 }),
    "ROUTING_IP routing.bgp.neighbours[0].ip",
  ],
  [
    "a neighbour on every link",
    neighbours({ ip: "fe80::1", as: 1 }),
    "ROUTING_IP routing.bgp.neighbours[0].ip",
  ],
  [
    "a password with a quote",
    neighbours({ ...tor, password: 'a"b' }),
    "ROUTING_PASSWORD routing.bgp.neighbours[0].password",
  ],
  [
    "a password with a line break",
    neighbours({ ...tor, password: "a\nb" }),
    "ROUTING_PASSWORD routing.bgp.neighbours[0].password",
  ],
  [
    "a password too long",
    neighbours({ ...tor, password: "x".repeat(81) }),
    "ROUTING_PASSWORD routing.bgp.neighbours[0].password",
  ],
  ["a hold time of 2 s", bgp({ hold: 2 }), "ROUTING_NUMBER routing.bgp.hold"],
  [
    "a keepalive that outlasts the hold time",
    bgp({ hold: 9, keepalive: 9 }),
    "ROUTING_NUMBER routing.bgp.keepalive",
  ],
  [
    "a community of one number",
    bgp({ communities: ["65001"] }),
    "ROUTING_COMMUNITY routing.bgp.communities[0]",
  ],
  [
    "a community of 17 bits",
    bgp({ communities: ["1:65536"] }),
    "ROUTING_COMMUNITY routing.bgp.communities[0]",
  ],
  [
    "graceful_restart as text",
    bgp({ graceful_restart: "on" }),
    "ROUTING_TOGGLE routing.bgp.graceful_restart",
  ],
  ["bfd of one interval", bgp({ bfd: { multiplier: 1 } }), "ROUTING_NUMBER routing.bgp.bfd.multiplier"],
  [
    "all at once",
    bgp({ as: 0, hold: 1, neighbours: [{ ip: "x", as: 0 }], more: 1 }),
    "ROUTING_FIELD_UNKNOWN routing.bgp.more",
    "ROUTING_NUMBER routing.bgp.hold",
    "ROUTING_AS routing.bgp.as",
    "ROUTING_IP routing.bgp.neighbours[0].ip",
    "ROUTING_AS routing.bgp.neighbours[0].as",
  ],
];
for (const [what, said, ...expected] of wrong)
  test(`refuses ${what}`, () => {
    const { routing, faults } = read(said);
    assert.deepEqual(
      faults.map(({ code, field }) => `${code} ${field}`),
      expected,
    );
    assert.deepEqual(routing, { kind: "unread" });
    assert.doesNotMatch(JSON.stringify(faults), /a\\?"b|xxxx/, "a password is not shown");
  });
