// etcd, apiserver, controller-manager and scheduler in a network namespace of their own.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../test/support/eventually.ts";
import { auditFlags } from "./audit.ts";
import { API_PORT, credentials } from "./certificates.ts";
import { CONTROL, netnsOf } from "./network.ts";
import { fileOf } from "./place.ts";
import { killAndWait, launch, must } from "./run.ts";

export const SERVICE_RANGES = "10.96.0.0/16,fd10:96::/112";
export const POD_RANGES = "10.112.0.0/16,fd10:112::/48";
const ETCD = "http://127.0.0.1:2379";

export type ControlPlane = {
  /** kubectl's stdout. */
  readonly kubectl: (
    words: readonly string[],
    options?: { stdin?: string; timeout?: number },
  ) => Promise<string>;
  startApiserver(): Promise<void>;
  stopApiserver(): Promise<void>;
};

export type ControlPlaneDeps = {
  readonly bin: string;
  readonly address: string;
};

const pidFile = fileOf("apiserver.pid");
const start = (program: string, argv: readonly string[]): number =>
  launch([program, ...argv], fileOf("log", `${program.split("/").at(-1)}.log`), netnsOf(CONTROL)).pid ?? 0;

/** To the one that runs, or will. */
export function controlPlane(deps: ControlPlaneDeps): ControlPlane {
  const argv = [join(deps.bin, "kubectl"), `--kubeconfig=${credentials.kubeconfig("admin")}`];
  const kubectl: ControlPlane["kubectl"] = (words, options) =>
    must([...argv, ...words], { netns: netnsOf(CONTROL), ...options });
  return {
    kubectl,
    async startApiserver() {
      const flags = [...apiserverFlags(deps.address, ETCD), ...auditFlags()];
      writeFileSync(pidFile, String(start(join(deps.bin, "kube-apiserver"), flags)));
      await eventually(() => kubectl(["get", "--raw", "/readyz"]), { within: 120_000, every: 500 });
    },
    stopApiserver: () => killAndWait(Number(readFileSync(pidFile, "utf8"))),
  };
}

export async function startControlPlane(deps: ControlPlaneDeps): Promise<ControlPlane> {
  const urls = ["--listen-client-urls", ETCD, "--advertise-client-urls", ETCD];
  start("etcd", ["--data-dir", fileOf("etcd"), "--unsafe-no-fsync", ...urls]);
  const plane = controlPlane(deps);
  await plane.startApiserver();
  const asUser = (user: string): string[] => [
    `--kubeconfig=${credentials.kubeconfig(user)}`,
    "--leader-elect=false",
  ];
  start(join(deps.bin, "kube-controller-manager"), [
    ...asUser("system:kube-controller-manager"),
    `--service-account-private-key-file=${credentials.tokenKey}`,
    `--root-ca-file=${credentials.ca}`,
    "--use-service-account-credentials",
    "--controllers=*,-node-ipam-controller",
  ]);
  start(join(deps.bin, "kube-scheduler"), asUser("system:kube-scheduler"));
  return plane;
}

export const apiserverFlags = (address: string, etcd: string): string[] => {
  const { ca, server, tokenKey } = credentials;
  return [
    `--etcd-servers=${etcd}`,
    `--advertise-address=${address}`,
    `--secure-port=${API_PORT}`,
    `--tls-cert-file=${server.cert}`,
    `--tls-private-key-file=${server.key}`,
    `--client-ca-file=${ca}`,
    `--kubelet-certificate-authority=${ca}`,
    `--kubelet-client-certificate=${server.cert}`,
    `--kubelet-client-key=${server.key}`,
    "--kubelet-preferred-address-types=InternalIP",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${tokenKey}`,
    `--service-account-signing-key-file=${tokenKey}`,
    `--service-cluster-ip-range=${SERVICE_RANGES}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
  ];
};
