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

test("policies' chains and sets are for the families of the pods here and of the networks, and for both where policies select the host", () => {
  const { policy, node } = smallNode();
  const free = { ...policy, host: { ...policy.host, ingress: undefined, egress: undefined } };
  const endpoints = node.endpoints.map((each) => ({
    ...each,
    ips: each.ips.filter(({ family }) => family === 4),
  }));
  const families = (of: typeof policy, changes: Partial<typeof node>): string[] => {
    const { sets, chains } = desiredRuleset(of, { ...node, ...changes });
    const theirs = [...sets.keys()].filter((name) => policy.sets.has(name.slice(0, -2)));
    const named = [...policy.chains.keys()].flatMap((name) =>
      (chains.get(name)?.rules ?? []).flatMap(({ matches }) =>
        matches.flatMap((match) => (match.kind === "lookup" ? [match.set] : [])),
      ),
    );
    return [...new Set([...theirs, ...named].map((name) => name.slice(-1)))].sort();
  };
  assert.deepEqual(families(free, { endpoints, families: [] }), ["4"]);
  assert.deepEqual(families(free, { endpoints, families: [4, 6] }), ["4", "6"]);
  assert.deepEqual(families(free, { families: [4] }), ["4", "6"]);
  assert.deepEqual(families(policy, { endpoints, families: [4] }), ["4", "6"]);
});
