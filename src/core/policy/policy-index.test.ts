// What a node is told, and when.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCidr, parseCidr } from "../net/cidr.ts";
import { parseIp } from "../net/ip.ts";
import type { NodePolicy, SetElement } from "../model/node-policy.ts";
import type { PolicyBlock, PolicyPod } from "../model/policy.ts";
import { translateNetworkPolicy } from "./kubernetes.ts";
import { createPolicyIndex, type PolicyIndex, type WorldChange } from "./policy-index.ts";

const pod = (id: string, host: string, ips: string[], more: Partial<PolicyPod> = {}): WorldChange => ({
  kind: "put-pod",
  pod: {
    ...{ id, tenant: id.split("/")[0] ?? "", labels: {}, ips: ips.map((ip) => parseIp(ip)), host },
    ...{ hostNetwork: false, ports: [], ...more },
  },
});
const block = (cidr: string, host: string, tenant: string, segment = ""): WorldChange => ({
  kind: "put-block",
  block: { cidr: parseCidr(cidr), host, tenant, segment } satisfies PolicyBlock,
});
const host = (name: string, ip: string): WorldChange => ({
  kind: "put-host",
  host: { name, ips: [parseIp(ip)] },
});
const policy = (namespace: string, name: string, spec: object): WorldChange[] =>
  translateNetworkPolicy({ metadata: { namespace, name }, spec }).policies.map((each) => ({
    kind: "put-policy",
    policy: each,
  }));

const texts = (elements: Iterable<SetElement>): string[] =>
  [...elements].map(({ cidr }) => formatCidr(cidr)).sort();
const setsAt = ({ sets }: NodePolicy): Record<string, string[]> =>
  Object.fromEntries([...sets.values()].map(({ about, elements }) => [about, texts(elements.values())]));
/** All hosts are asked for. */
function indexOf(...changes: (WorldChange | WorldChange[])[]): PolicyIndex {
  const index = createPolicyIndex();
  for (const host of ["h1", "h2", "h3", "h4", "h5"]) index.nodePolicy(host);
  index.apply(changes.flat());
  return index;
}

const fromShop = { ingress: [{ from: [{ podSelector: {} }] }] };
const fromWeb = { ingress: [{ from: [{ podSelector: { matchLabels: { app: "web" } } }] }] };

test("a tenant is a set of its blocks, with the addresses that lie elsewhere", () => {
  const index = indexOf(
    policy("shop", "p", fromShop),
    block("10.0.0.0/29", "h1", "shop"),
    block("10.0.0.8/29", "h2", "shop", "back"),
    block("10.0.0.16/29", "h2", "bank"),
    pod("shop/a", "h1", ["10.0.0.1"]),
    pod("shop/b", "h2", ["10.9.9.9"]),
  );
  assert.deepEqual(setsAt(index.nodePolicy("h1")), {
    "all pods of shop": ["10.0.0.0/29", "10.0.0.8/29", "10.9.9.9/32"],
  });
});

test("a pod that comes or goes in a block of its tenant changes nothing but its own node", () => {
  const index = indexOf(
    policy("shop", "p", fromShop),
    block("10.0.0.0/29", "h1", "shop"),
    block("10.0.0.8/29", "h2", "shop"),
    pod("shop/a", "h1", ["10.0.0.1"]),
  );
  const deltas = index.apply([pod("shop/b", "h2", ["10.0.0.9"])]);
  assert.deepEqual([...deltas.keys()], ["h2"]);
  assert.deepEqual([...index.apply([{ kind: "delete-pod", id: "shop/b" }]).keys()], ["h2"]);
});

test("a block in which a pod of somebody else is counts by addresses until that pod is gone", () => {
  const index = indexOf(
    policy("shop", "p", fromShop),
    block("10.0.0.0/29", "h1", "shop"),
    pod("shop/a", "h1", ["10.0.0.1"]),
  );
  index.apply([pod("bank/x", "h1", ["10.0.0.2"])]);
  assert.deepEqual(setsAt(index.nodePolicy("h1")), { "all pods of shop": ["10.0.0.1/32"] });
  index.apply([{ kind: "delete-pod", id: "bank/x" }]);
  assert.deepEqual(setsAt(index.nodePolicy("h1")), { "all pods of shop": ["10.0.0.0/29"] });
});

test("a segment is a set of blocks too, and a pod relabelled while it runs is told apart", () => {
  const segment = (value: string): Partial<PolicyPod> => ({ labels: { "romana.io/segment": value } });
  const index = indexOf(
    policy("shop", "p", {
      ingress: [{ from: [{ podSelector: { matchLabels: { "romana.io/segment": "s" } } }] }],
    }),
    block("10.0.0.0/29", "h1", "shop", "s"),
    block("10.0.0.8/29", "h1", "shop", "t"),
    pod("shop/a", "h1", ["10.0.0.1"], segment("s")),
    pod("shop/b", "h1", ["10.0.0.9"], segment("t")),
  );
  const about = "pods of shop with romana.io/segment=s";
  assert.deepEqual(setsAt(index.nodePolicy("h1")), { [about]: ["10.0.0.0/29"] });
  index.apply([pod("shop/b", "h1", ["10.0.0.9"], segment("s"))]);
  assert.deepEqual(setsAt(index.nodePolicy("h1")), { [about]: ["10.0.0.0/29", "10.0.0.9/32"] });
});

test("free labels are sets of addresses, of both families", () => {
  const index = indexOf(
    policy("shop", "p", fromWeb),
    block("10.0.0.0/29", "h1", "shop"),
    pod("shop/a", "h1", ["10.0.0.1", "fd00::1"], { labels: { app: "web" } }),
    pod("shop/b", "h1", ["10.0.0.2", "fd00::2"]),
  );
  assert.deepEqual(setsAt(index.nodePolicy("h1")), {
    "pods of shop with app=web": ["10.0.0.1/32", "fd00::1/128"],
  });
});

test("one pod more in a set is one element more, at the nodes that use the set and at no other", () => {
  const index = indexOf(
    policy("shop", "p", fromWeb),
    pod("shop/a", "h1", ["10.0.0.1"]),
    pod("bank/x", "h2", ["10.0.0.9"]),
    pod("shop/c", "h3", ["10.0.0.3"]),
  );
  const deltas = index.apply([pod("shop/b", "h4", ["10.0.0.2"], { labels: { app: "web" } })]);
  const seen = [...deltas].map(([name, { elements, sets, pods }]) => [
    name,
    elements.flatMap(({ added, removed }) => [texts(added), texts(removed)]),
    sets.put.flatMap((set) => texts(set.elements.values())),
    pods.put.length,
  ]);
  assert.deepEqual(seen.sort(), [
    ["h1", [["10.0.0.2/32"], []], [], 0],
    ["h3", [["10.0.0.2/32"], []], [], 0],
    ["h4", [], ["10.0.0.2/32"], 1],
  ]);
});

test("what was handed out stays as it was", () => {
  const index = indexOf(policy("shop", "p", fromWeb), pod("shop/a", "h1", ["10.0.0.1"]));
  const [before, shown] = [index.nodePolicy("h1"), setsAt(index.nodePolicy("h1"))];
  index.apply([pod("shop/b", "h2", ["10.0.0.2"], { labels: { app: "web" } })]);
  index.apply([{ kind: "delete-pod", id: "shop/a" }]);
  assert.deepEqual([setsAt(before), before.pods.size], [shown, 1]);
});

test("what comes and goes in one batch is not told", () => {
  const index = indexOf(policy("shop", "p", fromWeb), pod("shop/a", "h1", ["10.0.0.1"]));
  const deltas = index.apply([
    pod("shop/b", "h2", ["10.0.0.2"], { labels: { app: "web" } }),
    { kind: "delete-pod", id: "shop/b" },
  ]);
  assert.deepEqual(deltas, new Map());
});

test("pods with the same policies name the same chains; policies that mean the same share a set", () => {
  const index = indexOf(
    policy("shop", "p", fromWeb),
    policy("shop", "q", { ...fromWeb, podSelector: { matchLabels: { app: "db" } } }),
    pod("shop/a", "h1", ["10.0.0.1"]),
    pod("shop/b", "h1", ["10.0.0.2"]),
    pod("shop/c", "h1", ["10.0.0.3"], { labels: { app: "db" } }),
  );
  const { pods, chains, sets } = index.nodePolicy("h1");
  const chainsOf = (id: string): (string | undefined)[] =>
    (pods.get(id)?.ingress ?? []).map((name) => chains.get(name)?.policy);
  assert.deepEqual(pods.get("shop/a")?.ingress, pods.get("shop/b")?.ingress);
  assert.deepEqual(chainsOf("shop/a"), ["kube.shop.p.ingress"]);
  assert.deepEqual(chainsOf("shop/c"), ["kube.shop.p.ingress", "kube.shop.q.ingress"]);
  assert.deepEqual([chains.size, sets.size], [2, 1]);
});

test("a pod gets its chains before it has an address, so that they are there when it comes", () => {
  const index = indexOf(policy("shop", "p", fromShop), pod("shop/a", "h1", []));
  const node = index.nodePolicy("h1");
  assert.equal(node.pods.get("shop/a")?.ingress?.length, 1);
  assert.deepEqual([node.chains.size, node.sets.size], [1, 1]);
});

test("a pod on its host's network is nobody's pod", () => {
  const index = indexOf(
    policy("shop", "p", fromShop),
    pod("shop/a", "h1", ["192.0.2.1"], { hostNetwork: true }),
  );
  assert.deepEqual(index.nodePolicy("h1").pods, new Map());
});

test("policies on hosts reach every host that is known, and `local` is of each its own", () => {
  const rule = {
    action: "allow",
    peers: [{ kind: "local" }, { kind: "hosts" }],
    traffic: [{ kind: "any" }],
  } as const;
  const index = indexOf(
    host("h1", "192.0.2.1"),
    host("h2", "192.0.2.2"),
    block("10.0.0.0/29", "h1", "shop"),
    pod("shop/a", "h2", ["10.0.9.9"]),
    {
      kind: "put-policy",
      policy: {
        id: "p",
        description: "",
        direction: "ingress",
        subjects: [{ kind: "hosts" }],
        rules: [rule],
      },
    },
  );
  const every = ["192.0.2.1/32", "192.0.2.2/32"];
  const expected = { h1: ["10.0.0.0/29"], h2: ["10.0.9.9/32"], h3: undefined };
  for (const [name, local] of Object.entries(expected))
    assert.deepEqual(
      setsAt(index.nodePolicy(name)),
      local ? { "every host": every, "the pods of this host": local } : {},
    );
});

test("a selector that selects everything, in 1,000 peers, is one set", () => {
  const from = Array.from({ length: 1000 }, () => ({ namespaceSelector: {} }));
  const index = indexOf(policy("shop", "p", { ingress: [{ from }] }), pod("shop/a", "h1", ["10.0.0.1"]));
  const { chains, sets } = index.nodePolicy("h1");
  assert.deepEqual([chains.size, sets.size], [1, 1]);
});

test("1,000 peers with 1,000 labels each are 1,000 sets, with those in them that are meant", () => {
  const values = Array.from({ length: 1000 }, (_, i) => `v${i}`);
  const from = Array.from({ length: 1000 }, (_, i) => ({
    podSelector: { matchExpressions: [{ key: `k${i}`, operator: "In", values }] },
  }));
  const index = indexOf(
    policy("shop", "p", { ingress: [{ from }] }),
    pod("shop/a", "h1", ["10.0.0.1"], { labels: { k7: "v999" } }),
  );
  const { sets } = index.nodePolicy("h1");
  assert.equal(sets.size, 1000);
  assert.deepEqual(
    [...sets.values()].flatMap(({ elements }) => texts(elements.values())),
    ["10.0.0.1/32"],
  );
});
