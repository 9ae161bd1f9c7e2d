// From Nodes to the hosts that the daemon is to know. A node that makes no host is told of, and does not disturb the others.
import type { HostRequest } from "../../core/api/types.ts";
import { formatIp, type Ip, parseIp } from "../../core/net/ip.ts";
import type { NodeView } from "./read-node.ts";

/** By `k8s_info` a host is known to be the listener's, which alone it may change and remove. */
const MAKER = "romana-listener";

export type DesiredHost = {
  readonly name: string;
  readonly ips: string[];
  readonly tags: Record<string, string>;
  readonly k8s_info: Record<string, unknown>;
};

export type NodeFault = {
  readonly node: string;
  /** As an event's reason. */
  readonly reason:
    | "NoAddress"
    | "AddressTaken"
    | "InvalidLabel"
    | "ForeignHost"
    | "Refused"
    | "NoGroup"
    | "GroupFull"
    | "Overlap";
  readonly message: string;
};

export type DesiredHosts = {
  readonly hosts: ReadonlyMap<string, DesiredHost>;
  readonly faults: readonly NodeFault[];
};

export const isMadeHere = ({ k8s_info: info }: Pick<HostRequest, "k8s_info">): boolean =>
  info?.["made_by"] === MAKER;

/** Of two nodes with one address the older one has it: a host that is known keeps what it has. */
export function desiredHosts(nodes: Iterable<NodeView>): DesiredHosts {
  const hosts = new Map<string, DesiredHost>();
  const faults: NodeFault[] = [];
  const holders = new Map<string, string>();
  for (const node of [...nodes].sort(byAge)) {
    const ips = addressesOf(node);
    const holder = ips.map((ip) => holders.get(ip)).find((name) => name !== undefined);
    if (ips.length === 0) faults.push(noAddress(node));
    else if (holder !== undefined) faults.push(addressTaken(node, ips, holder));
    else {
      for (const ip of ips) holders.set(ip, node.name);
      hosts.set(node.name, hostOf(node, ips));
      faults.push(...invalidLabels(node));
    }
  }
  return { hosts, faults };
}

const byAge = (a: NodeView, b: NodeView): number => compare(a.created, b.created) || compare(a.name, b.name);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The first of each family, canonical, in the node's own order. */
function addressesOf({ addresses }: NodeView): string[] {
  const ips = addresses.flatMap((text) => readIp(text) ?? []);
  return ips.filter(({ family }, i) => ips.findIndex((ip) => ip.family === family) === i).map(formatIp);
}

function readIp(text: string): Ip | undefined {
  try {
    return parseIp(text);
  } catch {
    return undefined; // a kubelet's word: what is no address is as absent
  }
}

function hostOf(node: NodeView, ips: string[]): DesiredHost {
  const { name, uid, ready, unschedulable } = node;
  const info = { made_by: MAKER, uid, ready, unschedulable };
  return { name, ips, tags: tagsOf(node), k8s_info: info };
}

/** Two generations of names for the same label: whichever a node has, a topology may ask for either. */
const SAME = [
  ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"],
  ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"],
] as const;

function tagsOf({ labels }: NodeView): Record<string, string> {
  const tags = Object.fromEntries(Object.entries(labels).filter(isLabel));
  for (const [now, before] of SAME) {
    const value = tags[now] ?? tags[before];
    if (value !== undefined) tags[now] = tags[before] = value;
  }
  return tags;
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const NAME = /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

function isLabel([key, value]: readonly [string, unknown]): boolean {
  const parts = key.split("/");
  const [name = "", prefix] = parts.reverse();
  const isKey = parts.length <= 2 && NAME.test(name) && (prefix === undefined || PREFIX.test(prefix));
  return isKey && typeof value === "string" && (value === "" || NAME.test(value));
}

const noAddress = ({ name, addresses }: NodeView): NodeFault => ({
  node: name,
  reason: "NoAddress",
  message: `no address of type InternalIP${addresses.length > 0 ? ` in ${addresses.join(", ")}` : ""}: Romana cannot route to this node`,
});

const addressTaken = ({ name }: NodeView, ips: readonly string[], holder: string): NodeFault => ({
  node: name,
  reason: "AddressTaken",
  message: `${ips.join(", ")}: node ${holder}, which is older, has that address: Romana does not know this node until one of them is gone`,
});

const invalidLabels = (node: NodeView): NodeFault[] =>
  Object.entries(node.labels)
    .filter((label) => !isLabel(label))
    .map(([key]) => ({
      node: node.name,
      reason: "InvalidLabel",
      message: `label ${key.slice(0, 100)}: neither name nor value of this form is valid, so the topology does not see it`,
    }));
