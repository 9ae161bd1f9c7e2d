// One change to the policy index at the size that Romana is built for: 5,000 policies, 50,000 pods. Pure computation: no store,
// no stream, no kernel.
import { type Cidr, parseCidr, subnet } from "../src/core/net/cidr.ts";
import type { Ip } from "../src/core/net/ip.ts";
import type { PolicyPod } from "../src/core/model/policy.ts";
import { translateNetworkPolicy } from "../src/core/policy/kubernetes.ts";
import { createPolicyIndex, type PolicyIndex, type WorldChange } from "../src/core/policy/policy-index.ts";
import { type Bench, type Figure, median, quantile } from "./figure.ts";

const HOSTS = 1000;
const TENANTS = 500;
const PODS = 50_000;

const CHANGES = 100;
const GOAL = 20;
const APPS = ["web", "api", "db", "cache", "job"];
const [V4, V6] = [parseCidr("10.0.0.0/8"), parseCidr("fd00::/64")];
const goal = { kind: "at-most", limit: GOAL, of: "value" } as const;

const tenantName = (i: number): string => `tenant-${i}`;
const hostName = (i: number): string => `host-${i}`;

/** Every tenant has a block of eight on each of the hosts that run its pods; eight pods are in it. */
const blockNumber = (i: number): bigint => BigInt(Math.floor(i / 8));
const hostOf = (i: number): string => hostName((Math.floor(i / 8) * 7) % HOSTS);
const ipsOf = (i: number): Ip[] => {
  const inBlock = BigInt(i % 8);
  const of = (network: Cidr, length: number): Ip => {
    const { ip } = subnet(network, length, blockNumber(i));
    return { family: ip.family, value: ip.value + inBlock };
  };
  return [of(V4, 29), of(V6, 125)];
};

function podAt(i: number, app = APPS[i % APPS.length] ?? ""): PolicyPod {
  // 13 blocks of 8 for each tenant: the last one is not full.
  const tenant = Math.floor(i / 104) % TENANTS;
  return {
    ...{ id: `${tenantName(tenant)}/pod-${i}`, tenant: tenantName(tenant), ips: ipsOf(i), host: hostOf(i) },
    ...{ hostNetwork: false, ports: [{ name: "http", protocol: "tcp", port: i % 50 === 0 ? 8081 : 8080 }] },
    labels: { app, release: `r${i % 3}`, "pod-template-hash": `h${i % 997}`, tier: `t${i % 2}` },
  };
}

const app = (name: string): object => ({ podSelector: { matchLabels: { app: name } } });
const specs: readonly object[] = [
  { podSelector: {}, policyTypes: ["Ingress"] },
  { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] },
  { ...app("db"), ingress: [{ from: [app("api"), app("job")], ports: [{ port: 5432 }] }] },
  { ...app("api"), ingress: [{ from: [app("web")], ports: [{ port: "http" }] }] },
  { ...app("cache"), ingress: [{ from: [app("api")], ports: [{ port: 6379 }] }] },
  { ...app("web"), ingress: [{ from: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["10.0.0.0/8"] } }] }] },
  {
    podSelector: {},
    ingress: [
      { from: [{ namespaceSelector: { matchLabels: { role: "monitoring" } } }], ports: [{ port: 9100 }] },
    ],
  },
  {
    ...{ podSelector: {}, policyTypes: ["Egress"] },
    egress: [
      {
        to: [{ namespaceSelector: { matchLabels: { role: "system" } }, ...app("cache") }],
        ports: [{ protocol: "UDP", port: 53 }],
      },
    ],
  },
  { ...app("job"), policyTypes: ["Egress"], egress: [{ to: [app("db")], ports: [{ port: "http" }] }] },
  {
    ...app("web"),
    ingress: [{ from: [{ namespaceSelector: { matchExpressions: [{ key: "team", operator: "Exists" }] } }] }],
  },
];

function policyChanges(namespace: string, name: string, spec: object): WorldChange[] {
  const { policies } = translateNetworkPolicy({ metadata: { namespace, name }, spec });
  return policies.map((policy) => ({ kind: "put-policy", policy }));
}

const tenantChange = (i: number, team?: string): WorldChange => ({
  kind: "put-tenant",
  tenant: {
    name: tenantName(i),
    labels: {
      role: i === 0 ? "monitoring" : i === 1 ? "system" : "user",
      ...(team === undefined ? {} : { team }),
    },
  },
});

function worldChanges(): WorldChange[] {
  const of = (count: number, make: (i: number) => WorldChange[]): WorldChange[] =>
    Array.from({ length: count }, (_, i) => make(i)).flat();
  return [
    ...of(HOSTS, (i) => [{ kind: "put-host", host: { name: hostName(i), ips: [] } }]),
    ...of(TENANTS, (i) => [tenantChange(i, i % 5 === 0 ? "a" : undefined)]),
    ...of(PODS / 8, (i) => {
      const { tenant, host } = podAt(i * 8);
      const common = { tenant, host, segment: "" };
      return [
        { kind: "put-block", block: { cidr: subnet(V4, 29, BigInt(i)), ...common } },
        { kind: "put-block", block: { cidr: subnet(V6, 125, BigInt(i)), ...common } },
      ];
    }),
    ...of(PODS, (i) => [{ kind: "put-pod", pod: podAt(i) }]),
    ...of(TENANTS, (i) => specs.flatMap((spec, n) => policyChanges(tenantName(i), `p${n}`, spec))),
  ];
}

const fromEverywhere = (i: number, pods: object): WorldChange[] =>
  policyChanges(tenantName(i), "wide", {
    podSelector: {},
    ingress: [{ from: [{ namespaceSelector: {}, ...pods }] }],
  });
const withoutWide = (i: number): WorldChange[] => [
  { kind: "delete-policy", id: `kube.${tenantName(i)}.wide.ingress` },
];

type Kind = {
  readonly name: string;
  readonly change: (i: number) => WorldChange[];
  /** Done after each, and not measured. */
  readonly undo?: (i: number) => WorldChange[];
};

const kinds: readonly Kind[] = [
  {
    name: "pod added, in several sets of addresses",
    change: (i) => [{ kind: "put-pod", pod: podAt(PODS + i, "api") }],
  },
  { name: "pod removed", change: (i) => [{ kind: "delete-pod", id: podAt(PODS + i).id }] },
  {
    name: "pod relabelled",
    change: (i) => [{ kind: "put-pod", pod: podAt(i * 31, i % 2 ? "db" : "web") }],
  },
  {
    name: "policy added, selecting its namespace",
    change: (i) => policyChanges(tenantName(i), "extra", { ingress: [{ from: [app("extra")] }] }),
  },
  {
    name: "policy's rules changed",
    change: (i) => policyChanges(tenantName(i), "p2", { ...app("db"), ingress: [{ from: [app("api")] }] }),
  },
  {
    name: "policy removed",
    change: (i) => [{ kind: "delete-policy", id: `kube.${tenantName(i)}.extra.ingress` }],
  },
  {
    name: "first policy that allows 10,000 pods by a label",
    change: (i) => fromEverywhere(i, app(APPS[i % APPS.length] ?? "")),
    undo: withoutWide,
  },
  {
    name: "first policy that allows all 50,000 pods",
    change: (i) => fromEverywhere(i, {}),
    undo: withoutWide,
  },
  { name: "namespace relabelled", change: (i) => [tenantChange(2 + i, i % 2 ? "b" : undefined)] },
];

function milliseconds(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** The median, as a thread that has to share its processor waits now and then for a whole time slice. */
function measure(index: PolicyIndex, { name, change, undo }: Kind): Figure {
  const times = Array.from({ length: CHANGES }, (_, i) => {
    const changes = change(i);
    const time = milliseconds(() => index.apply(changes));
    if (undo) index.apply(undo(i));
    return time;
  });
  const note = `p99 ${quantile(times, 0.99).toFixed(2)} ms`;
  return { name, value: median(times), unit: "ms", goal, note };
}

async function run(): Promise<Figure[]> {
  const world = worldChanges();
  const before = process.memoryUsage().heapUsed;
  const index = createPolicyIndex();
  const whole = milliseconds(() => {
    index.apply(world);
    for (let i = 0; i < HOSTS; i++) index.nodePolicy(hostName(i));
  });
  const megabytes = (process.memoryUsage().heapUsed - before) / 2 ** 20;
  const note = `${PODS} pods, ${TENANTS * specs.length} policies, ${HOSTS} hosts`;
  return [
    { name: "the whole world at once", value: whole / 1000, unit: "s", note },
    { name: "heap of the index", value: megabytes, unit: "MB", note: "before a collection" },
    ...kinds.map((kind) => measure(index, kind)),
  ];
}

export const policyTranslateBench: Bench = {
  name: "policy-translate",
  about: `one change among ${PODS} pods and ${TENANTS * specs.length} policies, resolved to what each node is told`,
  run,
};
