// Pods of the scenarios: made by name on a node, in a namespace of the scenario's own that is gone after it.
import assert from "node:assert/strict";
import { eventually } from "../../test/support/eventually.ts";
import type { Cluster } from "./cluster.ts";
import { BUSYBOX } from "./images.ts";

export type Pod = { readonly name: string; readonly ips: readonly string[]; readonly node: string };
export type PodWish = {
  readonly name: string;
  readonly node: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly hostPort?: number;
};

/** The name of the pod is what its web server answers. */
const WEB = 'mkdir -p /tmp/www && echo "$HOSTNAME" >/tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www';
export const WEB_PORT = 8080;

export type Stage = {
  readonly namespace: string;
  /** Resolves when they are Ready; in the order of the wishes. */
  readonly pods: (...wishes: readonly PodWish[]) => Promise<Pod[]>;
  readonly apply: (...objects: readonly object[]) => Promise<void>;
  readonly kubectl: (...words: string[]) => Promise<string>;
  readonly exec: (pod: string, ...argv: string[]) => Promise<string>;
  /** What the web server at that address answers to the pod: the name of a pod. */
  readonly reaches: (from: string, address: string, port?: number) => Promise<string>;
  /** Resolves when the pod gets no answer from there. */
  readonly isKeptFrom: (from: string, address: string) => Promise<void>;
};

/** Gives `act` a namespace; it is gone when this resolves. */
export async function onStage(
  cluster: Cluster,
  namespace: string,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  const { kubectl } = cluster.plane;
  await kubectl(["create", "namespace", namespace]);
  try {
    await act(createStage(cluster, namespace));
  } finally {
    await kubectl(["delete", "namespace", namespace, "--timeout=120s"], { timeout: 130_000 });
  }
}

function createStage({ plane }: Cluster, namespace: string): Stage {
  const kubectl = (...words: string[]): Promise<string> =>
    plane.kubectl(["-n", namespace, ...words], { timeout: 130_000 });
  const exec = (pod: string, ...argv: string[]): Promise<string> => kubectl("exec", pod, "--", ...argv);
  const apply = async (...items: readonly object[]): Promise<void> => {
    const list = { apiVersion: "v1", kind: "List", items };
    await plane.kubectl(["-n", namespace, "apply", "-f", "-"], { stdin: JSON.stringify(list) });
  };
  const ask = (from: string, address: string, port: number): Promise<string> => {
    const host = address.includes(":") ? `[${address}]` : address;
    // A static busybox dies of `wget -T`.
    return exec(from, "timeout", "3", "wget", "-q", "-O", "-", `http://${host}:${port}/`);
  };
  return {
    ...{ namespace, kubectl, exec, apply },
    async pods(...wishes) {
      await eventually(() => kubectl("get", "serviceaccount", "default"), { within: 20_000, every: 200 });
      await apply(...wishes.map(podOf));
      const names = wishes.map(({ name }) => `pod/${name}`);
      await kubectl("wait", ...names, "--for=condition=Ready", "--timeout=120s");
      const { items } = JSON.parse(await kubectl("get", "pods", "-o", "json")) as { items: PodJson[] };
      return wishes.map(({ name, node }) => {
        const found = items.find(({ metadata }) => metadata.name === name);
        return { name, node, ips: (found?.status.podIPs ?? []).map(({ ip }) => ip) };
      });
    },
    async reaches(from, address, port = WEB_PORT) {
      return (await eventually(() => ask(from, address, port), { within: 20_000, every: 200 })).trim();
    },
    isKeptFrom: (from, address) =>
      eventually(() => assert.rejects(ask(from, address, WEB_PORT), `${from} reaches ${address}`), {
        within: 20_000,
        every: 200,
      }),
  };
}

type PodJson = {
  metadata: { name: string };
  status: { podIPs: { ip: string }[] };
};

export const podOf = ({ name, node, labels = {}, annotations = {}, hostPort }: PodWish): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name, ...labels }, annotations },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 0,
    tolerations: [{ operator: "Exists" }],
    containers: [
      {
        name: "web",
        image: BUSYBOX,
        imagePullPolicy: "Never",
        command: ["sh", "-c", WEB],
        ports: [{ containerPort: WEB_PORT, ...(hostPort === undefined ? {} : { hostPort }) }],
        // A busy machine may answer slowly: a pod that comes and goes as an endpoint is no test of a Service.
        readinessProbe: { httpGet: { path: "/", port: WEB_PORT }, periodSeconds: 1, timeoutSeconds: 20 },
      },
    ],
  },
});
