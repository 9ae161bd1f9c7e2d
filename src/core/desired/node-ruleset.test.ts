// The table of a small node, whole; and what must hold of every one.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { renderRuleset } from "../nft/render.ts";
import { desiredRuleset } from "./node-ruleset.ts";
import { smallNode } from "./testdata/policy-world.ts";

const golden = join(import.meta.dirname, "testdata/node-ruleset.nft");

test("the table of a small node (GOLDEN=write writes it)", () => {
  const { policy, node } = smallNode();
  const text = renderRuleset(desiredRuleset(policy, node));
  if (process.env["GOLDEN"] === "write") writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, "utf8"));
});

test("a node without policies has sets of its pods, and open maps", () => {
  const { policy, node } = smallNode();
  const isolation = { ingress: undefined, egress: undefined };
  const open = {
    host: { ...policy.host, ...isolation },
    pods: new Map(),
    chains: new Map(),
    sets: new Map(),
  };
  const { sets, chains } = desiredRuleset(open, { ...node, masquerade: undefined });
  assert.deepEqual([...chains.keys()], ["prerouting", "input", "forward", "output", "from-pod", "ingress"]);
  assert.deepEqual(
    [...sets.values()].filter(({ elements }) => elements.size > 0).map(({ name }) => name),
    ["own.4", "pods.4", "own.6", "pods.6"],
  );
});

test("a set that did not change is the very same object", () => {
  const { policy, node } = smallNode();
  const [before, after] = [desiredRuleset(policy, node), desiredRuleset(policy, node)];
  for (const name of policy.sets.keys())
    assert.equal(before.sets.get(`${name}.4`), after.sets.get(`${name}.4`));
});
