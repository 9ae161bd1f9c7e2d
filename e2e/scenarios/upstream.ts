import assert from "node:assert/strict";
import type { Cluster } from "../support/cluster.ts";
import type { Scenario } from "../scenarios.ts";
import {
  describeResults,
  literally,
  prepareUpstream,
  runUpstream,
  type Selection,
  type UpstreamResult,
} from "../support/upstream.ts";

/** Networking basics, and what network policy is most used for; none that asks for a name, as the cluster has no DNS. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  networking: [
    "Networking Granular Checks: Pods should function for intra-pod communication: http",
    "Networking Granular Checks: Pods should function for node-pod communication: udp",
    "Networking Granular Checks: Services should function for node-Service: http",
    "Services should preserve source pod IP for traffic thru service cluster IP",
    "Services should be able to connect to terminating and unready endpoints if PublishNotReadyAddresses is true",
    "NoSNAT Should be able to send traffic between Pods without SNAT",
    "[Feature:IPv6DualStack] should be able to reach pod on ipv4 and ipv6 ip",
  ],
  policy: [
    "Netpol NetworkPolicy between server and client should support a 'default-deny-all' policy",
    "Netpol NetworkPolicy between server and client should enforce policy based on Ports",
    "Netpol NetworkPolicy between server and client should enforce policy based on PodSelector and NamespaceSelector",
    "Netpol NetworkPolicy between server and client should enforce except clause while egress access to server in CIDR block",
    "Netpol NetworkPolicy between server and client should stop enforcing policies after they are deleted",
  ],
};
const MINUTES = 60_000;

/** Side by side, as each waits most of its time. */
async function runAll(
  cluster: Cluster,
  selections: Readonly<Record<string, Selection>>,
  timeout: number,
): Promise<UpstreamResult[]> {
  await prepareUpstream(cluster);
  const runs = Object.entries(selections).map(([label, selection]) =>
    runUpstream(cluster, label, selection, timeout),
  );
  const results = (await Promise.all(runs)).flat();
  process.stderr.write(`${describeResults(results)}\n`);
  return results;
}

const named = Object.values(NAMED).flat();
export const upstream: Scenario = {
  name: `upstream's own tests: ${named.length} of networking and network policy`,
  timeout: 60 * MINUTES, // a cold build of them takes long
  async run(cluster) {
    const selections = Object.fromEntries(
      Object.entries(NAMED).map(([label, names]) => [label, { focus: names.map(literally).join("|") }]),
    );
    const results = await runAll(cluster, selections, 20 * MINUTES);
    const passed = results.filter(({ outcome }) => outcome === "passed").map(({ name }) => name);
    const missing = named.filter((name) => !passed.some((each) => each.includes(name)));
    assert.deepEqual(missing, [], "not passed; build/e2e-logs/upstream-*.log");
  },
};

/** What needs a cloud, the internet, sockets of SCTP, DNS, or the cluster for itself. */
const UNFIT = [
  String.raw`\[Serial\]|\[Disruptive\]|\[Slow\]|Provider:GCE|\] DNS `,
  "Feature:(LoadBalancer|SCTPConnectivity|Networking-|PerformanceDNS|KubeProxyNFAcct)",
].join("|");

export const allOfUpstream: Scenario = {
  name: "upstream's own tests of networking that need neither cloud nor internet",
  timeout: 4 * 60 * MINUTES,
  async run(cluster) {
    const selections = {
      policy: { focus: "Netpol", skip: UNFIT },
      networking: { focus: String.raw`\[sig-network\]`, skip: `Netpol|${UNFIT}` },
    };
    const results = await runAll(cluster, selections, 180 * MINUTES);
    const failed = results.filter(({ outcome }) => outcome === "failed").map(({ name }) => name);
    assert.deepEqual(failed, [], "failed; build/e2e-logs/upstream-*.log");
  },
};
