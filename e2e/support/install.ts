// Romana onto the cluster as a user installs it: image on the nodes, secrets, the chart.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../test/support/eventually.ts";
import { parseDocument } from "../../src/io/document/parse-document.ts";
import { helmBinary } from "./binaries.ts";
import type { Cluster } from "./cluster.ts";
import { SERVICE_RANGES } from "./control-plane.ts";
import { importImages } from "./images.ts";
import { CONTROL, netnsOf, topologyText } from "./network.ts";
import { fileOf, ROOT } from "./place.ts";
import { launch, must } from "./run.ts";

const IMAGE = "romana:e2e";
const DAEMON_SERVICE = "10.96.0.96";
const DAEMON_PORT = 9600;
/** An image from nothing: base, npm packages. */
const IMAGE_TIMEOUT = 20 * 60_000;
/** Resolves when every node is Ready: through Romana, as nothing else gives them a network. */
export async function installRomana(cluster: Cluster, say: (text: string) => void): Promise<void> {
  const { plane, nodes } = cluster;
  say("image of Romana");
  const tar = (
    await must(["bash", join(ROOT, "e2e/support/romana-image.sh"), IMAGE], { timeout: IMAGE_TIMEOUT })
  ).trim();
  await Promise.all(nodes.map((node) => importImages(node, [tar])));
  say("Romana");
  const [first] = nodes;
  if (!first) throw new Error("no node");
  await eventually(
    () => plane.kubectl(["label", "node", first.name, "node-role.kubernetes.io/control-plane="]),
    {
      within: 60_000,
      every: 500,
    },
  );
  await applyCertificates(cluster, first.ips);
  await plane.kubectl(["apply", "-f", "-"], { stdin: await renderChart() });
  await startRouters(cluster, first.ips[0] ?? "");
  await plane.kubectl(
    ["-n", "kube-system", "rollout", "status", "deployment/romana-daemon", "--timeout=180s"],
    { timeout: 200_000 },
  );
  await plane.kubectl(
    ["-n", "kube-system", "rollout", "status", "daemonset/romana-agent", "--timeout=180s"],
    { timeout: 200_000 },
  );
  await plane.kubectl(["wait", "node", "--all", "--for=condition=Ready", "--timeout=120s"], {
    timeout: 130_000,
  });
}

async function applyCertificates({ plane }: Cluster, ips: readonly string[]): Promise<void> {
  const secret = await must(["bash", join(ROOT, "deploy/certificates.sh"), DAEMON_SERVICE, ...ips]);
  await plane.kubectl(["apply", "-f", "-"], { stdin: secret });
  const [, ca = ""] = /ca\.crt: (\S+)/.exec(secret) ?? [];
  writeFileSync(fileOf("pki", "romana-ca.pem"), Buffer.from(ca, "base64"));
}

async function renderChart(): Promise<string> {
  const values = fileOf("values.json");
  const topology = parseDocument(Buffer.from(await topologyText()), "topology.yaml");
  const own = {
    image: { name: IMAGE, pullPolicy: "Never" },
    daemon: { clusterIP: DAEMON_SERVICE },
    agent: { serviceClusterIPRange: SERVICE_RANGES },
    topology,
  };
  writeFileSync(values, JSON.stringify(own));
  const helm = await helmBinary();
  return must([
    helm,
    "template",
    "romana",
    join(ROOT, "deploy/helm/romana"),
    "--kube-version",
    "1.36.3",
    "--namespace",
    "kube-system",
    "--values",
    values,
  ]);
}

/** The racks' routers learn prefixes from the daemon. */
async function startRouters({ plane }: Cluster, node: string): Promise<void> {
  const words = [
    "-n",
    "kube-system",
    "create",
    "token",
    "romana-admin",
    "--audience=romana",
    "--duration=24h",
  ];
  const token = fileOf("pki", "admin.token");
  writeFileSync(token, await plane.kubectl(words), { mode: 0o600 });
  const access = { daemonCa: fileOf("pki", "romana-ca.pem"), daemonTokenFile: token };
  const program = join(import.meta.dirname, "routers.ts");
  const argv = [process.execPath, program, `https://${node}:${DAEMON_PORT}`, JSON.stringify(access)];
  launch(argv, fileOf("log", "routers.log"), netnsOf(CONTROL));
}
