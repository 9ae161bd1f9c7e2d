// What policies know of pods and tenants beside addresses, as somebody who knows told it (the listener), and its form in the store.
import {
  garbage,
  parseText,
  readArray,
  readCount,
  type Reader,
  readObject,
  readString,
  readStrings,
} from "./codec-read.ts";
import { podKey, tenantKey } from "./keys.ts";
import type { NamedPort, PolicyPod, PolicyTenant, PortProtocol } from "./policy.ts";

/**
 * Key `pods/<tenant>/<name>`: a pod that runs, or is about to, on a host and has a network of its own. Its addresses are where IPAM has them,
 * under the same id.
 */
export type PodRecord = Pick<PolicyPod, "id" | "host" | "labels" | "ports">;

/** "tenant/name". No tenant has a slash in its name. */
export const tenantOfPod = (id: string): string => id.slice(0, Math.max(0, id.indexOf("/")));

/** There are very many: `ports` as `[name, protocol, number]`. */
export const encodePod = ({ id, host, labels, ports }: PodRecord): string =>
  JSON.stringify({
    id,
    host,
    labels,
    ports: ports.map(({ name, protocol, port }) => [name, protocol, port]),
  });

/** UnavailableError `STORE_GARBAGE`. */
export function decodePod(key: string, text: string): PodRecord {
  const { id, host, labels, ports } = readObject(parseText(key, text), ["id", "host", "labels", "ports"]);
  const pod = {
    id: readString(id),
    host: readString(host),
    labels: readStrings(labels),
    ports: readArray(ports, readPort),
  };
  if (podKey(pod.id) !== key) throw garbage(id, `the id in the key, as ${podKey(pod.id)}`);
  return pod;
}

const PROTOCOLS: readonly string[] = ["tcp", "udp", "sctp"] satisfies PortProtocol[];

function readPort(reader: Reader): NamedPort {
  const [name, protocol, port, ...more] = readArray(reader, (each) => each);
  if (!name || !protocol || !port || more.length > 0) throw garbage(reader, "[name, protocol, port]");
  const word = readString(protocol);
  if (!PROTOCOLS.includes(word)) throw garbage(protocol, "tcp, udp or sctp");
  return { name: readString(name), protocol: word as PortProtocol, port: readCount(port) };
}

/** Key `tenants/<name>`. */
export const encodeTenant = ({ name, labels }: PolicyTenant): string => JSON.stringify({ name, labels });

/** UnavailableError `STORE_GARBAGE`. */
export function decodeTenant(key: string, text: string): PolicyTenant {
  const { name, labels } = readObject(parseText(key, text), ["name", "labels"]);
  const tenant = { name: readString(name), labels: readStrings(labels) };
  if (tenantKey(tenant.name) !== key)
    throw garbage(name, `the name in the key, as ${tenantKey(tenant.name)}`);
  return tenant;
}
