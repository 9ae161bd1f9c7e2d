// A node: containerd, kubelet and kube-proxy in namespaces of their own, as on a machine of its own. What is on it is Romana's doing.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../test/support/eventually.ts";
import { credentials } from "./certificates.ts";
import { POD_RANGES } from "./control-plane.ts";
import { type NodePlan, netnsOf } from "./network.ts";
import { fileOf } from "./place.ts";
import { killAndWait, launch, must } from "./run.ts";

export const CLUSTER_DNS = "10.96.0.10";
export const PAUSE = "registry.k8s.io/pause:3.10";
const CONTAINERD = "/run/containerd/containerd.sock";
const PROGRAMS = ["containerd", "kubelet", "kube-proxy"] as const;
type Program = (typeof PROGRAMS)[number];

/** What a kernel that starts does not have; its links and their addresses are the underlay's. */
const FORGET = `nft flush ruleset
for family in -4 -6; do
  ip $family route flush table 10
  while ip $family rule del table 10; do :; done
done 2>/dev/null
true`;

export interface ClusterNode extends NodePlan {
  /** Runs a program in all of the node's namespaces; its stdout. */
  exec(argv: readonly string[], options?: { stdin?: string; timeout?: number }): Promise<string>;
  start(program: Program): Promise<void>;
  stop(program: Program, signal?: "TERM" | "KILL"): Promise<void>;
  /** The power is cut. What is on disk stays. */
  powerOff(): Promise<void>;
  /** Up to where containers can run. */
  boot(): Promise<void>;
}

export function createNode(plan: NodePlan, bin: string): ClusterNode {
  const dir = fileOf(plan.name);
  const netns = netnsOf(plan.name);
  const log = (program: string): string => fileOf("log", plan.name, `${program}.log`);
  const initFile = join(dir, "init.pid");
  const init = (): number => Number(readFileSync(initFile, "utf8"));
  // The process that unshare makes is PID 1 inside.
  const inside = async (): Promise<string[]> => {
    const pid = (await must(["pgrep", "-P", String(init())])).trim();
    return ["nsenter", `--target=${pid}`, "--mount", "--pid", "--net", "--"];
  };
  const exec: ClusterNode["exec"] = async (argv, options) => must([...(await inside()), ...argv], options);
  return {
    ...plan,
    exec,
    async boot() {
      writeConfigurations(plan, dir);
      rmSync(join(dir, "booted"), { force: true });
      const words = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
      const { pid } = launch(
        [...words, "bash", `${import.meta.dirname}/node-init.sh`, dir],
        log("init"),
        netns,
      );
      writeFileSync(initFile, String(pid));
      await eventually(
        () => {
          if (!existsSync(join(dir, "booted"))) throw new Error(`${plan.name} does not boot`);
        },
        { within: 120_000, every: 100 },
      );
      for (const program of PROGRAMS) await this.start(program);
    },
    async powerOff() {
      await killAndWait(init());
      await must(["sh", "-c", FORGET], { netns });
    },
    async start(program) {
      const argv = commands(plan, bin, dir)[program];
      const script = `echo $$ >/run/${program}.pid && exec "$@"`;
      launch([...(await inside()), "sh", "-c", script, "sh", ...argv], log(program));
      const ready = program === "containerd" ? ["ctr", "version"] : ["test", "-s", `/run/${program}.pid`];
      await eventually(() => exec(ready), { within: 120_000, every: 100 });
    },
    async stop(program, signal = "TERM") {
      const script = `pid=$(cat /run/${program}.pid) && kill -${signal} $pid && while kill -0 $pid 2>/dev/null; do sleep 0.05; done`;
      await exec(["sh", "-c", script], { timeout: 30_000 });
    },
  };
}

const commands = ({ name, ips, labels }: NodePlan, bin: string, dir: string): Record<Program, string[]> => ({
  containerd: ["containerd", "--config", join(dir, "containerd.toml")],
  kubelet: [
    join(bin, "kubelet"),
    `--config=${join(dir, "kubelet.json")}`,
    `--kubeconfig=${credentials.kubeconfig(`system:node:${name}`)}`,
    `--hostname-override=${name}`,
    `--node-ip=${ips.join(",")}`,
    `--node-labels=${Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(",")}`,
  ],
  "kube-proxy": [
    join(bin, "kube-proxy"),
    `--config=${join(dir, "kube-proxy.json")}`,
    `--hostname-override=${name}`,
  ],
});

function writeConfigurations(plan: NodePlan, dir: string): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "containerd.toml"), containerdConfig());
  writeFileSync(join(dir, "kubelet.json"), JSON.stringify(kubeletConfig(plan)));
  writeFileSync(join(dir, "kube-proxy.json"), JSON.stringify(proxyConfig()));
}

const containerdConfig = (): string => `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true # what lacks CAP_SYS_RESOURCE cannot lower it
  disable_apparmor = true
  sandbox_image = "${PAUSE}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
`;

const kubeletConfig = ({ name }: NodePlan): object => ({
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  authentication: { anonymous: { enabled: false }, x509: { clientCAFile: credentials.ca } },
  authorization: { mode: "AlwaysAllow" }, // of who shows a certificate
  containerRuntimeEndpoint: `unix://${CONTAINERD}`,
  tlsCertFile: credentials.kubelet(name).cert,
  tlsPrivateKeyFile: credentials.kubelet(name).key,
  clusterDNS: [CLUSTER_DNS],
  clusterDomain: "cluster.local",
  failCgroupV1: false,
  cgroupDriver: "cgroupfs",
  cgroupsPerQOS: false,
  enforceNodeAllocatable: [],
  failSwapOn: false,
  maxPods: 130,
  // What the machine's disk holds is not the test's.
  evictionHard: { "memory.available": "1Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
});

const proxyConfig = (): object => ({
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  clientConnection: { kubeconfig: credentials.kubeconfig("system:kube-proxy") },
  mode: "nftables",
  clusterCIDR: POD_RANGES,
  // Settings of the machine, not of the namespace.
  conntrack: { maxPerCore: 0, min: 0, tcpCloseWaitTimeout: "0s", tcpEstablishedTimeout: "0s" },
});
