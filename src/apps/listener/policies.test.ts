// What policies need to know of Kubernetes: what is kept of a pod, and that the daemon is told all of it and no more, whatever was missed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import type { FakeKube } from "../../../test/support/fake-kube.ts";
import type { Call } from "../../../test/support/daemon.ts";
import type { KubeObject } from "../../io/kube/types.ts";
import { type PodView, readPod } from "./read-pod.ts";
import { setUp } from "./testdata/listener-bed.ts";

const PODS = "/api/v1/pods";
const NAMESPACES = "/api/v1/namespaces";
const POLICIES = "/apis/networking.k8s.io/v1/networkpolicies";

const pod = (spec: object, status: object = {}, labels: Record<string, string> = {}): KubeObject => ({
  metadata: { name: "web", namespace: "shop", labels },
  spec: { nodeName: "n1", ...spec },
  status,
});
const plain: PodView = { id: "shop/web", host: "n1", labels: {}, ports: [] };
const named = (name: string, containerPort: number, more: object = {}) => ({ name, containerPort, ...more });

const kept: readonly (readonly [string, KubeObject, PodView | undefined])[] = [
  ["a pod on a node", pod({}), plain],
  ["its labels", pod({}, {}, { app: "web" }), { ...plain, labels: { app: "web" } }],
  ["not one that waits for a node", pod({ nodeName: undefined }), undefined],
  ["not one on its host's network", pod({ hostNetwork: true }), undefined],
  ["not one that has ended", pod({}, { phase: "Succeeded" }), undefined],
  ["not one that has failed", pod({}, { phase: "Failed" }), undefined],
  ["one that runs", pod({}, { phase: "Running" }), plain],
  [
    "ports that have a name",
    pod({
      containers: [
        { ports: [named("http", 80), { containerPort: 81 }, named("dns", 53, { protocol: "UDP" })] },
      ],
    }),
    {
      ...plain,
      ports: [
        { name: "http", protocol: "tcp", port: 80 },
        { name: "dns", protocol: "udp", port: 53 },
      ],
    },
  ],
  [
    "those of sidecars, and not of what runs before",
    pod({
      containers: [],
      initContainers: [
        { ports: [named("once", 1)] },
        { restartPolicy: "Always", ports: [named("proxy", 2)] },
      ],
    }),
    { ...plain, ports: [{ name: "proxy", protocol: "tcp", port: 2 }] },
  ],
];
for (const [what, object, wanted] of kept)
  test(`of pods is kept: ${what}`, () => assert.deepEqual(readPod(object), wanted));

function putPod(kube: FakeKube, name: string, labels: Record<string, string>, status: object = {}): void {
  kube.put(PODS, { metadata: { name, namespace: "shop", labels }, spec: { nodeName: "n1" }, status });
}
const putPolicy = (kube: FakeKube, name: string, spec: object = {}): void =>
  kube.put(POLICIES, { metadata: { name, namespace: "shop" }, spec: { podSelector: {}, ...spec } });

type Known = { readonly pods: string[]; readonly tenants: string[]; readonly policies: string[] };

async function known(call: Call): Promise<Known> {
  const labelled = ({ id, labels }: { id: string; labels?: object }): string =>
    `${id} ${JSON.stringify(labels)}`;
  const { pods } = (await call("GET /pods")).body as { pods: { id: string; labels: object }[] };
  const { tenants } = (await call("GET /tenants")).body as { tenants: { id: string; labels?: object }[] };
  const policies = (await call("GET /policies")).body as unknown as { id: string }[];
  return {
    pods: pods.map(labelled).sort(),
    tenants: tenants.map(labelled).sort(),
    policies: policies.map(({ id }) => id).sort(),
  };
}
const knows = (call: Call, wanted: Known): Promise<void> =>
  eventually(async () => assert.deepEqual(await known(call), wanted));

test("pods, labels of namespaces and policies are the daemon's, as they come, change and go", async (t) => {
  const { kube, call, start } = await setUp(t);
  kube.put(NAMESPACES, { metadata: { name: "shop", labels: { team: "a" } } });
  putPod(kube, "web", { app: "web" });
  putPolicy(kube, "deny");
  await start();
  const first = {
    pods: ['shop/web {"app":"web"}'],
    tenants: ['shop {"team":"a"}'],
    policies: ["kube.shop.deny.ingress"],
  };
  await knows(call, first);
  kube.put(NAMESPACES, { metadata: { name: "shop", labels: { team: "b" } } });
  putPod(kube, "web", { app: "other" });
  putPod(kube, "db", {});
  putPolicy(kube, "deny", { policyTypes: ["Ingress", "Egress"] });
  await knows(call, {
    pods: ["shop/db {}", 'shop/web {"app":"other"}'],
    tenants: ['shop {"team":"b"}'],
    policies: ["kube.shop.deny.egress", "kube.shop.deny.ingress"],
  });
  putPod(kube, "web", { app: "other" }, { phase: "Failed" });
  kube.remove(PODS, "db", "shop");
  kube.remove(NAMESPACES, "shop");
  kube.remove(POLICIES, "deny", "shop");
  await knows(call, { pods: [], tenants: [], policies: [] });
});

test("what happened while no listener ran is made good, and policies that others put stay", async (t) => {
  const { kube, call, start } = await setUp(t);
  await call("POST /policies", {
    id: "own",
    direction: "ingress",
    applied_to: [{ tenant_id: "shop" }],
    ingress: [],
  });
  kube.put(NAMESPACES, { metadata: { name: "old" } });
  putPod(kube, "stays", { b: "2", a: "1" });
  putPod(kube, "goes", {});
  putPolicy(kube, "goes.too");
  const first = await start();
  const told = { pods: ["shop/goes {}", 'shop/stays {"a":"1","b":"2"}'], tenants: ["old {}"] };
  await knows(call, { ...told, policies: ["kube.shop.goes.too.ingress", "own"] });
  await first.close();
  kube.remove(NAMESPACES, "old");
  kube.remove(PODS, "goes", "shop");
  kube.remove(POLICIES, "goes.too", "shop");
  putPolicy(kube, "new");
  await start();
  await knows(call, {
    ...{ pods: ['shop/stays {"a":"1","b":"2"}'], tenants: [] },
    policies: ["kube.shop.new.ingress", "own"],
  });
});

test("a daemon that lost policies is told everything anew, and then that this is all", async (t) => {
  const { kube, call, start } = await setUp(t);
  kube.put(NAMESPACES, { metadata: { name: "shop" } });
  putPod(kube, "web", {});
  putPolicy(kube, "deny");
  await start();
  const all = { pods: ["shop/web {}"], tenants: ["shop {}"], policies: ["kube.shop.deny.ingress"] };
  await knows(call, all);
  await call("POST /tenants", { delete: ["shop"] });
  await call("POST /pods", { delete: ["shop/web"] });
  await call("POST /policies/kubernetes", { delete: ["shop/deny"] });
  await call("POST /hosts/h1/report", { seen: { cluster: "another", revision: 7 }, endpoints: [] });
  assert.equal((await call("GET /ipam/adopt")).body["policies"], "lost");
  await eventually(async () => assert.equal((await call("GET /ipam/adopt")).body["policies"], "known"), {
    within: 10_000,
  });
  assert.deepEqual(await known(call), all);
});

test("what of a policy nobody understands is told on it, until it is mended", async (t) => {
  const { kube, start } = await setUp(t);
  putPolicy(kube, "odd", { ingress: [{ from: [{ serviceSelector: {} }] }] });
  await start();
  const events = (): string[] =>
    kube.all("/api/v1/events").map((event) => {
      const {
        involvedObject: of,
        reason,
        message,
      } = event as unknown as {
        involvedObject: { kind: string; namespace: string; name: string };
        reason: string;
        message: string;
      };
      return `${of.kind} ${of.namespace}/${of.name} ${reason}: ${message}`;
    });
  await eventually(() => assert.equal(events().length, 1));
  assert.match(
    events()[0] ?? "",
    /^NetworkPolicy shop\/odd NotUnderstood: spec.ingress\[0\].from\[0\].serviceSelector: /,
  );
});
