// The law of the index: the same world, reached by whatever steps and in whatever batches, gives each node the same; and what
// a node was told in deltas adds up to that.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { romanaPolicies } from "../../../test/support/policy/romana.ts";
import { corePod, NODES_AS_HOSTS } from "../../../test/support/policy/to-core.ts";
import {
  BLOCK_COUNT,
  blockOf,
  namespacesOf,
  networkPolicies,
  podIn,
  SLOTS,
} from "../../../test/support/policy/worlds.ts";
import { formatCidr } from "../net/cidr.ts";
import type { NodePolicy } from "../model/node-policy.ts";
import { applyNodeDelta } from "./apply-node-delta.ts";
import { translateNetworkPolicy } from "./kubernetes.ts";
import { parsePolicies } from "./parse-policies.ts";
import { createPolicyIndex, type PolicyIndex, type WorldChange } from "./policy-index.ts";

const HOSTS = NODES_AS_HOSTS.map(({ name }) => name);
const one = <T>(list: fc.Arbitrary<readonly T[]>): fc.Arbitrary<T[]> =>
  list.chain((all) => (all.length === 0 ? fc.constant([]) : fc.constantFrom(...all).map((each) => [each])));

/** Comes, comes again as another, moves to another host, is relabelled: the id of a pod has the slot, not the addresses. */
const podChange = fc
  .tuple(fc.constantFrom(...SLOTS), fc.constantFrom(...SLOTS))
  .chain(([name, slot]) => podIn(slot, ["a", "b"]).map((pod) => corePod({ ...pod, name: `pod${name}` })));
const puts: fc.Arbitrary<WorldChange[]> = fc.oneof(
  { weight: 6, arbitrary: podChange.map((pod) => [{ kind: "put-pod", pod } as const]) },
  {
    weight: 3,
    arbitrary: one(networkPolicies).map((policies) =>
      policies.flatMap((each) =>
        translateNetworkPolicy(each).policies.map((policy) => ({ kind: "put-policy", policy }) as const),
      ),
    ),
  },
  {
    weight: 2,
    arbitrary: one(romanaPolicies).map((policies) => {
      const result = policies.length > 0 ? parsePolicies(policies) : undefined;
      if (result?.kind !== "valid") return [];
      return result.policies.map((policy) => ({ kind: "put-policy", policy }) as const);
    }),
  },
  {
    weight: 2,
    arbitrary: one(namespacesOf).map((list) =>
      list.map((tenant) => ({ kind: "put-tenant", tenant }) as const),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .nat({ max: BLOCK_COUNT - 1 })
      .chain(blockOf)
      .map((block) => [{ kind: "put-block", block } as const]),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...NODES_AS_HOSTS).map((host) => [{ kind: "put-host", host } as const]),
  },
);

/** What is put under one of these is what is deleted by it. */
function idOf(change: WorldChange): string {
  switch (change.kind) {
    case "put-policy":
      return `policy ${change.policy.id}`;
    case "put-tenant":
      return `tenant ${change.tenant.name}`;
    case "put-pod":
      return `pod ${change.pod.id}`;
    case "put-host":
      return `host ${change.host.name}`;
    case "put-block":
      return `block ${formatCidr(change.block.cidr)}`;
    case "delete-block":
      return `block ${formatCidr(change.cidr)}`;
    default:
      return `${change.kind.slice("delete-".length)} ${change.id}`;
  }
}

function deletionOf(change: WorldChange): WorldChange {
  switch (change.kind) {
    case "put-policy":
      return { kind: "delete-policy", id: change.policy.id };
    case "put-tenant":
      return { kind: "delete-tenant", id: change.tenant.name };
    case "put-pod":
      return { kind: "delete-pod", id: change.pod.id };
    case "put-host":
      return { kind: "delete-host", id: change.host.name };
    case "put-block":
      return { kind: "delete-block", cidr: change.block.cidr };
    default:
      return change;
  }
}

/** Batches of puts, some taken back later. */
const histories: fc.Arbitrary<WorldChange[][]> = fc
  .array(fc.tuple(puts, fc.nat({ max: 3 }), fc.nat({ max: 30 })), { minLength: 5, maxLength: 40 })
  .map((steps) => {
    const changes: WorldChange[] = [];
    const batches: WorldChange[][] = [[]];
    for (const [put, batch, undo] of steps) {
      const undone = undo < 10 ? changes[changes.length - 1 - undo] : undefined;
      const step = undone ? [...put, deletionOf(undone)] : put;
      changes.push(...step);
      if (batch === 0) batches.push([]);
      batches.at(-1)?.push(...step);
    }
    return batches;
  });

/** The last word on everything, in the order in which things were first spoken of, or another. */
function finalWorld(batches: readonly WorldChange[][], order: "same" | "reversed"): WorldChange[] {
  const last = new Map(batches.flat().map((change) => [idOf(change), change]));
  const puts = [...last.values()].filter(({ kind }) => kind.startsWith("put-"));
  return order === "same" ? puts : puts.reverse();
}

function runBatches(index: PolicyIndex, batches: readonly WorldChange[][]): Map<string, NodePolicy> {
  const told = new Map(HOSTS.map((host) => [host, index.nodePolicy(host)]));
  for (const batch of batches)
    for (const [host, delta] of index.apply(batch)) {
      const before = told.get(host);
      assert.ok(before, host);
      told.set(host, applyNodeDelta(before, delta));
    }
  return told;
}

test("added, removed, relabelled, moved, in any order and batch: each node ends with what a fresh index says", () => {
  const sizes = { pods: 0, chains: 0, sets: 0, elements: 0 };
  fc.assert(
    fc.property(histories, (batches) => {
      const index = createPolicyIndex();
      const told = runBatches(index, batches);
      const fresh = createPolicyIndex();
      fresh.apply(finalWorld(batches, "reversed"));
      const bySteps = createPolicyIndex();
      runBatches(
        bySteps,
        finalWorld(batches, "same").map((change) => [change]),
      );
      for (const host of HOSTS) {
        const expected = fresh.nodePolicy(host);
        assert.deepEqual(index.nodePolicy(host), expected, `${host}: the index`);
        assert.deepEqual(told.get(host), expected, `${host}: its deltas`);
        assert.deepEqual(bySteps.nodePolicy(host), expected, `${host}: in single steps`);
        sizes.pods += expected.pods.size;
        sizes.chains += expected.chains.size;
        for (const { elements } of expected.sets.values()) sizes.elements += elements.size;
        sizes.sets += expected.sets.size;
      }
    }),
    { numRuns: 500, seed: 6 },
  );
  for (const [what, size] of Object.entries(sizes)) assert.ok(size > 500, `${what}: ${size}`);
});

test("a world that is taken away again leaves nothing behind", () => {
  fc.assert(
    fc.property(histories, (batches) => {
      const index = createPolicyIndex();
      const told = runBatches(index, [...batches, finalWorld(batches, "same").map(deletionOf)]);
      for (const host of HOSTS) {
        assert.deepEqual(index.nodePolicy(host), createPolicyIndex().nodePolicy(host));
        assert.deepEqual(told.get(host), createPolicyIndex().nodePolicy(host));
      }
    }),
    { numRuns: 100, seed: 6 },
  );
});

test("asked for late, forgotten and asked for again, a node has what it has anyhow", () => {
  fc.assert(
    fc.property(histories, fc.array(fc.nat({ max: HOSTS.length - 1 })), (batches, asked) => {
      const index = createPolicyIndex();
      const told = new Map<string, NodePolicy>();
      for (const [i, batch] of batches.entries()) {
        for (const [host, delta] of index.apply(batch))
          told.set(host, applyNodeDelta(told.get(host) ?? assert.fail(`${host} was not asked for`), delta));
        const host = HOSTS[asked[i] ?? 0] ?? "";
        if (told.delete(host)) index.forget(host);
        else told.set(host, index.nodePolicy(host));
      }
      const fresh = createPolicyIndex();
      fresh.apply(finalWorld(batches, "same"));
      for (const [host, policy] of told) assert.deepEqual(policy, fresh.nodePolicy(host), host);
    }),
    { numRuns: 300, seed: 6 },
  );
});

test("the same put again tells nobody anything", () => {
  fc.assert(
    fc.property(histories, (batches) => {
      const index = createPolicyIndex();
      const world = finalWorld(batches, "same");
      index.apply(world);
      assert.deepEqual(index.apply(world), new Map());
    }),
    { numRuns: 100, seed: 6 },
  );
});
