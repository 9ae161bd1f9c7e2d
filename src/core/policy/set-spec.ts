// What a set is meant to hold, with its name and its description. Who is in it now: member-set.ts.
import { hashedName } from "../../base/hashed-name.ts";
import { type Cidr, formatCidr } from "../net/cidr.ts";
import type { SetElement } from "../model/node-policy.ts";
import type { Peer, PodSelector, PortProtocol } from "../model/policy.ts";
import { peerText } from "./canonical.ts";
import { describePeer, describePods, shorten } from "./describe.ts";

export type SetSpec =
  | { readonly kind: "pods"; readonly selector: PodSelector }
  /** As few prefixes as hold just what is meant, ascending. */
  | { readonly kind: "cidrs"; readonly cidrs: readonly Cidr[] }
  | { readonly kind: "hosts" }
  /** Of each host its own. */
  | { readonly kind: "local" }
  /** Addresses of pods among `peers`, each with the number that the pod gives to the port. */
  | {
      readonly kind: "endpoints";
      readonly peers: readonly Peer[];
      readonly protocol: PortProtocol;
      readonly port: string;
    };

/** Whether the set has other members on each host, under one name. */
export const isPerHost = (spec: SetSpec): boolean =>
  spec.kind === "local" || (spec.kind === "endpoints" && spec.peers.some(({ kind }) => kind === "local"));

/** Of what is meant, never of who is in it now: so policies that mean the same people share a set, and it stays while pods come and go. */
export function setName(spec: SetSpec): string {
  switch (spec.kind) {
    case "hosts":
    case "local":
      return spec.kind;
    case "pods":
      return hashedName("pods", peerText(spec));
    case "cidrs":
      return hashedName("cidrs", spec.cidrs.map(formatCidr).join(" "));
    case "endpoints":
      return hashedName("endpoints", JSON.stringify([spec.protocol, spec.port, ...spec.peers.map(peerText)]));
  }
}

/** One line for people; long lists are cut. */
export function describeSet(spec: SetSpec): string {
  switch (spec.kind) {
    case "hosts":
    case "local":
      return describePeer(spec);
    case "pods":
      return describePods(spec.selector);
    case "cidrs":
      return shorten(spec.cidrs.map(formatCidr));
    case "endpoints":
      return `${spec.protocol} port ${spec.port} of ${shorten(spec.peers.map(describePeer))}`;
  }
}

/** `10.0.0.1/32`, or `10.0.0.1/32 8080`. */
export const elementKey = ({ cidr, port }: SetElement): string =>
  port === undefined ? formatCidr(cidr) : `${formatCidr(cidr)} ${port}`;
