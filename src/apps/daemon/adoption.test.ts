import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { Adoption, type AdoptionOptions } from "./adoption.ts";

const WINDOW = 10_000;
const start = (options: Partial<AdoptionOptions> = {}): Adoption =>
  new Adoption({
    cluster: "c1",
    fresh: false,
    imported: undefined,
    newCluster: false,
    now: 0,
    window: WINDOW,
    ...options,
  });
const verdict = (adoption: Adoption, now: number, hosts: string[] = []): string => {
  try {
    adoption.check(() => ({ now, hosts }));
    return "ready";
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    return `${error.code} ${String(error.details["hosts"])}`;
  }
};

test("a fresh store waits for the window, unless the cluster is new", () => {
  const adoption = start({ fresh: true });
  assert.equal(verdict(adoption, WINDOW - 1), "ADOPTION_PENDING ");
  assert.equal(verdict(adoption, WINDOW), "ready");
  assert.equal(verdict(start({ fresh: true, newCluster: true }), 0), "ready");
});

test("a store without hosts may be an old one: it waits as well, whatever the operator says of new clusters", () => {
  assert.equal(verdict(start({ newCluster: true }), 1), "ADOPTION_PENDING ");
});

test("a store with hosts waits until all of them have reported, or the window has passed", () => {
  const adoption = start();
  adoption.noteReported("h1");
  assert.equal(verdict(adoption, 1, ["h1", "h2"]), "ADOPTION_PENDING h2");
  adoption.noteReported("h2");
  assert.equal(verdict(adoption, 2, ["h1", "h2"]), "ready");
  assert.equal(verdict(start(), WINDOW, ["h1", "h2"]), "ready");
});

test("what an agent has seen shows the loss: another cluster, or a newer revision", () => {
  const adoption = start();
  assert.equal(adoption.isLoss(undefined, 5), false);
  assert.equal(adoption.isLoss({ cluster: "c1", revision: 5 }, 5), false);
  assert.equal(adoption.isLoss({ cluster: "c1", revision: 6 }, 5), true);
  assert.equal(adoption.isLoss({ cluster: "c0", revision: 1 }, 5), true);
});

test("a restored store waits for all its hosts and for the window, though nobody has seen more than it has", () => {
  const adoption = start({ imported: "unsettled" });
  adoption.noteReported("h1");
  assert.equal(verdict(adoption, 2 * WINDOW, ["h1", "h2"]), "STORE_FORGOT h2");
  adoption.noteReported("h2");
  assert.equal(verdict(adoption, WINDOW - 1, ["h1", "h2"]), "STORE_FORGOT ");
  assert.equal(verdict(adoption, WINDOW, ["h1", "h2"]), "ready");
});

test("another daemon may have heard them all; who comes after that from an earlier store holds up nobody", () => {
  const adoption = start({ imported: "unsettled" });
  assert.equal(adoption.isLoss({ cluster: "c0", revision: 1 }, 5), true);
  adoption.settle();
  assert.deepEqual([verdict(adoption, 0, ["h1"]), adoption.unsettled], ["ready", false]);
  assert.equal(adoption.isLoss({ cluster: "c0", revision: 1 }, 5), false);
  assert.equal(adoption.isLoss({ cluster: "c1", revision: 6 }, 5), true);
  assert.equal(start({ imported: "settled" }).isLoss({ cluster: "c0", revision: 1 }, 5), false);
});

test("a loss closes even an open daemon until the window has passed and all have reported", () => {
  const adoption = start();
  assert.equal(verdict(adoption, WINDOW, ["h1"]), "ready");
  adoption.noteLoss(20_000);
  adoption.noteReported("h1");
  assert.equal(verdict(adoption, 20_001, ["h1", "h2"]), "STORE_FORGOT h2");
  adoption.noteReported("h2");
  assert.equal(verdict(adoption, 20_002, ["h1", "h2"]), "STORE_FORGOT ");
  assert.equal(verdict(adoption, 20_000 + WINDOW, ["h1", "h2", "h3"]), "STORE_FORGOT h3");
  assert.equal(verdict(adoption, 20_000 + WINDOW, ["h1", "h2"]), "ready");
});

test("a second sign of the loss does not start the window anew", () => {
  const adoption = start();
  adoption.noteLoss(0);
  adoption.noteLoss(9000);
  adoption.noteReported("h1");
  assert.equal(verdict(adoption, WINDOW, ["h1"]), "ready");
});

test("the operator's word ends the waiting for good", () => {
  const adoption = start();
  adoption.noteLoss(0);
  adoption.force();
  assert.equal(verdict(adoption, 1, ["h1"]), "ready");
  adoption.noteLoss(2);
  assert.equal(verdict(adoption, 3, ["h1"]), "ready");
});

test("nothing is handed out while a change of the ground is under way", async () => {
  const adoption = start({ fresh: true, newCluster: true });
  await adoption.holding(async () => assert.equal(verdict(adoption, 0), "ADOPTION_PENDING "));
  assert.equal(verdict(adoption, 0), "ready");
});

test("a removed host that comes again has to report again", () => {
  const adoption = start();
  adoption.noteReported("h1");
  adoption.forgetHost("h1");
  assert.equal(verdict(adoption, 1, ["h1"]), "ADOPTION_PENDING h1");
});
