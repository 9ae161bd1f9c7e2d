// Romana onto the cluster as a user installs it: image on the nodes, secrets, the chart.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../test/support/eventually.ts";
import { parseDocument } from "../../src/io/document/parse-document.ts";
import { helmBinary } from "./binaries.ts";
import type { Cluster } from "./cluster.ts";
import { SERVICE_RANGES } from "./control-plane.ts";
import { importImages } from "./images.ts";
import { CONTROL, netnsOf, NODE_RANGES, topologyText } from "./network.ts";
import { fileOf, ROOT } from "./place.ts";
import { launch, must } from "./run.ts";

const IMAGE = "romana:e2e";
export const DAEMON_SERVICE = "10.96.0.96";
const DAEMON_PORT = 9600;
/** An image from nothing: base, npm packages. */
const IMAGE_TIMEOUT = 20 * 60_000;
/** Onto a new cluster. */
export async function prepareRomana(cluster: Cluster, say: (text: string) => void): Promise<void> {
  const { plane, nodes } = cluster;
  say("image of Romana");
  const tar = (
    await must(["bash", join(ROOT, "e2e/support/romana-image.sh"), IMAGE], { timeout: IMAGE_TIMEOUT })
  ).trim();
  await Promise.all(nodes.map((node) => importImages(node, [tar])));
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
}

/** Resolves when every node is Ready: through Romana, as nothing else gives them a network. */
export async function installRomana({ plane }: Cluster): Promise<void> {
  await plane.kubectl(["apply", "-f", "-"], { stdin: await renderRomana() });
  await writeAdminToken(plane);
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

/** What a user of the chart would apply; `more` values beside those of this cluster. */
export async function renderRomana(more: object = {}): Promise<string> {
  const values = fileOf("values.json");
  const topology = parseDocument(Buffer.from(await topologyText()), "topology.yaml");
  const own = {
    image: { name: IMAGE, pullPolicy: "Never" },
    daemon: { clusterIP: DAEMON_SERVICE },
    agent: {
      serviceClusterIPRange: SERVICE_RANGES,
      natExceptions: NODE_RANGES,
      flags: ["--sandbox-grace=90s"], // longer than a busy containerd takes from an ADD until it lists the sandbox
    },
    topology,
    ...more,
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

const TOKEN = fileOf("pki", "admin.token");

async function writeAdminToken({ kubectl }: Cluster["plane"]): Promise<void> {
  const words = ["create", "token", "romana-admin", "--audience=romana", "--duration=24h"];
  writeFileSync(TOKEN, await kubectl(["-n", "kube-system", ...words]), { mode: 0o600 });
}

/** The racks' routers learn prefixes from the daemon, when it is there. */
export function startRouters({ nodes }: Cluster): void {
  const access = { daemonCa: fileOf("pki", "romana-ca.pem"), daemonTokenFile: TOKEN };
  const program = join(import.meta.dirname, "routers.ts");
  const url = `https://${nodes[0]?.ips[0] ?? ""}:${DAEMON_PORT}`;
  const argv = [process.execPath, program, url, JSON.stringify(access)];
  launch(argv, fileOf("log", "routers.log"), netnsOf(CONTROL));
}
