// `romana ipam check --kubernetes`: addresses against pods, each difference with its evidence.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { type FakeKube, startFakeKube } from "../../../test/support/fake-kube.ts";
import type { CheckReply } from "../../core/api/ipam.ts";
import type { AddressReply } from "../../core/api/types.ts";
import { parseCidr } from "../../core/net/cidr.ts";
import { kubernetesFindings } from "./kubernetes-findings.ts";
import type { PodFact } from "./kubernetes-pods.ts";
import { run } from "./main.ts";

const PODS = "/api/v1/pods";
const networks = [parseCidr("10.0.0.0/16"), parseCidr("fd00::/64")];

const held = (changes: Partial<AddressReply> = {}): AddressReply => ({
  ...{ id: "1", ip: "10.0.0.1", ips: ["10.0.0.1", "fd00::1"], name: "net/c1/eth0", host: "n1" },
  ...{ tenant: "shop", segment: "default", sequence: 1, blocks: [], networks: [], pod: "shop/web" },
  ...changes,
});
const pod = (changes: Partial<PodFact> = {}): PodFact => ({
  ...{ node: "n1", phase: "Running", hostNetwork: false, ips: ["10.0.0.1", "fd00::1"], revision: 7 },
  ...changes,
});

type Row = readonly [what: string, held: AddressReply[], pods: Record<string, PodFact>, found: string[]];

const WEB = "net/c1/eth0";
const rows: readonly Row[] = [
  ["a pod with the address that is held for it", [held()], { "shop/web": pod() }, []],
  ["a pod that is starting", [held()], { "shop/web": pod({ ips: [], phase: "Pending" }) }, []],
  [
    "no such pod",
    [held()],
    {},
    [`leaked ${WEB}: held for pod shop/web, which Kubernetes does not have; kubernetes/pods/shop/web@0`],
  ],
  [
    "a pod that has ended",
    [held()],
    { "shop/web": pod({ phase: "Succeeded" }) },
    [`leaked ${WEB}: held for pod shop/web, which has ended (Succeeded); kubernetes/pods/shop/web@7`],
  ],
  [
    "the address of a sandbox that was made again, beside the present one",
    [held(), held({ name: "net/c2/eth0", sequence: 2, ips: ["10.0.0.2"] })],
    { "shop/web": pod({ ips: ["10.0.0.2"] }) },
    [`leaked ${WEB}: held for pod shop/web, which has 10.0.0.2; kubernetes/pods/shop/web@7`],
  ],
  [
    "a pod of the name that starts on another node",
    [held()],
    { "shop/web": pod({ node: "n2", ips: [] }) },
    [`leaked ${WEB}: held for pod shop/web, which is on node n2; kubernetes/pods/shop/web@7`],
  ],
  [
    "a pod of the name that is on no node yet",
    [held()],
    { "shop/web": pod({ node: "", ips: [] }) },
    [`leaked ${WEB}: held for pod shop/web, which is on no node; kubernetes/pods/shop/web@7`],
  ],
  [
    "a pod that has the address on another node than it is held for",
    [held()],
    { "shop/web": pod({ node: "n2" }) },
    [`misplaced ${WEB}: pod shop/web has it on node n2; kubernetes/pods/shop/web@7`],
  ],
  [
    "two pods with one address",
    [held()],
    { "shop/web": pod(), "shop/db": pod({ node: "n2", ips: ["10.0.0.1"] }) },
    [
      `doubled shop/db: pod shop/db has it on node n2, and it is held for pod shop/web (${WEB}); kubernetes/pods/shop/db@7`,
    ],
  ],
  [
    "an address that nobody holds, as another text of it too",
    [],
    { "shop/web": pod({ ips: ["192.0.2.1", "fd00:0::9"] }) },
    ["unheld shop/web: pod shop/web has it on node n1, and nobody holds it; kubernetes/pods/shop/web@7"],
  ],
  [
    "pods that no network of Romana is for: on the host's network, ended, of others",
    [],
    {
      "kube-system/proxy": pod({ hostNetwork: true }),
      "shop/done": pod({ phase: "Failed" }),
      "shop/other": pod({ ips: ["192.0.2.1"] }),
    },
    [],
  ],
];
for (const [what, addresses, pods, found] of rows)
  test(`addresses against pods: ${what}`, () => {
    const list = { revision: 5, addresses };
    const findings = kubernetesFindings({
      ...{ before: list, after: list, networks },
      pods: new Map(Object.entries(pods)),
    });
    const told = findings.map(({ kind, subject, details, evidence }) => {
      const ofPod = evidence.find(({ key }) => key.startsWith("kubernetes/"));
      return `${kind} ${subject}: ${details}; ${ofPod?.key}@${ofPod?.revision}`;
    });
    assert.deepEqual(told, found);
  });

test("an address that a hand allocated is nobody's finding, not even where a pod has it", () => {
  const { pod: _, ...byHand } = held();
  const list = { revision: 5, addresses: [byHand] };
  const pods = new Map([["shop/web", pod()]]);
  assert.deepEqual(kubernetesFindings({ before: list, after: list, networks, pods }), []);
});

test("what is under way while the pods are listed is no finding", () => {
  const list = (...addresses: AddressReply[]) => ({ revision: 5, addresses });
  const findings = (before: AddressReply[], after: AddressReply[], pods: Record<string, PodFact>) =>
    kubernetesFindings({
      ...{ before: list(...before), after: list(...after), networks },
      pods: new Map(Object.entries(pods)),
    });
  assert.deepEqual(findings([held()], [], {}), [], "released meanwhile");
  assert.deepEqual(findings([], [held()], {}), [], "allocated meanwhile");
  assert.deepEqual(findings([held()], [held({ sequence: 2 })], {}), [], "released and allocated again");
  assert.deepEqual(findings([held()], [], { "shop/web": pod() }), [], "a pod that is going");
  assert.deepEqual(findings([], [held()], { "shop/web": pod() }), [], "a pod that is coming");
});

async function setUp(t: TestContext): Promise<{
  readonly kube: FakeKube;
  readonly check: (...words: string[]) => Promise<{ code: number; out: string; err: string }>;
}> {
  const kube = await startFakeKube();
  const running = await startDaemon();
  const url = await running.app.listen({ host: "127.0.0.1", port: 0 });
  const dir = mkdtempSync(join(tmpdir(), "romana-check-"));
  t.after(async () => {
    await running.close();
    kube.close();
    rmSync(dir, { recursive: true });
  });
  await running.call("POST /topology", twoRacks);
  await running.call("POST /hosts", { name: "n1", ip: "192.168.0.1", tags: { rack: "a" } });
  const request = { name: WEB, host: "n1", tenant: "shop", ips: ["10.0.0.5"], pod: "shop/web" };
  await running.call("POST /address", request);
  const config = join(dir, "config");
  writeFileSync(config, kubeconfig(kube.access.server.href));
  const check = async (...words: string[]) => {
    let [out, err] = ["", ""];
    const streams = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
    const env = { ROMANA_ROOT_URL: url, KUBECONFIG: config };
    return { code: await run(["ipam", "check", ...words], env, streams), out, err };
  };
  return { kube, check };
}

const kubeconfig = (server: string): string =>
  JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server } }],
    users: [{ name: "u", user: { token: "secret" } }],
  });

test("the command compares the daemon's addresses with the API server's pods, in pages", async (t) => {
  const { kube, check } = await setUp(t);
  assert.equal((await check()).code, 0);
  const { code, out } = await check("--kubernetes", "-f", "json");
  const { total, counts, findings } = JSON.parse(out) as CheckReply;
  assert.deepEqual([code, total, counts["leaked"], findings[0]?.subject], [3, 1, 1, WEB]);
  assert.ok(kube.asked.every((line) => line.includes("limit=500")));
  const spec = { nodeName: "n1" };
  const status = { phase: "Running", podIPs: [{ ip: "10.0.0.5" }, { ip: "not one" }] };
  kube.put(PODS, { metadata: { name: "web", namespace: "shop" }, spec, status });
  assert.deepEqual(await check("--kubernetes"), { code: 0, out: "no findings\n", err: "" });
});

test("who may not list pods is told what is missing; a kubeconfig that is not there is named", async (t) => {
  const { kube, check } = await setUp(t);
  const message = 'pods is forbidden: User "ada" cannot list resource "pods" at the cluster scope';
  kube.refuse(() => ({ status: 403, message }));
  const refused = await check("--kubernetes");
  assert.deepEqual([refused.code, refused.out], [1, ""]);
  assert.match(refused.err, /User "ada" cannot list resource "pods"/);
  const lost = await check("--kubeconfig", "/nowhere");
  assert.deepEqual([lost.code, lost.err.includes("/nowhere")], [2, true], lost.err);
});
