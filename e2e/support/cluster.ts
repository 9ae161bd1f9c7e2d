// One cluster for all scenarios: network, control plane, three nodes without a pod network. `dispose` leaves the machine as it was.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { formatIp } from "../../src/core/net/ip.ts";
import { kubernetesBinaries } from "./binaries.ts";
import { issueCredentials } from "./certificates.ts";
import { removeCgroups } from "./cgroups.ts";
import { type ControlPlane, controlPlane, startControlPlane } from "./control-plane.ts";
import { importImages, makeTestImages } from "./images.ts";
import { buildNetwork, nodesOf, planNetwork, removeNetwork } from "./network.ts";
import { type ClusterNode, createNode } from "./node.ts";
import { DIR, fileOf, LOGS } from "./place.ts";
import { run } from "./run.ts";

export type Cluster = {
  readonly plane: ControlPlane;
  readonly nodes: readonly ClusterNode[];
  readonly bin: string;
  /** Of the control plane, which is no node. */
  readonly address: string;
};

/** `say` is told what is being done. */
export async function startCluster(say: (text: string) => void): Promise<Cluster> {
  say("Kubernetes programs");
  const bin = await kubernetesBinaries();
  const plan = await planNetwork();
  say("network: two racks, three nodes");
  await buildNetwork(plan);
  const address = formatIp(plan.daemon);
  issueCredentials(address, nodesOf(plan));
  say("control plane");
  const plane = await startControlPlane({ bin, address });
  say("nodes");
  const images = makeTestImages();
  const nodes = nodesOf(plan).map((node) => createNode(node, bin));
  for (const node of nodes) {
    await node.boot();
    await importImages(node, images);
  }
  return { plane, nodes, bin, address };
}

/** The one that an earlier run kept. */
export async function keptCluster(): Promise<Cluster> {
  if (!existsSync(fileOf("owner"))) throw new Error("no cluster was kept: leave --again out");
  const bin = await kubernetesBinaries();
  const plan = await planNetwork();
  const address = formatIp(plan.daemon);
  return {
    plane: controlPlane({ bin, address }),
    bin,
    address,
    nodes: nodesOf(plan).map((node) => createNode(node, bin)),
  };
}

/** Claims the machine: what an earlier run left goes, one that is at work stays. */
export async function claim(): Promise<void> {
  const owner = existsSync(fileOf("owner")) ? Number(readFileSync(fileOf("owner"), "utf8")) : 0;
  if (owner > 0 && existsSync(`/proc/${owner}`)) throw new Error(`another run is at work: process ${owner}`);
  await remove();
  mkdirSync(DIR, { recursive: true });
  writeFileSync(fileOf("owner"), String(process.pid));
}

/** Processes, mounts and namespaces, then files and cgroups. */
export async function remove(): Promise<void> {
  await removeNetwork();
  rmSync(DIR, { recursive: true, force: true });
  removeCgroups();
}

/** Logs to `build/e2e-logs`, and what the control plane knows. */
export async function collectLogs(): Promise<void> {
  const { plane } = await keptCluster();
  rmSync(LOGS, { recursive: true, force: true });
  cpSync(fileOf("log"), LOGS, { recursive: true });
  // A node that did not come to have pods has no logs of them.
  for (const node of readdirSync(DIR).filter((name) => name.startsWith("node-")))
    await run(["cp", "-rL", fileOf(node, "var/log/pods"), `${LOGS}/${node}/pods`]);
  for (const [file, words] of [
    ["pods.txt", ["get", "pods", "-A", "-o", "wide"]],
    ["nodes.txt", ["describe", "nodes"]],
    ["events.txt", ["get", "events", "-A", "--sort-by=.lastTimestamp"]],
  ] as const)
    writeFileSync(`${LOGS}/${file}`, await plane.kubectl(words).catch(String));
}
