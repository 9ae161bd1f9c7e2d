// A NetworkPolicyPeer: pods by labels, in this namespace or in those selected, or a block of addresses.
import { containsCidr, cidrOf, type Cidr } from "../net/cidr.ts";
import { bitsOf, tryParseIp } from "../net/ip.ts";
import type { Peer, TenantSelector } from "../model/policy.ts";
import { at, type Json, type Place, readList, readRecord, type Report } from "../model/read-fields.ts";
import { isGiven } from "./read-endpoint.ts";
import { readSelector } from "./read-selector.ts";

/**
 * `podSelector` alone: pods of the policy's namespace. `namespaceSelector` alone: all pods of those namespaces. Both: pods
 * that one selects in namespaces that the other selects. An empty selector selects all; a missing one is not there.
 */
export function readKubernetesPeer(place: Place, namespace: string, report: Report): Peer | undefined {
  const names = ["podSelector", "namespaceSelector", "ipBlock"] as const;
  const item = readRecord(place, names, `a peer with ${names.join(", ")}`, report);
  if (!item) return undefined;
  const [pods, namespaces, block] = names.map((name) => at(item, name, place.field));
  if (block && isGiven(block)) return readAlone(block, [pods, namespaces], report);
  if (!names.some((name) => isGiven(at(item, name, place.field)))) {
    report({ code: "PEER", ...place, expected: "podSelector, namespaceSelector or ipBlock" });
    return undefined;
  }
  const tenants: TenantSelector =
    namespaces && isGiven(namespaces)
      ? { kind: "labelled", labels: readSelector(namespaces, report) }
      : { kind: "named", name: namespace };
  return {
    kind: "pods",
    selector: { tenants, labels: pods && isGiven(pods) ? readSelector(pods, report) : [] },
  };
}

function readAlone(
  block: Place,
  selectors: readonly (Place | undefined)[],
  report: Report,
): Peer | undefined {
  for (const place of selectors)
    if (place && isGiven(place)) report({ code: "PEER", ...place, expected: "nothing beside ipBlock" });
  const item = readRecord(block, ["cidr", "except"], "a block as {cidr, except}", report);
  const cidr = item && readBlock(at(item, "cidr", block.field), report);
  return cidr && { kind: "cidr", cidr, except: readExcept(item, cidr, block, report) };
}

function readExcept(item: Json, cidr: Cidr, { field }: Place, report: Report): Cidr[] {
  return readList(at(item, "except", field), "a list of prefixes", report).flatMap((each) => {
    const except = readBlock(each, report);
    const isInside = except && containsCidr(cidr, except) && except.length > cidr.length;
    if (except && !isInside)
      report({ code: "CIDR_EXCEPT", ...each, expected: "a prefix inside cidr and longer than it" });
    return except ?? [];
  });
}

/** As the API server takes it: host bits are allowed and mean nothing. */
function readBlock({ value, field }: Place, report: Report): Cidr | undefined {
  const match = typeof value === "string" ? /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(value) : null;
  const ip = tryParseIp(match?.[1] ?? "");
  const length = Number(match?.[2]);
  if (ip && length <= bitsOf(ip.family)) return cidrOf(ip, length);
  report({ code: "CIDR", field, value, expected: "an IPv4 or IPv6 prefix as 10.0.0.0/8 or fd00::/8" });
  return undefined;
}
