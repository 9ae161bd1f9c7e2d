// Each kind of wrong, made by hand: the checker must name it. And what only looks wrong must pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkHistory } from "./check-history.ts";
import type { Given, History, Operation, Outcome, Request } from "./history.ts";
import type { Rule } from "./violations.ts";

const DONE: Outcome = { kind: "done" };
const LOST: Outcome = { kind: "unknown", why: "timeout" };
const no = (code: string): Outcome => ({ kind: "refused", code });
const A = "10.0.0.1";
const B = "10.0.0.2";

const given = (name: string, ip: string, sequence: number, host = "h0"): Given => ({
  ...{ name, host, tenant: "t", segment: "", ips: [ip], sequence },
});
const ask = (name: string, host = "h0", ips?: string[]): Request => ({
  ...{ kind: "allocate", name, host, tenant: "t", segment: "" },
  ...(ips && { ips }),
});
const free = (name: string, sequence?: number): Request => ({
  ...{ kind: "release", name },
  ...(sequence !== undefined && { sequence }),
});
const told = (name: string, ip: string, sequence: number, host = "h0"): Outcome => ({
  ...{ kind: "given", ...given(name, ip, sequence, host) },
});

type Row = readonly [start: number, end: number, request: Request, outcome: Outcome];
const history = (rows: readonly Row[], left: readonly Given[] = []): History => ({
  ground: { hosts: ["h0", "h9"], small: [{ tenant: "t", cidr: "10.0.0.0/29", blockMask: 30 }], skew: 0 },
  operations: rows.map(([start, end, request, outcome]): Operation => ({
    ...{ client: "c", start, end, request, outcome },
  })),
  final: { start: 1000, end: 1001, addresses: left },
});
const rulesOf = (made: History): Rule[] => [...new Set(checkHistory(made).map(({ rule }) => rule))];

// long: a table
const wrong: readonly (readonly [what: string, rule: Rule, rows: readonly Row[], left?: readonly Given[]])[] =
  [
    [
      "an address that two hold at once",
      "held-by-two",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [20, 30, ask("b"), told("b", A, 2)],
        [40, 50, free("a", 1), DONE],
        [60, 70, free("b", 2), DONE],
      ],
    ],
    [
      "an address given to another while a retry says that its holder has it still",
      "held-by-two",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [11, 12, free("a", 1), LOST],
        [20, 30, ask("b"), told("b", A, 2)],
        [40, 50, ask("a"), told("a", A, 1)],
      ],
      [given("b", A, 2)],
    ],
    [
      "two that have one address at the end",
      "held-by-two",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [0, 10, ask("b"), told("b", A, 2)],
      ],
      [given("a", A, 1), given("b", A, 2)],
    ],
    [
      "a name that gets another address while it is alive",
      "two-addresses",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [20, 30, ask("a"), told("a", B, 2)],
      ],
      [given("a", B, 2)],
    ],
    [
      "one allocation that is told with two addresses",
      "two-addresses",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [20, 30, ask("a"), told("a", B, 1)],
      ],
      [given("a", A, 1)],
    ],
    ["an answer for somebody else", "wrong-reply", [[0, 10, ask("a"), told("b", A, 1)]], [given("b", A, 1)]],
    [
      "an answer for another host",
      "wrong-reply",
      [[0, 10, ask("a"), told("a", A, 1, "h9")]],
      [given("a", A, 1, "h9")],
    ],
    [
      "a wish that was not heard",
      "wrong-reply",
      [[0, 10, ask("a", "h0", [B]), told("a", A, 1)]],
      [given("a", A, 1)],
    ],
    [
      "a number that falls",
      "sequence-fell",
      [
        [0, 10, ask("a"), told("a", A, 5)],
        [20, 30, free("a", 5), DONE],
        [40, 50, ask("a"), told("a", B, 4)],
      ],
      [given("a", B, 4)],
    ],
    [
      "an allocation that is told after its release",
      "lives-after-release",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [20, 30, free("a", 1), DONE],
        [40, 50, ask("a"), told("a", A, 1)],
      ],
    ],
    [
      "an allocation that is in the store after its release",
      "lives-after-release",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [20, 30, free("a"), DONE],
      ],
      [given("a", A, 1)],
    ],
    [
      "an allocation that outlives its host",
      "lives-after-release",
      [
        [0, 5, { kind: "add-host", host: "h1" }, DONE],
        [6, 10, ask("a", "h1"), told("a", A, 1, "h1")],
        [20, 30, { kind: "remove-host", host: "h1" }, DONE],
      ],
      [given("a", A, 1, "h1")],
    ],
    [
      "a release that is done twice",
      "freed-twice",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [20, 30, free("a", 1), DONE],
        [40, 50, free("a", 1), DONE],
      ],
    ],
    [
      "a late release that frees who came after",
      "lost",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [20, 30, free("a", 1), DONE],
        [40, 50, ask("a"), told("a", A, 2)],
        [60, 70, free("a", 1), DONE],
      ],
    ],
    ["a number freed that nobody was given", "freed-twice", [[0, 10, free("a", 7), DONE]]],
    [
      "a release denied of what is there",
      "refused-wrongly",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [20, 30, free("a", 1), no("ADDRESS_UNKNOWN")],
      ],
      [given("a", A, 1)],
    ],
    [
      "a release called late that is not",
      "refused-wrongly",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [20, 30, free("a", 1), no("RELEASE_STALE")],
      ],
      [given("a", A, 1)],
    ],
    ["a name called taken that nobody has", "refused-wrongly", [[0, 10, ask("a"), no("NAME_TAKEN")]]],
    ["a host called unknown that is there", "refused-wrongly", [[0, 10, ask("a"), no("HOST_UNKNOWN")]]],
    [
      "exhausted, with a block that nobody was in",
      "exhausted-wrongly",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [20, 30, ask("b", "h9"), no("EXHAUSTED")],
      ],
      [given("a", A, 1)],
    ],
    [
      "exhausted, with an address free in an own block",
      "exhausted-wrongly",
      [
        [0, 10, ask("a"), told("a", A, 1)],
        [0, 10, ask("z", "h9"), told("z", "10.0.0.5", 1, "h9")],
        [20, 30, ask("b"), no("EXHAUSTED")],
      ],
      [given("a", A, 1), given("z", "10.0.0.5", 1, "h9")],
    ],
    [
      "an address out of a reserved range",
      "given-from-blackout",
      [
        [0, 10, { kind: "reserve", cidr: "10.0.0.0/30" }, DONE],
        [20, 30, ask("a"), told("a", A, 1)],
      ],
      [given("a", A, 1)],
    ],
    [
      "an address on a host that was removed",
      "given-on-removed-host",
      [
        [0, 5, { kind: "add-host", host: "h1" }, DONE],
        [6, 10, { kind: "remove-host", host: "h1" }, DONE],
        [20, 30, ask("a", "h1"), told("a", A, 1, "h1")],
      ],
      [given("a", A, 1, "h1")],
    ],
    ["an acknowledged allocation that is not in the store", "lost", [[0, 10, ask("a"), told("a", A, 1)]]],
    ["an address in the store that nobody asked for", "unasked", [], [given("a", A, 1)]],
    [
      "an address in the store of who asked on another host",
      "unasked",
      [[0, 10, ask("a", "h9"), LOST]],
      [given("a", A, 1)],
    ],
  ];

for (const [what, rule, rows, left] of wrong)
  test(`found: ${what}`, () => {
    const rules = rulesOf(history(rows, left));
    assert.ok(rules.includes(rule), `expected ${rule}, found: ${rules.join() || "nothing"}`);
  });

// long: a table
const right: readonly (readonly [what: string, rows: readonly Row[], left?: readonly Given[]])[] = [
  ["nothing at all", []],
  [
    "an address that goes from one to the next, the requests overlapping",
    [
      [0, 10, ask("a"), told("a", A, 1)],
      [20, 30, free("a", 1), DONE],
      [21, 29, ask("b"), told("b", A, 2)],
    ],
    [given("b", A, 2)],
  ],
  [
    "a release without an answer that was done",
    [
      [0, 10, ask("a"), told("a", A, 1)],
      [20, 30, free("a", 1), LOST],
      [40, 50, ask("b"), told("b", A, 2)],
    ],
    [given("b", A, 2)],
  ],
  [
    "a release without an answer that was not done",
    [
      [0, 10, ask("a"), told("a", A, 1)],
      [20, 30, free("a", 1), LOST],
    ],
    [given("a", A, 1)],
  ],
  ["an allocation without an answer that is in the store", [[0, 10, ask("a"), LOST]], [given("a", A, 1)]],
  ["an allocation without an answer that is not", [[0, 10, ask("a"), LOST]]],
  [
    "a retry that finds what the first try made",
    [
      [0, 10, ask("a"), LOST],
      [20, 30, ask("a"), told("a", A, 1)],
      [40, 50, ask("a"), told("a", A, 1)],
    ],
    [given("a", A, 1)],
  ],
  [
    "a release denied while another frees",
    [
      [0, 10, ask("a"), told("a", A, 1)],
      [20, 30, free("a", 1), DONE],
      [25, 35, free("a", 1), no("ADDRESS_UNKNOWN")],
    ],
  ],
  [
    "a late release, refused as late",
    [
      [0, 10, ask("a"), told("a", A, 1)],
      [20, 30, free("a", 1), DONE],
      [40, 50, ask("a"), told("a", A, 2)],
      [60, 70, free("a", 1), no("RELEASE_STALE")],
    ],
    [given("a", A, 2)],
  ],
  [
    "exhausted, with one in every block",
    [
      [0, 10, ask("a"), told("a", A, 1)],
      [0, 10, ask("z", "h9"), told("z", "10.0.0.5", 1, "h9")],
      [20, 30, ask("b", "h8"), no("EXHAUSTED")],
    ],
    [given("a", A, 1), given("z", "10.0.0.5", 1, "h9")],
  ],
  [
    "exhausted, where somebody who was not told may be in the last block",
    [
      [0, 10, ask("a"), told("a", A, 1)],
      [0, 10, ask("z", "h9"), LOST],
      [20, 30, ask("b", "h8"), no("EXHAUSTED")],
    ],
    [given("a", A, 1)],
  ],
  [
    "an address out of a range that was reserved at the same time",
    [
      [0, 10, { kind: "reserve", cidr: "10.0.0.0/30" }, DONE],
      [5, 15, ask("a"), told("a", A, 1)],
    ],
    [given("a", A, 1)],
  ],
];

for (const [what, rows, left] of right)
  test(`right: ${what}`, () => assert.deepEqual(checkHistory(history(rows, left)), []));
