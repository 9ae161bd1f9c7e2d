// What goes to the kernel as a batch of nfnetlink is what nft makes of the text; and from any table to any other by a plan is the
// same as from nothing.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { Bed } from "../../../test/support/bed.ts";
import { silentLog } from "../../base/log.ts";
import type { NativeHelper } from "../../io/kernel/kernel.ts";
import { startNativeHelper } from "../../io/kernel/native-helper.ts";
import type { NodePolicy } from "../model/node-policy.ts";
import { planRuleset } from "../nft/plan.ts";
import { renderRuleset } from "../nft/render.ts";
import { type Standing, standingOf } from "../nft/standing.ts";
import type { Ruleset } from "../nft/types.ts";
import { desiredRuleset } from "./node-ruleset.ts";
import { smallNode } from "./testdata/policy-world.ts";

const bed = new Bed("source");
let helper: NativeHelper;
before(async () => {
  helper = await startNativeHelper({ log: silentLog });
});
after(async () => {
  await helper.close();
  await bed.dispose();
});

const nft = (netns: string, args: readonly string[], input = ""): string =>
  execFileSync("nsenter", [`--net=${netns}`, "nft", ...args], { input, encoding: "utf8" });
/** In the order of nothing: sets and chains come in that of their making, and elements in that of a hash. */
const wordsOf = (netns: string): string[] =>
  nft(netns, ["-nn", "list", "table", "inet", "romana"]).replaceAll(",", " ").split(/\s+/).sort();

function loadedByText(name: string, ruleset: Ruleset): string[] {
  const netns = bed.netns(name);
  nft(netns, ["-f", "-"], renderRuleset(ruleset));
  return wordsOf(netns);
}

const { policy, node } = smallNode();
const noPolicy: NodePolicy = {
  host: { ...policy.host, ingress: undefined, egress: undefined },
  ...{ pods: new Map(), chains: new Map(), sets: new Map() },
};
const fewer = [...policy.pods].slice(1);
const states: [sentence: string, Ruleset][] = [
  ["all", desiredRuleset(policy, node)],
  ["no policy", desiredRuleset(noPolicy, node)],
  ["one pod free of policies", desiredRuleset({ ...policy, pods: new Map(fewer) }, node)],
  ["one pod gone", desiredRuleset(policy, { ...node, endpoints: node.endpoints.slice(1) })],
  [
    "masquerade by one interface",
    desiredRuleset(policy, { ...node, masquerade: { known: [], outInterface: "eth0" } }),
  ],
  ["no masquerade", desiredRuleset(policy, { ...node, masquerade: undefined })],
  ["another failsafe port", desiredRuleset(policy, { ...node, failsafePorts: [2379] })],
];

test("a batch makes the table that nft makes of the text, and of any two states the one becomes the other", async () => {
  const expected = states.map(([, ruleset], i) => loadedByText(`text${i}`, ruleset));
  const netns = bed.netns("batch");
  const nftables = await helper.nftables(netns);
  let now: Standing | undefined;
  for (const from of states.keys())
    for (const to of states.keys())
      for (const at of [from, to]) {
        const [sentence, ruleset] = states[at] ?? assert.fail();
        await nftables.apply(planRuleset(ruleset, now));
        now = standingOf(ruleset);
        const observed = await nftables.observe();
        assert.ok(observed.kind === "ours");
        assert.deepEqual(planRuleset(ruleset, observed.standing), [], `${sentence}: observed`);
        assert.deepEqual(planRuleset(ruleset, now), []);
        assert.deepEqual(wordsOf(netns), expected[at], sentence);
      }
  nftables.close();
});

test("what others changed in the table is mended by a plan against what is observed", async () => {
  const netns = bed.netns("mend");
  const nftables = await helper.nftables(netns);
  const [[, all] = assert.fail()] = states;
  assert.deepEqual(await nftables.observe(), { kind: "none" });
  await nftables.apply(planRuleset(all, undefined));
  const before = wordsOf(netns);
  const [prefixes = ""] = [...all.sets.keys()].filter((name) => /^cidrs-.*4$/.test(name));
  for (const command of [
    `add element inet romana ${prefixes} { 203.0.113.1-203.0.113.6 }`,
    "add element inet romana pods.4 { 203.0.113.1 }",
    "delete element inet romana own.6 { rom1 . fd00::1 }",
    "insert rule inet romana forward meta mark 7 drop",
    "flush chain inet romana from-pod",
    "add chain inet romana stranger",
    "add set inet romana strange { type ipv4_addr; flags interval; elements = { 10.0.0.1-10.0.0.6 }; }",
  ])
    nft(netns, command.split(" "));
  const observed = await nftables.observe();
  assert.ok(observed.kind === "ours");
  await nftables.apply(planRuleset(all, observed.standing));
  assert.deepEqual(wordsOf(netns), before);
  nftables.close();
});

test("a table of our name that is not ours is known as foreign", async () => {
  const netns = bed.netns("foreign");
  nft(netns, ["add", "table", "inet", "romana"]);
  const nftables = await helper.nftables(netns);
  assert.deepEqual(await nftables.observe(), { kind: "foreign", comment: "" });
  nftables.close();
});

test("a batch that the kernel refuses changes nothing, and says why", async () => {
  const netns = bed.netns("refused");
  const nftables = await helper.nftables(netns);
  const [[, all] = assert.fail()] = states;
  await nftables.apply(planRuleset(all, undefined));
  const before = wordsOf(netns);
  const again = planRuleset(all, undefined);
  await assert.rejects(nftables.apply(again), { code: "NFT_REFUSED" });
  assert.deepEqual(wordsOf(netns), before);
  nftables.close();
});

test("a batch that is only checked changes nothing, and is refused where it could not be done", async () => {
  const netns = bed.netns("checked");
  const nftables = await helper.nftables(netns);
  const [[, all] = assert.fail()] = states;
  await nftables.check(planRuleset(all, undefined));
  assert.deepEqual(await nftables.observe(), { kind: "none" });
  await nftables.apply(planRuleset(all, undefined));
  await assert.rejects(nftables.check(planRuleset(all, undefined)), { code: "NFT_REFUSED" });
  nftables.close();
});
