// A cluster as a store holds it, written to a file that `romana store import` takes: hosts on segments of 40, blocks of /29.
import { encodeAddress, encodeBlock, encodeHost } from "../src/core/model/codec.ts";
import { encodeTopology } from "../src/core/model/codec-topology.ts";
import {
  addressKey,
  blockKey,
  hostKey,
  podKey,
  policyKey,
  tenantKey,
  topologyKey,
} from "../src/core/model/keys.ts";
import { encodePod, encodeTenant } from "../src/core/model/pod-record.ts";
import { RECORDS_SCHEMA } from "../src/core/model/schema.ts";
import { parseCidr } from "../src/core/net/cidr.ts";
import { parseIp } from "../src/core/net/ip.ts";
import { encodePolicy } from "../src/core/policy/codec.ts";
import { translateNetworkPolicy } from "../src/core/policy/kubernetes.ts";
import { parseTopology } from "../src/core/topology/parse-topology.ts";
import { saveBackup } from "../src/io/store/backup/backup-file.ts";
import type { Pair, RecordPage } from "../src/io/store/backup/backup-lines.ts";
import { writeBackup } from "../src/io/store/backup/write-backup.ts";
import { compareKeys } from "../src/io/store/key-order.ts";

export type Size = {
  readonly hosts: number;
  readonly blocks: number;
  readonly addresses: number;
  /** Above 0: and what Kubernetes says of each pod. */
  readonly policies?: number;
};

/** Goals are for the last. */
export const SIZES: readonly Size[] = [
  { hosts: 100, blocks: 2000, addresses: 15_000 },
  { hosts: 333, blocks: 6667, addresses: 50_000 },
  { hosts: 1000, blocks: 20_000, addresses: 150_000 },
];

/** Hosts that are on-link to each other. */
export const SEGMENT = 40;
const octets = (i: number): string => `${(i >> 8) & 255}.${i & 255}`;
const ipAt = (i: number): string => `10.${(i >> 16) & 255}.${octets(i)}`;
export const subnetOf = (host: number): string =>
  `172.${16 + (Math.floor(host / SEGMENT) >> 8)}.${Math.floor(host / SEGMENT) & 255}.0/24`;
const hostIp = (host: number): string => subnetOf(host).replace("0/24", `${(host % SEGMENT) + 1}`);

export const count = ({ hosts, blocks, addresses }: Size): number => blocks + addresses + hosts + 1;

/** As a cluster of that size has them: seven or eight addresses a block. */
function* records({ hosts, blocks, addresses, policies = 0 }: Size): Generator<Pair> {
  const topology = parseTopology({
    networks: [{ name: "pods", cidr: "10.0.0.0/8", block_mask: 29 }],
    topologies: [{ networks: ["pods"], map: [{ name: "all", groups: [] }] }],
  });
  if (topology.kind === "valid") yield { key: topologyKey, value: encodeTopology(topology.topology) };
  for (let i = 0; i < hosts; i++) yield hostRecord(`node-${i}`, i);
  yield* policyRecords(policies);
  for (let b = 0; b < blocks; b++) {
    const block = { cidr: parseCidr(`${ipAt(8 * b)}/29`), network: "pods", host: `node-${b % hosts}` };
    const owner = { tenant: `tenant-${b % TENANTS}`, segment: "default" };
    const names = namesOf(b, addresses / blocks);
    const slots = names.map((name) => ({ state: "used", name, sequence: 1e12 + b }) as const);
    const sequence = 1e12 + b;
    yield {
      key: blockKey(block.cidr),
      value: encodeBlock({ ...block, ...owner, group: "all", sequence, slots }),
    };
    for (const [s, name] of names.entries()) {
      const ips = [{ ip: parseIp(ipAt(8 * b + s)), network: "pods", block: block.cidr }];
      const address = { name, host: block.host, ...owner, sequence, ips, pod: `${owner.tenant}/${name}` };
      yield { key: addressKey(name), value: encodeAddress(address) };
      if (policies > 0) yield podRecord(address.pod, block.host, 8 * b + s);
    }
  }
}

const TENANTS = 50;
const APPS = ["web", "api", "db", "cache", "job"];

function podRecord(id: string, host: string, i: number): Pair {
  const labels = {
    app: APPS[i % APPS.length] ?? "",
    release: `r${i % 3}`,
    "pod-template-hash": `h${i % 997}`,
  };
  const ports = [{ name: "http", protocol: "tcp", port: 8080 } as const];
  return { key: podKey(id), value: encodePod({ id, host, labels, ports }) };
}

/** Each isolates one app of a tenant, and lets another reach it. */
function* policyRecords(count: number): Generator<Pair> {
  for (let i = 0; count > 0 && i < TENANTS; i++) {
    const tenant = { name: `tenant-${i}`, labels: { team: `team-${i % 7}` } };
    yield { key: tenantKey(tenant.name), value: encodeTenant(tenant) };
  }
  for (let i = 0; i < count; i++) {
    const [to, from] = [i, i + 1].map((n) => ({
      matchLabels: { app: APPS[n % APPS.length], release: `r${n % 3}` },
    }));
    const metadata = { namespace: `tenant-${i % TENANTS}`, name: `p${i}` };
    const ingress = [{ from: [{ podSelector: from }], ports: [{ port: i % 2 ? "http" : 5432 }] }];
    for (const policy of translateNetworkPolicy({ metadata, spec: { podSelector: to, ingress } }).policies)
      yield { key: policyKey(policy.id), value: encodePolicy(policy) };
  }
}

const namesOf = (block: number, each: number): string[] => {
  const [from, to] = [Math.floor(block * each), Math.floor((block + 1) * each)];
  return Array.from({ length: to - from }, (_, i) => `k8s-pod-network.${from + i}.eth0`);
};

function hostRecord(name: string, i: number): Pair {
  const host = { name, ips: [parseIp(hostIp(i))], tags: {}, agentPort: 9607, k8sInfo: {}, groups: ["all"] };
  return { key: hostKey(name), value: encodeHost(host) };
}

export async function makeBackup(path: string, size: Size): Promise<void> {
  const pairs = [...records(size)].sort((a, b) => compareKeys(a.key, b.key));
  const header = {
    ...{ romana_backup: 1, cluster: "bench", generation: 0, revision: 1, schema: RECORDS_SCHEMA },
    taken: new Date().toISOString(),
  };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    async function* pages(): AsyncGenerator<RecordPage> {
      for (let i = 0; i < pairs.length; i += 1000) yield { header, pairs: pairs.slice(i, i + 1000) };
    }
    for await (const text of writeBackup(pages())) yield Buffer.from(text);
  }
  await saveBackup(path, bytes());
}
