import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { planLoss, planOpen, planReported } from "../../core/ipam/adoption-round.ts";
import { applyWrites, createIpamState, type IpamState } from "../../core/ipam/state.ts";
import type { Plan } from "../../core/ipam/types.ts";
import type { AdoptionRecord } from "../../core/model/adoption-record.ts";
import { parseCidr } from "../../core/net/cidr.ts";
import { Adoption } from "./adoption.ts";

const WINDOW = 10_000;
const options = { cluster: "c1", isImported: false, isKnown: false, window: WINDOW };
const network = { name: "v4", cidr: parseCidr("10.0.0.0/16"), blockMask: 29, tenants: [] };

const loses = (state: IpamState): Plan => planLoss(state, false);

/** Two hosts and what the store says, followed by one daemon. */
class World {
  readonly state: IpamState = createIpamState();
  readonly adoption = new Adoption(options);

  constructor(...records: AdoptionRecord[]) {
    this.state.apply({ kind: "put-topology", topology: { networks: [network], trees: [] } });
    for (const name of ["h1", "h2"])
      this.state.apply({
        kind: "put-host",
        host: { name, ips: [], tags: {}, agentPort: 0, k8sInfo: {}, groups: [] },
      });
    const [first, ...later] = records;
    assert.ok(first);
    this.put(first);
    this.adoption.begin(first, 0);
    for (const record of later) this.put(record);
  }

  /** Somebody writes it, and the watch tells. */
  put(adoption: AdoptionRecord, now = 0): void {
    this.state.apply({ kind: "put-adoption", adoption });
    this.adoption.follow(adoption, now);
  }

  plan(plan: (state: IpamState) => Plan, now = 0): void {
    applyWrites(this.state, plan(this.state).writes);
    this.adoption.follow(this.state.adoption, now);
  }

  report(host: string): void {
    this.plan((state) => planReported(state, host, false));
  }

  get verdict(): string {
    try {
      this.adoption.check(this.state);
      return "ready";
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      return `${error.code} ${String(error.details["hosts"])}`;
    }
  }

  isOver(now: number): boolean {
    return this.adoption.isOver(this.state, now);
  }
}

const asked = { round: 2, state: "asked" } as const;
const open = { round: 2, state: "open" } as const;
const lost = { round: 2, state: "lost" } as const;

/** Each row: what the store said when the daemon had asked, and then; whether it hands out. */
const rows: readonly (readonly [string, readonly AdoptionRecord[], string])[] = [
  ["who has asked waits", [asked], "ADOPTION_PENDING h1,h2"],
  ["an answer opens", [asked, open], "ready"],
  ["another that starts closes nobody who serves", [asked, open, { round: 3, state: "asked" }], "ready"],
  ["nor does it open who waits", [asked, { round: 3, state: "asked" }], "ADOPTION_PENDING h1,h2"],
  ["a loss closes who serves", [asked, open, lost], "STORE_FORGOT h1,h2"],
  ["who starts after a loss waits with the others", [lost], "STORE_FORGOT h1,h2"],
  ["until it is over for all", [lost, open], "ready"],
];
for (const [what, records, verdict] of rows)
  test(what, () => assert.equal(new World(...records).verdict, verdict));

test("what the store said before this daemon had asked is no answer", () => {
  const adoption = new Adoption(options);
  adoption.follow({ round: 1, state: "open" }, 0);
  assert.equal(adoption.isReady(createIpamState()), false);
});

test("a loss that is written and not told yet closes, an opening does not open", () => {
  const world = new World(asked);
  world.state.apply({ kind: "put-adoption", adoption: open });
  assert.match(world.verdict, /PENDING/);
  world.put(open);
  world.state.apply({ kind: "put-adoption", adoption: lost });
  assert.match(world.verdict, /FORGOT/);
});

test("without a sign of a loss the wait is over when all have reported, or the window has passed", () => {
  const world = new World(asked);
  assert.deepEqual([world.isOver(WINDOW - 1), world.isOver(WINDOW)], [false, true]);
  world.report("h1");
  assert.deepEqual([world.isOver(1), world.verdict], [false, "ADOPTION_PENDING h2"]);
  world.report("h2");
  assert.equal(world.isOver(1), true);
});

test("a new store knows nobody yet: the window has to pass", () => {
  const world = new World({ round: 1, state: "asked", isNew: true });
  for (const host of ["h1", "h2"]) world.report(host);
  assert.deepEqual([world.isOver(WINDOW - 1), world.isOver(WINDOW)], [false, true]);
});

test("after a loss all must have reported, and the window must have passed since its first sign", () => {
  const world = new World(asked, open);
  world.plan(loses, 20_000);
  world.report("h1");
  assert.equal(world.isOver(20_000 + WINDOW), false);
  world.report("h2");
  world.plan(loses, 25_000);
  assert.deepEqual([world.isOver(20_000 + WINDOW - 1), world.isOver(20_000 + WINDOW)], [false, true]);
});

test("who takes the lead in the wait counts the window from when it learned of it, not from its lead", () => {
  const world = new World(asked);
  world.plan(loses, 500);
  for (const host of ["h1", "h2"]) world.report(host);
  assert.equal(world.isOver(500 + WINDOW), true);
  world.plan(planOpen, 500 + WINDOW);
  assert.equal(world.verdict, "ready");
});

test("what an agent has seen shows the loss: another cluster, or a newer revision", () => {
  const { adoption } = new World(asked);
  assert.equal(adoption.isLoss(undefined, 5), false);
  assert.equal(adoption.isLoss({ cluster: "c1", revision: 5 }, 5), false);
  assert.equal(adoption.isLoss({ cluster: "c1", revision: 6 }, 5), true);
  assert.equal(adoption.isLoss({ cluster: "c0", revision: 1 }, 5), true);
});

test("that a restored store lost something is known: who followed an earlier one is no new sign of it", () => {
  const adoption = new Adoption({ ...options, isImported: true });
  assert.equal(adoption.isLoss({ cluster: "c0", revision: 1 }, 5), false);
  assert.equal(adoption.isLoss({ cluster: "c1", revision: 6 }, 5), true);
});

test("nothing is handed out while a change of the ground is under way", async () => {
  const world = new World(asked, open);
  await world.adoption.holding(async () => assert.equal(world.verdict, "ADOPTION_PENDING "));
  assert.equal(world.verdict, "ready");
});
