// The cluster's authority, and a kubeconfig for each of its programs.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { type CertificateFiles, createAuthority } from "../../test/support/certificates.ts";
import type { NodePlan } from "./network.ts";
import { fileOf } from "./place.ts";

export const API_PORT = 6443;
/** First address of the services' range. */
export const API_SERVICE = "10.96.0.1";

export type Credentials = {
  readonly ca: string;
  readonly server: CertificateFiles;
  /** Signs the tokens of service accounts. */
  readonly tokenKey: string;
  /** Path of the kubeconfig of a user. */
  kubeconfig(user: string): string;
  kubelet(node: string): CertificateFiles;
  /** Of who has a kubeconfig. */
  user(name: string): CertificateFiles;
};

const USERS: Readonly<Record<string, string | undefined>> = {
  admin: "system:masters",
  "system:kube-controller-manager": undefined,
  "system:kube-scheduler": undefined,
  "system:kube-proxy": undefined,
};
const kubeletUser = (node: string): string => `system:node:${node}`;
const filesOf = (name: string): CertificateFiles => ({
  ca: pathOf("ca.pem"),
  cert: pathOf(`${name}.pem`),
  key: pathOf(`${name}-key.pem`),
});

/** Where they are. */
export const credentials: Credentials = {
  ca: pathOf("ca.pem"),
  server: filesOf("apiserver"),
  tokenKey: pathOf("tokens-key.pem"),
  kubeconfig: (user) => pathOf(`${user}.kubeconfig`),
  kubelet: (node) => filesOf(kubeletUser(node)),
  user: filesOf,
};

/** Makes them. */
export function issueCredentials(apiAddress: string, nodes: readonly NodePlan[]): void {
  const authority = createAuthority(pathOf(""));
  authority.issue("apiserver", [
    ...[apiAddress, API_SERVICE, "127.0.0.1"].map((ip) => `IP:${ip}`),
    ...["kubernetes", "kubernetes.default", "kubernetes.default.svc"].map((name) => `DNS:${name}`),
  ]);
  const issue = (user: string, names: readonly string[], organisation: string | undefined): void => {
    const files = authority.issue(user, names, organisation === undefined ? {} : { organisation });
    writeFileSync(credentials.kubeconfig(user), kubeconfigText(apiAddress, user, files));
  };
  for (const [user, organisation] of Object.entries(USERS)) issue(user, [], organisation);
  for (const { name, ips } of nodes)
    issue(kubeletUser(name), [`DNS:${name}`, ...ips.map((ip) => `IP:${ip}`)], "system:nodes");
  const argv = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
  execFileSync("openssl", [...argv, "-out", credentials.tokenKey], { stdio: "pipe" });
}

function pathOf(name: string): string {
  return fileOf("pki", name);
}

/** JSON is YAML. */
const kubeconfigText = (address: string, user: string, { ca, cert, key }: CertificateFiles): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "e2e",
    clusters: [
      { name: "e2e", cluster: { server: `https://${address}:${API_PORT}`, "certificate-authority": ca } },
    ],
    users: [{ name: user, user: { "client-certificate": cert, "client-key": key } }],
    contexts: [{ name: "e2e", context: { cluster: "e2e", user } }],
  });
