// What is wrong with the addresses as Kubernetes tells: held for pods that are not there or have others, had by pods and not held. Pure.
import type { FindingReply } from "../../core/api/ipam.ts";
import type { AddressList, AddressReply } from "../../core/api/types.ts";
import { addressKey } from "../../core/model/keys.ts";
import { type Cidr, containsIp } from "../../core/net/cidr.ts";
import { formatIp, tryParseIp } from "../../core/net/ip.ts";
import { hasEnded, type PodFact } from "./kubernetes-pods.ts";

/** `unheld`: a pod has an address of Romana's networks that nobody holds. The others as of the daemon. */
export type KubernetesFinding = Omit<FindingReply, "kind"> & {
  readonly kind: "leaked" | "misplaced" | "doubled" | "unheld";
};

export type Compared = {
  /** Before the pods were listed, and after: what is under way meanwhile is no finding. */
  readonly before: AddressList;
  readonly after: AddressList;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, PodFact>;
  /** Romana's. */
  readonly networks: readonly Cidr[];
};

export function kubernetesFindings({ before, after, pods, networks }: Compared): KubernetesFinding[] {
  const known = new Map(before.addresses.map(({ name, sequence }) => [name, sequence]));
  const lasting = after.addresses.filter(({ name, sequence }) => known.get(name) === sequence);
  const holders = [before, after].map(holdersOf);
  return [
    ...lasting.flatMap((address) => ofAddress(address, pods, after.revision)),
    ...[...pods]
      .filter(([, pod]) => !pod.hostNetwork && !hasEnded(pod))
      .flatMap(([id, pod]) =>
        addressesIn(pod, networks).flatMap((ip) => {
          const held = holders.flatMap((each) => each.get(ip) ?? []);
          return ofPodAddress({ id, pod, ip, held }, after.revision);
        }),
      ),
  ];
}

const holdersOf = ({ addresses }: AddressList): ReadonlyMap<string, AddressReply> =>
  new Map(addresses.flatMap((address) => address.ips.map((ip) => [ip, address] as const)));

/** What was allocated for no pod is not Kubernetes' to know of. */
function ofAddress(address: AddressReply, pods: Compared["pods"], revision: number): KubernetesFinding[] {
  const { pod: id, name, host, ips } = address;
  if (id === undefined) return [];
  const pod = pods.get(id);
  const fault = faultOf(address, pod);
  if (!fault) return [];
  const [kind, details] = fault;
  const evidence = [{ key: addressKey(name), revision }, podEvidence(id, pod)];
  return [{ kind, subject: name, host, ips: [...ips], details, evidence }];
}

const podEvidence = (id: string, pod: PodFact | undefined): FindingReply["evidence"][number] => ({
  key: `kubernetes/pods/${id}`,
  revision: pod?.revision ?? 0,
});

type Fault = readonly [kind: "leaked" | "misplaced", details: string];

function faultOf({ pod: id, host, ips }: AddressReply, pod: PodFact | undefined): Fault | undefined {
  const held = `held for pod ${id}, which`;
  if (!pod) return ["leaked", `${held} Kubernetes does not have`];
  if (hasEnded(pod)) return ["leaked", `${held} has ended (${pod.phase})`];
  const isIts = ips.some((ip) => pod.ips.includes(ip));
  // One that is starting has no address yet.
  if (!isIts && pod.ips.length > 0) return ["leaked", `${held} has ${pod.ips.join(", ")}`];
  if (pod.node === host) return undefined;
  if (isIts) return ["misplaced", `pod ${id} has it on node ${pod.node}`];
  return ["leaked", `${held} is on ${pod.node === "" ? "no node" : `node ${pod.node}`}`];
}

/** As Romana writes them. */
function addressesIn({ ips }: PodFact, networks: readonly Cidr[]): string[] {
  const known = ips.flatMap((text) => tryParseIp(text) ?? []);
  return known.filter((ip) => networks.some((cidr) => containsIp(cidr, ip))).map(formatIp);
}

type PodAddress = {
  readonly id: string;
  readonly pod: PodFact;
  readonly ip: string;
  readonly held: readonly AddressReply[];
};

/** One that was allocated by hand, or adopted, is for a pod that nobody named. */
function ofPodAddress({ id, pod, ip, held }: PodAddress, revision: number): KubernetesFinding[] {
  if (held.some((each) => each.pod === undefined || each.pod === id)) return [];
  const [other] = held;
  const by = other ? `it is held for pod ${other.pod} (${other.name})` : "nobody holds it";
  return [
    {
      ...{ kind: other ? "doubled" : "unheld", subject: id, host: pod.node, ips: [ip] },
      details: `pod ${id} has it on node ${pod.node}, and ${by}`,
      evidence: [podEvidence(id, pod), ...(other ? [{ key: addressKey(other.name), revision }] : [])],
    },
  ];
}
