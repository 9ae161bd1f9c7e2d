// How a program reaches the Kubernetes API: as the service account of its pod, or as a kubeconfig says. Tokens and certificates are read
// anew when they are used: a service account's token lives for an hour.
import { join } from "node:path";
import { InputError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import * as options from "../../base/options.ts";
import { readNamed } from "../files/named-file.ts";
import { type Pems } from "../files/pem-files.ts";
import { renewingPems } from "../files/renewing-pems.ts";
import { readKubeconfig } from "./kubeconfig.ts";

export type KubeAccess = {
  readonly server: URL;
  /** What the server's certificate must name instead of the URL's host. */
  readonly serverName?: string;
  readonly pems: () => Pems;
  readonly token: () => string | undefined;
  /** Of the pod or the context. */
  readonly namespace: string;
};

/** Options of every program that speaks to the Kubernetes API. */
export const kubeOptions = {
  kubeconfig: options.option(
    options.text,
    "",
    "kubeconfig file by which Kubernetes is reached; default the service account of this pod",
  ),
} as const satisfies options.OptionTable;

type Sources = {
  readonly kubeconfig: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** JSON or YAML as plain values. */
  readonly parse: (bytes: Uint8Array, name: string) => unknown;
  readonly log: Log;
};

const MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** InputError `KUBE_ACCESS`, `KUBECONFIG`, `FILE`, `PEM`. */
export function openKubeAccess({ kubeconfig, env, parse, log }: Sources, mount = MOUNT): KubeAccess {
  const option = "--kubeconfig";
  if (kubeconfig !== "")
    return readKubeconfig(parse(readNamed({ option, path: kubeconfig }), kubeconfig), kubeconfig, log);
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port)
    throw new InputError({
      code: "KUBE_ACCESS",
      field: option,
      value: "",
      expected: "a kubeconfig file, as this is no pod of Kubernetes",
    });
  const file = (name: string) => ({ option: "service account", path: join(mount, name) });
  const none = { option: "service account", path: "" };
  const read = (name: string): string => readNamed(file(name)).toString("utf8").trim();
  return {
    server: new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`),
    pems: renewingPems({ ca: file("ca.crt"), cert: none, key: none }, log),
    token: () => read("token"),
    namespace: read("namespace"),
  };
}
