// One way to write each thing, so that equal meanings are equal values and have one name.
import { formatCidr } from "../net/cidr.ts";
import type { PortRange } from "../model/node-policy.ts";
import type { Peer, PortProtocol, Requirement, Traffic } from "../model/policy.ts";

/** By code units: the same everywhere, whatever the locale. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
/** The order of evaluation. */
export const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  compareText(a.id, b.id);

export const requirement = (
  key: string,
  operator: Requirement["operator"],
  values: readonly string[] = [],
): Requirement => ({ key, operator, values: [...new Set(values)].sort(compareText) });

/** Sorted, each once. */
export function requirements(list: readonly Requirement[]): Requirement[] {
  const byText = new Map(list.map((each) => [requirementText(each), each]));
  return [...byText].sort(([a], [b]) => compareText(a, b)).map(([, each]) => each);
}

/** `JSON`, as values may hold any character. */
export const requirementText = ({ key, operator, values }: Requirement): string =>
  JSON.stringify([key, operator, ...values]);

/** Anybody is the only peer where it is one; the others in the order given, each once. */
export function peersOf(list: readonly Peer[]): Peer[] {
  if (list.some(({ kind }) => kind === "any")) return [{ kind: "any" }];
  return [...new Map(list.map((peer) => [peerText(peer), peer])).values()];
}

export function peerText(peer: Peer): string {
  switch (peer.kind) {
    case "any":
    case "hosts":
    case "local":
      return peer.kind;
    case "pods": {
      const { tenants, labels } = peer.selector;
      const whose = tenants.kind === "named" ? tenants.name : tenants.labels.map(requirementText);
      return JSON.stringify(["pods", whose, labels.map(requirementText)]);
    }
    case "cidr":
      return JSON.stringify(["cidr", ...[peer.cidr, ...peer.except].map(formatCidr)]);
  }
}

/** What port-less packets may have too: port 0 is no port of TCP, UDP or SCTP, but nobody is sure of every sender. */
export const ALL_PORTS: PortRange = { first: 0, last: 65535 };
const PORT_PROTOCOLS: readonly PortProtocol[] = ["tcp", "udp", "sctp"];

/** Everything is the only traffic where it is one; else ranges merged, names and ICMP types each once. */
export function trafficOf(list: readonly Traffic[]): Traffic[] {
  if (list.some(({ kind }) => kind === "any")) return [{ kind: "any" }];
  return [...PORT_PROTOCOLS.flatMap((protocol) => portsOf(list, protocol)), ...icmpOf(list)];
}

function portsOf(list: readonly Traffic[], protocol: PortProtocol): Traffic[] {
  const own = <T extends { readonly protocol: PortProtocol }>(each: T): boolean => each.protocol === protocol;
  const ranges = mergeRanges(list.filter((each) => each.kind === "ports").filter(own));
  const names = list.filter((each) => each.kind === "named").filter(own);
  const all = ranges.some(({ first, last }) => first === ALL_PORTS.first && last === ALL_PORTS.last);
  const distinct = all ? [] : [...new Set(names.map(({ name }) => name))].sort(compareText);
  return [
    ...ranges.map((range): Traffic => ({ kind: "ports", protocol, ...range })),
    ...distinct.map((name): Traffic => ({ kind: "named", protocol, name })),
  ];
}

function icmpOf(list: readonly Traffic[]): Traffic[] {
  const texts = new Map(
    list.filter((each) => each.kind === "icmp").map((each) => [icmpText(each), each] as const),
  );
  return [...texts].sort(([a], [b]) => compareText(a, b)).map(([, each]) => each);
}
const icmpText = ({ family, type, code }: Extract<Traffic, { kind: "icmp" }>): string =>
  `${family} ${type ?? "any"} ${code ?? "any"}`;

/** The fewest ranges with the same ports, ascending. */
export function mergeRanges(list: readonly PortRange[]): PortRange[] {
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of [...list].sort((a, b) => a.first - b.first)) {
    const open = merged.at(-1);
    if (open && first <= open.last + 1) open.last = Math.max(open.last, last);
    else merged.push({ first, last });
  }
  return merged;
}
