// A pod's veth pair, addresses, neighbours and routes. The pair needs no address: what remains once that is known is one send for each end.
// Knows nothing of CNI or of the daemon.
import { createHash } from "node:crypto";
import { allEnded } from "../../../base/all-ended.ts";
import { UnavailableError } from "../../../base/errors.ts";
import type { Rng } from "../../../base/clock.ts";
import { type Cidr, cidrOf, hostCidr } from "../../../core/net/cidr.ts";
import { podRoute } from "../../../core/desired/node-routes.ts";
import { equalIp, type Family, formatIp, type Ip, parseIp } from "../../../core/net/ip.ts";
import type { Change, Route } from "../../../core/netlink/types.ts";
import type { ChangeResult, Kernel, NativeHelper } from "../../../io/kernel/kernel.ts";
import type { LinkRemover } from "./remove-links.ts";

/** The pod's on-link gateway. No interface carries it: the pod has a permanent neighbour entry instead of asking by ARP or NDP. */
export const GATEWAYS: Readonly<Record<Family, Ip>> = { 4: parseIp("169.254.1.1"), 6: parseIp("fe80::1") };
/** Every host end has the same locally administered address, so that the neighbour entry is known before the pair is. */
const HOST_MAC = "02:72:6f:6d:00:01";
const MAIN_TABLE = 254;
const LOCAL_TABLE = 255;
const SCOPE_LINK = 253;
const IPV6_METRIC = 1024;
const IFA_F_NODAD = 0x02;
const PROTOCOL_BOOT = 3;
const VETH_ATTEMPTS = 4;
/** Each takes some tenths of a millisecond. */
const MOST_LOOKS = 200;

export type Wiring = {
  readonly netns: string;
  readonly ifname: string;
  readonly hostInterface: string;
  readonly mtu: number;
};

export type Pair = {
  readonly hostIndex: number;
  readonly podIndex: number;
  readonly hostMac: string;
  readonly podMac: string;
};

/** The kernel of the pod's namespace and of the host's. */
export type Kernels = { readonly pod: Kernel; readonly host: Kernel };

export type AttachDeps = {
  readonly helper: NativeHelper;
  readonly host: Kernel;
  /** Descriptor of the host's namespace in the helper. */
  readonly hostNetnsFd: number;
  readonly links: LinkRemover;
  readonly rng: Rng;
};

/** Name of the host end: "rom" and 12 hexadecimal digits of the attachment, so that it is found again without memory. */
export function hostInterfaceName(network: string, containerId: string, ifname: string): string {
  return `rom${digest(network, containerId, ifname).slice(0, 12)}`;
}

const digest = (...parts: string[]): string => createHash("sha256").update(parts.join("\0")).digest("hex");

/** Of the pod's end, made from the name of the host's. */
export function podMacOf(hostInterface: string): string {
  const hex = digest(hostInterface);
  return ["02", ...Array.from({ length: 5 }, (_, i) => hex.slice(2 * i, 2 * i + 2))].join(":");
}

/**
 * Makes the pair, from the pod's side, with both indexes chosen here, so that addresses and routes need no look-up. A host end of the
 * same name is what a crashed ADD of this very attachment left: it is removed. UnavailableError `IFNAME_TAKEN`, `VETH`.
 */
export async function createPair(wiring: Wiring, pod: Kernel, deps: AttachDeps): Promise<Pair> {
  const podMac = podMacOf(wiring.hostInterface);
  for (let attempt = 1; ; attempt++) {
    const [hostIndex, podIndex] = [chooseIndex(deps.rng), chooseIndex(deps.rng)];
    const pair = { hostIndex, podIndex, hostMac: HOST_MAC, podMac };
    const [result] = await pod.apply([vethAdd(wiring, pair, deps.hostNetnsFd)]);
    if (result?.kind === "done") return pair;
    const code = result?.code ?? "";
    if (code === "EEXIST" && attempt > 1) throw failure("IFNAME_TAKEN", wiring.ifname, result);
    // EBUSY: an index that somebody else has.
    if (attempt === VETH_ATTEMPTS || !["EEXIST", "EBUSY"].includes(code))
      throw failure("VETH", wiring.ifname, result);
    await deps.links.remove(wiring.hostInterface);
  }
}

const chooseIndex = (rng: Rng): number => 65_536 + Math.floor(rng() * 2 ** 29);

function vethAdd(
  { ifname, hostInterface, mtu }: Wiring,
  { hostIndex, podIndex, podMac }: Pair,
  hostNetnsFd: number,
): Change {
  return {
    ...{ kind: "veth-add", name: ifname, index: podIndex, mac: podMac, mtu },
    ...{ peerName: hostInterface, peerIndex: hostIndex, peerMac: HOST_MAC, peerNetnsFd: hostNetnsFd },
  };
}

/**
 * Brings the host's end up, and waits until the kernel has seen at the pod's end what that means: until then it drops what the pod
 * sends. Kernels from 6.7 on look when they are asked for the link; older ones have looked soon after.
 */
export async function bringUp({ podIndex, hostIndex }: Pair, { pod, host }: Kernels): Promise<void> {
  const up: Change[] = [{ kind: "link-up", index: hostIndex }];
  // The helper serves in order, so the first look is after the change.
  const [results, first] = await allEnded([host.apply(up), pod.link(podIndex)]);
  expectDone(up, results);
  let link = first;
  for (let look = 1; link && !link.operational && look < MOST_LOOKS; look++) link = await pod.link(podIndex);
}

/** Addresses, neighbours and routes inside. UnavailableError `POD_NETWORK`. */
export async function configureInside(pair: Pair, ips: readonly Ip[], pod: Kernel): Promise<void> {
  const changes = podChanges(pair, ips);
  expectDone(changes, await pod.apply(changes));
  await untilAnswering(ips, pod);
}

/** Neighbours and routes of the host: from then on the pod is reached. UnavailableError `POD_NETWORK`. */
export async function configureOutside(
  pair: Pair,
  ips: readonly Ip[],
  table: number,
  host: Kernel,
): Promise<void> {
  const changes = hostChanges(pair, ips, table);
  expectDone(changes, await host.apply(changes));
}

/**
 * The kernel takes an IPv6 address at once, but lets a worker make the local route without which it hears nothing that is sent to it,
 * also where no duplicates are looked for (addrconf_dad_completed).
 */
async function untilAnswering(ips: readonly Ip[], pod: Kernel): Promise<void> {
  const wanted = ips.filter(({ family }) => family === 6);
  for (let look = 0, missing = wanted; missing.length > 0 && look < MOST_LOOKS; look++) {
    const local = await pod.routes(6, LOCAL_TABLE);
    missing = wanted.filter((ip) => !local.some(({ dst }) => equalIp(dst.ip, ip)));
  }
}

function podChanges({ podIndex: index }: Pair, ips: readonly Ip[]): Change[] {
  return ips.flatMap((ip): Change[] => {
    const gateway = GATEWAYS[ip.family];
    const via = (dst: Cidr, hop: Ip | undefined): Change => ({
      kind: "route-replace",
      route: insideRoute(dst, hop, index),
    });
    const flags = ip.family === 6 ? IFA_F_NODAD : 0;
    return [
      { kind: "address-add", address: { index, ip, length: hostCidr(ip).length, label: "", flags } },
      { kind: "neighbour-replace", index, ip: gateway, mac: HOST_MAC, permanent: true },
      // fe80::1 is on-link by itself (fe80::/64); 169.254.1.1 needs to be told.
      ...(ip.family === 4 ? [via(hostCidr(gateway), undefined)] : []),
      via(cidrOf({ family: ip.family, value: 0n }, 0), gateway),
    ];
  });
}

/** A route inside the pod. IPv4 needs the link scope where there is no gateway; IPv6 knows no scopes. */
function insideRoute(dst: Cidr, via: Ip | undefined, index: number): Route {
  return {
    dst,
    table: MAIN_TABLE,
    protocol: PROTOCOL_BOOT,
    type: "unicast",
    scope: via || dst.ip.family === 6 ? 0 : SCOPE_LINK,
    metric: dst.ip.family === 6 ? IPV6_METRIC : 0,
    nextHops: [{ via, index, weight: 1, onlink: false }],
    source: undefined,
  };
}

function hostChanges({ hostIndex, podMac }: Pair, ips: readonly Ip[], table: number): Change[] {
  return ips.flatMap((ip): Change[] => [
    // Known beforehand, so that the first packet to the pod waits for no ARP or NDP.
    { kind: "neighbour-replace", index: hostIndex, ip, mac: podMac, permanent: true },
    { kind: "route-replace", route: podRoute(ip, hostIndex, table) },
  ]);
}

function expectDone(changes: readonly Change[], results: readonly ChangeResult[]): void {
  results.forEach((result, i) => {
    if (result.kind === "failed") throw failure("POD_NETWORK", describeChange(changes[i]), result);
  });
}

function describeChange(change: Change | undefined): string {
  if (change?.kind === "address-add") return `${change.kind} ${formatIp(change.address.ip)}`;
  if (change?.kind === "route-replace")
    return `${change.kind} ${formatIp(change.route.dst.ip)}/${change.route.dst.length}`;
  return change?.kind ?? "?";
}

function failure(code: string, what: string, result: ChangeResult | undefined): UnavailableError {
  const found = result?.kind === "failed" ? `${result.code} ${result.message}` : "no answer";
  return new UnavailableError({ code, message: `${what}: the kernel said ${found}` });
}
