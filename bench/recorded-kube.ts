// An API server and a daemon that answer from what was recorded of a cluster: pods and nodes as a real API server lists them, many times
// over under other names. For the bench of the listener: what is measured is in another process.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Recorded = {
  readonly url: string;
  /** What the daemon was told of. */
  readonly told: { readonly hosts: Set<string>; pods: number };
  close(): void;
};

/** `text`: of the i-th object, as JSON. */
type Making = { readonly count: number; readonly text: (i: number) => string };

export async function startRecorded(nodes: number, pods: number): Promise<Recorded> {
  const lists: Readonly<Record<string, Making>> = {
    "/api/v1/nodes": {
      count: nodes,
      text: recording(node, (i) => ({ i, zone: i % 3, net: (i >> 8) + 1, host: i & 255 })),
    },
    "/api/v1/pods": {
      count: pods,
      text: recording(pod, (i) => ({ i, app: Math.floor(i / 10), team: i % NAMESPACES, node: i % nodes })),
    },
    "/api/v1/namespaces": { count: NAMESPACES, text: recording(namespace, (i) => ({ i })) },
  };
  const told = { hosts: new Set<string>(), pods: 0 };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://recorded");
    if (url.pathname.startsWith("/api")) kubernetes(lists, url, request, response);
    else void daemon(told, url.pathname, request, response);
  });
  // As a real one, longer than anybody here pauses.
  server.keepAliveTimeout = 90_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** `{name}` in the texts of `object` is that number of `numbers`: an object is put together, not made, as this process shares the machine. */
function recording(object: object, numbers: (i: number) => Readonly<Record<string, number>>): Making["text"] {
  const parts = JSON.stringify(object).split(/\{(\w+)\}/);
  return (i) => {
    const all = numbers(i);
    return parts.map((part, at) => (at % 2 === 0 ? part : all[part])).join("");
  };
}

function kubernetes(
  lists: Readonly<Record<string, Making>>,
  { pathname, searchParams }: URL,
  { method }: IncomingMessage,
  response: ServerResponse,
): void {
  if (pathname.includes("/leases")) {
    const found = method === "GET" ? 404 : 201;
    response.writeHead(found).end(JSON.stringify({ code: found, message: "lease" }));
  } else if (searchParams.get("watch") === "true") response.writeHead(200).flushHeaders();
  else {
    const { count, text } = lists[pathname] ?? { count: 0, text: () => "" };
    const from = Number(searchParams.get("continue") ?? 0);
    const to = Math.min(count, from + Number(searchParams.get("limit") ?? count));
    const items = Array.from({ length: to - from }, (_, i) => text(from + i));
    const metadata = { resourceVersion: "1000", ...(to < count && { continue: `${to}` }) };
    response.end(`{"metadata":${JSON.stringify(metadata)},"items":[${items.join()}]}`);
  }
}

async function daemon(
  told: Recorded["told"],
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const empty = { hosts: [], pods: [], tenants: [], policies: [], faults: [], groups: [], revision: 1 };
  if (request.method === "GET") response.end(JSON.stringify(path === "/policies" ? [] : empty));
  else {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { name?: string; put?: unknown[] };
    if (path === "/hosts") told.hosts.add(body.name ?? "");
    if (path === "/pods") told.pods += body.put?.length ?? 0;
    response.end(JSON.stringify(path === "/hosts" ? { ...body, groups: ["all"], agent_port: 0 } : empty));
  }
}

/** Of every object a third: who wrote which field. */
const managed = (manager: string): object[] => [
  {
    ...{ manager, operation: "Update", apiVersion: "v1", time: TIME, fieldsType: "FieldsV1" },
    fieldsV1: Object.fromEntries(
      Array.from({ length: 24 }, (_, n) => [`f:field-${n}`, { ".": {}, "f:name": {}, "f:value": {} }]),
    ),
  },
];

const NAMESPACES = 500;
const TIME = "2026-11-30T12:00:00Z";
const namespace = {
  metadata: {
    name: "team-{i}",
    labels: { "kubernetes.io/metadata.name": "team-{i}", tier: "web" },
  },
};

const node = {
  metadata: {
    name: "node-{i}",
    uid: "8e3c6f7e-0000-4000-8000-{i}",
    creationTimestamp: TIME,
    labels: {
      "kubernetes.io/hostname": "node-{i}",
      "kubernetes.io/os": "linux",
      "kubernetes.io/arch": "amd64",
      "topology.kubernetes.io/region": "r1",
      "topology.kubernetes.io/zone": "z{zone}",
      "romana.io/rack": "{zone}",
    },
    managedFields: managed("kubelet"),
  },
  spec: { podCIDR: "", providerID: "metal://{i}" },
  status: {
    addresses: [
      { type: "InternalIP", address: "10.100.{net}.{host}" },
      { type: "Hostname", address: "node-{i}" },
    ],
    conditions: ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready", "NetworkUnavailable"].map(
      (type) => ({
        ...{ type, status: type === "Ready" ? "True" : "False" },
        ...{
          lastHeartbeatTime: TIME,
          lastTransitionTime: TIME,
          reason: "KubeletReady",
          message: "as it should be",
        },
      }),
    ),
    images: Array.from({ length: 30 }, (_, n) => ({
      names: [`registry.example/team/image-${n}@sha256:${"0123456789abcdef".repeat(4)}`],
      sizeBytes: 123_456_789,
    })),
  },
};

/** About 5 kB, as pods of a Deployment are. */
const pod = {
  metadata: {
    name: "app-{app}-7d9c5b8f6d-{i}",
    namespace: "team-{team}",
    uid: "1b9d6bcd-0000-4000-8000-{i}",
    creationTimestamp: TIME,
    labels: {
      app: "app-{app}",
      "app.kubernetes.io/part-of": "system-{node}",
      "pod-template-hash": "7d9c5b8f6d",
      "romana.io/segment": "front",
    },
    annotations: { "prometheus.io/scrape": "true", "checksum/config": "0123456789abcdef".repeat(4) },
    ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "app-{app}", controller: true }],
    managedFields: [...managed("kube-controller-manager"), ...managed("kubelet")],
  },
  spec: {
    nodeName: "node-{node}",
    serviceAccountName: "default",
    volumes: Array.from({ length: 3 }, (_, n) => ({ name: `volume-${n}`, configMap: { name: `map-${n}` } })),
    tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists", tolerationSeconds: 300 }],
    containers: [
      {
        name: "app",
        image: "registry.example/team/app:{app}",
        env: Array.from({ length: 12 }, (_, n) => ({
          name: `SETTING_${n}`,
          value: "some value of a setting",
        })),
        ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
        resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
      },
    ],
  },
  status: {
    phase: "Running",
    podIP: "10.0.0.1",
    conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map((type) => ({
      ...{ type, status: "True", lastTransitionTime: TIME },
    })),
  },
};
