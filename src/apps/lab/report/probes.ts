// Real packets: everybody pings everybody, a traceroute across zones, TCP throughput. Never leaves the lab's namespaces.
import { formatIp } from "../../../core/net/ip.ts";
import { allOf } from "../../../base/all-of.ts";
import { checked } from "../fabric.ts";
import type { Lab } from "../lab.ts";
import type { PodState } from "../state.ts";

/** Pods that ping at the same time, each all others at once. */
const WIDTH = 3;
const MAX_HOPS = 12;

export type Matrix = {
  /** Pairs tried: pods x addresses. */
  readonly tried: number;
  /** Those without an answer: names of pods, and the address that was asked. */
  readonly failed: readonly { readonly from: string; readonly ip: string; readonly to: string }[];
};

/** One ICMP echo from each pod to each address of each pod, itself too. */
export async function pingMatrix(lab: Lab, pods: readonly PodState[] = lab.state.pods): Promise<Matrix> {
  const targets = pods.flatMap((pod) => pod.ips.map((ip) => ({ ip, pod: pod.name })));
  // One shell a pod: the pings of a pod run at the same time, and only failures are told.
  const script = targets
    .map(({ ip }) => `{ ping -n -q -c1 -W2 ${ip} >/dev/null 2>&1 || echo ${ip}; } &`)
    .join("\n");
  const failed = await allOf(
    pods,
    async (pod) => {
      const { stdout } = await checked(lab.run, ["sh", "-c", `${script}\nwait`], {
        netns: lab.netns(pod.name),
      });
      const lost = new Set(stdout.split("\n"));
      return targets
        .filter(({ ip }) => lost.has(ip))
        .map((target) => ({ from: pod.name, ip: target.ip, to: target.pod }));
    },
    WIDTH,
  );
  return { tried: targets.length * pods.length, failed: failed.flat() };
}

export type Trace = {
  readonly from: string;
  readonly to: string;
  readonly ip: string;
  readonly hops: readonly { readonly ip: string; readonly node: string }[];
  readonly complete: boolean;
};

/** From the first pod to a pod at the other end of the topology, each family. */
export async function traceAcross(lab: Lab): Promise<Trace[]> {
  const [from, to] = [nearPod(lab), farPod(lab)];
  if (!from || !to) return [];
  return allOf(to.ips, async (ip) => {
    const family = ip.includes(":") ? "-6" : "-4";
    const argv = ["traceroute", family, "-n", "-q", "1", "-w", "1", "-m", String(MAX_HOPS), ip];
    const { stdout } = await checked(lab.run, argv, { netns: lab.netns(from.name) });
    const names = namesByIp(lab);
    const hops = stdout
      .split("\n")
      .slice(1)
      .flatMap((line) => / *\d+ +(\S+)/.exec(line)?.[1] ?? [])
      .map((hop) => ({ ip: hop, node: names.get(hop) ?? "?" }));
    return {
      from: from.name,
      to: to.name,
      ip,
      hops,
      complete: hops.at(-1)?.ip === ip && hops.every(({ node }) => node !== "?"),
    };
  });
}

/** The first pod of the first host. */
export const nearPod = (lab: Lab): PodState | undefined => lab.state.pods[0];

/** A pod of the last host: another zone where there is one. */
export const farPod = (lab: Lab): PodState | undefined =>
  lab.state.pods.find((pod) => pod.host === lab.state.hosts.at(-1)?.name);

function namesByIp(lab: Lab): Map<string, string> {
  const nodes = lab.plan.nodes.flatMap((node) =>
    node.addresses.map(({ ip }) => [formatIp(ip), node.name] as const),
  );
  const pods = lab.state.pods.flatMap((pod) => pod.ips.map((ip) => [ip, pod.name] as const));
  return new Map([...nodes, ...pods]);
}
