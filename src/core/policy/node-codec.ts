// A node's share and its changes as JSON and back. Decode after encode is identity. The same chain, set or change goes to many
// nodes: its text is made once.
import { UnavailableError } from "../../base/errors.ts";
import type {
  ChangesJson,
  IsolationJson,
  NodeDeltaJson,
  NodeHostJson,
  NodePodJson,
  NodePolicyJson,
  NodeSetJson,
  SetChangeJson,
} from "../api/node-policy.ts";
import type {
  Changes,
  Isolation,
  NodeChain,
  NodeDelta,
  NodeHost,
  NodePod,
  NodePolicy,
  NodeSet,
  SetChange,
  SetElement,
} from "../model/node-policy.ts";
import { parseCidr } from "../net/cidr.ts";
import { formatIp, parseIp } from "../net/ip.ts";
import { elementKey } from "./set-spec.ts";

/** The text of a `NodePolicyJson`. */
export const encodeNodePolicy = ({ host, pods, chains, sets }: NodePolicy): string =>
  objectText({
    host: JSON.stringify(hostJson(host)),
    pods: listText([...pods.values()].map(podText)),
    chains: listText([...chains.values()].map(chainText)),
    sets: listText([...sets.values()].map(setText)),
  });

/** The text of a `NodeDeltaJson`. */
export const encodeNodeDelta = ({ host, pods, chains, sets, elements }: NodeDelta): string =>
  objectText({
    host: host && JSON.stringify(hostJson(host)),
    pods: changesText(pods, podText),
    chains: changesText(chains, chainText),
    sets: changesText(sets, setText),
    elements: elements.length > 0 ? listText(elements.map(changeText)) : undefined,
  });

const listText = (texts: readonly string[]): string => `[${texts.join()}]`;

function objectText(fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).filter(([, text]) => text !== undefined);
  return `{${given.map(([name, text]) => `"${name}":${text}`).join()}}`;
}

function changesText<T>(changes: Changes<T>, textOf: (value: T) => string): string | undefined {
  if (changes.put.length === 0 && changes.delete.length === 0) return undefined;
  return objectText({
    put: changes.put.length > 0 ? listText(changes.put.map(textOf)) : undefined,
    delete: changes.delete.length > 0 ? JSON.stringify(changes.delete) : undefined,
  });
}

/** As long as the value itself is kept. */
function remembered<T extends object>(jsonOf: (value: T) => unknown): (value: T) => string {
  const texts = new WeakMap<T, string>();
  return (value) => {
    const text = texts.get(value) ?? JSON.stringify(jsonOf(value));
    texts.set(value, text);
    return text;
  };
}

const podText = (pod: NodePod): string => JSON.stringify(podJson(pod));
const chainText = remembered((chain: NodeChain) => chain);
const setText = remembered(({ name, about, kind, elements }: NodeSet): NodeSetJson => ({
  ...{ name, about, kind },
  elements: [...elements.keys()],
}));
const changeText = remembered(({ name, added, removed }: SetChange): SetChangeJson => ({
  name,
  ...(added.length > 0 && { added: added.map(elementKey) }),
  ...(removed.length > 0 && { removed: removed.map(elementKey) }),
}));

const isolationJson = ({ ingress, egress }: Isolation): IsolationJson => ({
  ...(ingress && { ingress }),
  ...(egress && { egress }),
});
const hostJson = ({ name, ips, ...isolation }: NodeHost): NodeHostJson => ({
  name,
  ips: ips.map(formatIp),
  ...isolationJson(isolation),
});
const podJson = ({ id, ips, ...isolation }: NodePod): NodePodJson => ({
  id,
  ips: ips.map(formatIp),
  ...isolationJson(isolation),
});

/** UnavailableError `NODE_POLICY_UNKNOWN`: a later program told it, and what it means nobody knows here. */
export function decodeNodePolicy({ host, pods, chains, sets }: NodePolicyJson): NodePolicy {
  return {
    host: readHost(host),
    pods: new Map(pods.map((pod) => [pod.id, readPod(pod)])),
    chains: new Map(chains.map((chain) => [chain.name, readChain(chain)])),
    sets: new Map(sets.map((set) => [set.name, readSet(set)])),
  };
}

/** As `decodeNodePolicy`. */
export function decodeNodeDelta({ host, pods, chains, sets, elements = [] }: NodeDeltaJson): NodeDelta {
  return {
    host: host && readHost(host),
    pods: readChanges(pods, readPod),
    chains: readChanges(chains, readChain),
    sets: readChanges(sets, readSet),
    elements: elements.map(({ name, added = [], removed = [] }) => ({
      name,
      added: added.map(readElement),
      removed: removed.map(readElement),
    })),
  };
}

function readChanges<J, T>(changes: ChangesJson<J> | undefined, read: (json: J) => T): Changes<T> {
  return { put: changes?.put?.map(read) ?? [], delete: changes?.delete ?? [] };
}

const readIsolation = ({ ingress, egress }: IsolationJson): Isolation => ({ ingress, egress });
const readHost = ({ name, ips, ...isolation }: NodeHostJson): NodeHost => ({
  name,
  ips: ips.map((text) => parseIp(text)),
  ...readIsolation(isolation),
});
const readPod = ({ id, ips, ...isolation }: NodePodJson): NodePod => ({
  id,
  ips: ips.map((text) => parseIp(text)),
  ...readIsolation(isolation),
});
const readSet = ({ name, about, kind, elements }: NodeSetJson): NodeSet => ({
  ...{ name, about, kind },
  elements: new Map(elements.map((text) => [text, readElement(text)])),
});

function readElement(text: string): SetElement {
  const [cidr = "", port] = text.split(" ");
  return port === undefined ? { cidr: parseCidr(cidr) } : { cidr: parseCidr(cidr), port: Number(port) };
}

const MATCHES = ["peers", "endpoints"];
const TRAFFIC = ["ports", "icmp"];

function readChain(chain: NodeChain): NodeChain {
  for (const { action, match } of chain.rules) {
    const kinds: readonly string[] =
      match.kind === "peers" && match.traffic !== "any" ? match.traffic.map(({ kind }) => kind) : [];
    const isKnown = MATCHES.includes(match.kind) && kinds.every((kind) => TRAFFIC.includes(kind));
    if ((action as string) !== "allow" || !isKnown)
      throw new UnavailableError({ code: "NODE_POLICY_UNKNOWN", policy: chain.policy, action, match });
  }
  return chain;
}
