import assert from "node:assert/strict";
import type { Scenario } from "../scenarios.ts";
import { describeResults, literally, prepareUpstream, runUpstream } from "../support/upstream.ts";

/** Networking basics, and what network policy is most used for. `npm run e2e:full` runs all that fit. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  networking: [
    "Networking Granular Checks: Pods should function for intra-pod communication: http",
    "Networking Granular Checks: Pods should function for node-pod communication: udp",
    "Services should serve multiport endpoints from pods",
    "Services should be able to create a functioning NodePort service",
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

export const upstream: Scenario = {
  name: `upstream's own tests: ${Object.values(NAMED).flat().length} of networking and network policy`,
  timeout: 60 * MINUTES, // a cold build of them takes long
  async run(cluster) {
    await prepareUpstream(cluster);
    const lists = await Promise.all(
      Object.entries(NAMED).map(([label, names]) =>
        runUpstream(cluster, label, { focus: names.map(literally).join("|") }, 20 * MINUTES),
      ),
    );
    const results = lists.flat();
    process.stderr.write(`${describeResults(results)}\n`);
    const passed = results.filter(({ outcome }) => outcome === "passed").map(({ name }) => name);
    for (const name of Object.values(NAMED).flat())
      assert.ok(
        passed.some((each) => each.includes(name)),
        `${name}: build/e2e-logs/upstream-*.log`,
      );
  },
};
