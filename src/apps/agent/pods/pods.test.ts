// What an ADD learns of its pod: from the watch, by asking, or not at all; and what that makes of the attachment.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { eventually } from "../../../../test/support/eventually.ts";
import { type FakeKube, startFakeKube } from "../../../../test/support/fake-kube.ts";
import { systemClock, systemRng } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import { createHealth } from "../../../base/health.ts";
import { silentLog } from "../../../base/log.ts";
import { formatIp } from "../../../core/net/ip.ts";
import { createKubeClient } from "../../../io/kube/kube-client.ts";
import { startReflector } from "../../../io/kube/reflector.ts";
import { asAnnotated } from "../cni/as-annotated.ts";
import { CniError } from "../cni/cni-error.ts";
import { parseCniRequest } from "../cni/cni-request.ts";
import { createPodSource, type PodSource } from "./pod-source.ts";
import { type PodView, readPod } from "./pod-view.ts";

const PODS = "/api/v1/pods";

function putPod(kube: FakeKube, name: string, node: string, metadata: object = {}): void {
  kube.put(PODS, { metadata: { name, namespace: "shop", ...metadata }, spec: { nodeName: node } });
}

async function setUp(
  t: TestContext,
  before: (kube: FakeKube) => void = () => undefined,
): Promise<{ kube: FakeKube; pods: PodSource; gets: () => number }> {
  const kube = await startFakeKube();
  before(kube);
  const client = createKubeClient(kube.access);
  const health = createHealth(systemClock).reporter("pods");
  const deps = { client, clock: systemClock, rng: systemRng, log: silentLog, health };
  const query = { fieldSelector: "spec.nodeName=n1" };
  const known = startReflector<PodView>({ path: PODS, query, read: readPod, changed: () => undefined }, deps);
  t.after(async () => {
    await known.close();
    client.close();
    kube.close();
  });
  await eventually(() => assert.equal(kube.watchers, 1));
  const gets = (): number => kube.asked.filter((line) => line.includes("/namespaces/shop/pods/")).length;
  return { kube, pods: createPodSource({ client, known }), gets };
}

const segment = (name: string): object => ({ labels: { "romana.io/segment": name } });
const unknown = (reason: RegExp) => (error: unknown) =>
  error instanceof UnavailableError && error.code === "POD_UNKNOWN" && reason.test(error.message);

test("a pod of this node is known without a question, also while the API server is away", async (t) => {
  const { kube, pods, gets } = await setUp(t, (fake) => putPod(fake, "web", "n1", segment("front")));
  kube.refuse(() => ({ status: 503 }));
  assert.equal((await pods.find("shop/web", "")).labels["romana.io/segment"], "front");
  assert.equal((await pods.find("shop/web", "uid-2")).labels["romana.io/segment"], "front");
  assert.equal(gets(), 0);
});

test("one that the watch has not told of yet is asked for", async (t) => {
  const { kube, pods, gets } = await setUp(t);
  putPod(kube, "web", "elsewhere", segment("front"));
  assert.equal((await pods.find("shop/web", "")).labels["romana.io/segment"], "front");
  assert.equal(gets(), 1);
});

test("one that was made anew under its name is not taken for the old one", async (t) => {
  const { kube, pods } = await setUp(t, (fake) =>
    putPod(fake, "web", "n1", { uid: "old", ...segment("front") }),
  );
  await assert.rejects(pods.find("shop/web", "new"), unknown(/another pod of this name than new/));
  kube.remove(PODS, "web", "shop");
  putPod(kube, "web", "n1", { uid: "new", ...segment("back") });
  assert.equal((await pods.find("shop/web", "new")).labels["romana.io/segment"], "back");
});

test("a static pod is known by the uid that its kubelet has for it", async (t) => {
  const annotations = { "kubernetes.io/config.hash": "hash" };
  const { pods, gets } = await setUp(t, (fake) => putPod(fake, "etcd", "n1", { uid: "mirror", annotations }));
  assert.deepEqual((await pods.find("shop/etcd", "hash")).uids, ["mirror", "hash"]);
  assert.equal(gets(), 0);
});

test("one that was deleted before its ADD is done, and any while nobody answers, is unknown: try again later", async (t) => {
  const { kube, pods } = await setUp(t);
  await assert.rejects(pods.find("shop/gone", ""), unknown(/has no pod of this name/));
  kube.refuse(() => ({ status: 403, message: 'cannot get resource "pods"' }));
  await assert.rejects(pods.find("shop/gone", ""), unknown(/cannot get resource "pods"/));
  kube.refuse(() => undefined);
  kube.pause();
  await assert.rejects(pods.find("shop/gone", ""), unknown(/no (whole )?answer/));
});

const view = (changes: Partial<PodView>): PodView => ({
  uids: [],
  labels: {},
  ip: "",
  network: "",
  ...changes,
});

function annotated(pod: Partial<PodView>, config: object = {}, args = "") {
  const env = {
    ...{ CNI_COMMAND: "ADD", CNI_CONTAINERID: "c", CNI_IFNAME: "eth0", CNI_NETNS: "/run/netns/x" },
    CNI_ARGS: `K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_UID=u${args}`,
  };
  const stdin = JSON.stringify({ cniVersion: "1.0.0", name: "net", ...config });
  const request = parseCniRequest(new Map(Object.entries(env)), Buffer.from(stdin));
  if (request.command !== "ADD") throw new Error("no ADD");
  const { tenant, segment: part, ips, networks } = asAnnotated(request.attachment, request.config, view(pod));
  return [tenant, part, ips.map(formatIp).join(), networks.join()];
}

/** A pod, the network configuration, and what comes of it: tenant, segment, addresses, networks. */
const rows: readonly (readonly [string, Partial<PodView>, object, string[]])[] = [
  ["nothing said", {}, {}, ["shop", "default", "", ""]],
  ["a segment", { labels: { "romana.io/segment": "front" } }, {}, ["shop", "front", "", ""]],
  ["another label", { labels: { tier: "db" } }, { segment_label_name: "tier" }, ["shop", "db", "", ""]],
  ["a tenant by label", { labels: { team: "x" } }, { tenant_label_name: "team" }, ["x", "default", "", ""]],
  ["addresses", { ip: "10.0.0.5, fd00::5" }, {}, ["shop", "default", "10.0.0.5,fd00::5", ""]],
  ["a network", { network: "blue" }, {}, ["shop", "default", "", "blue"]],
  ["networks", { network: "blue,six" }, {}, ["shop", "default", "", "blue,six"]],
  [
    "addresses of the runtime before those of the annotation",
    { ip: "10.0.0.5" },
    { runtimeConfig: { ips: ["10.0.0.9"] } },
    ["shop", "default", "10.0.0.9", ""],
  ],
];
for (const [what, pod, config, wanted] of rows)
  test(`what a pod says: ${what}`, () => assert.deepEqual(annotated(pod, config), wanted));

const bad: readonly (readonly [Partial<PodView>, RegExp])[] = [
  [{ ip: "10.0.0" }, /annotation romana.io\/ip\[0\]: "10.0.0": expected an IPv4 or IPv6 address/],
  [{ ip: "10.0.0.1,x" }, /annotation romana.io\/ip\[1\]: "x"/],
  [{ network: "a b" }, /annotation romana.io\/network: "a b": expected names of networks/],
];
for (const [pod, message] of bad)
  test(`an annotation that is none of its form: ${JSON.stringify(pod)}`, () => {
    assert.throws(
      () => annotated(pod),
      (error) => error instanceof CniError && message.test(error.message),
    );
  });
