// Addresses of the underlay that no topology file names: a subnet per rack, a link subnet per pair of routers. Never overlaps
// the topology's own networks.
import { BugError, InputError } from "../../base/errors.ts";
import { type Cidr, overlaps, parseCidr, sizeOf, subnet } from "../../core/net/cidr.ts";
import type { Ip } from "../../core/net/ip.ts";
import type { Topology } from "../../core/model/topology.ts";

/** Counts what was taken; the first half of each pool is for racks, the second for links. */
export type Pools = { readonly cidrs: readonly Cidr[]; racks: bigint; links: bigint };

/** Benchmark range of RFC 2544 first, as nobody's pods live there; unique local IPv6. */
const candidates = [
  ["198.18.0.0/15", "172.30.0.0/15", "10.254.0.0/15"],
  ["fd1a:b::/32", "fd1a:c::/32", "fd1a:d::/32"],
] as const;

/** One pool a family. InputError `LAB_NO_POOL` when the topology's networks cover all candidates. */
export function choosePools(topology: Topology): Pools {
  const taken = topology.networks.map((network) => network.cidr);
  const cidrs = candidates.map((texts) => {
    const free = texts
      .map((text) => parseCidr(text))
      .find((cidr) => !taken.some((own) => overlaps(own, cidr)));
    if (free) return free;
    throw new InputError({
      code: "LAB_NO_POOL",
      field: "networks",
      value: texts,
      expected: "one of these left free",
    });
  });
  return { cidrs, racks: 0n, links: 0n };
}

/** The next rack's subnets: /24 and /64. */
export function takeRack(pools: Pools): Cidr[] {
  const index = pools.racks++;
  return pools.cidrs.map((cidr) => subnet(cidr, cidr.ip.family === 4 ? 24 : 64, index));
}

/** The next link's subnets: /31 and /127. */
export function takeLink(pools: Pools): Cidr[] {
  const index = pools.links++;
  return pools.cidrs.map((cidr) => {
    const half = subnet(cidr, cidr.length + 1, 1n);
    return subnet(half, cidr.ip.family === 4 ? 31 : 127, index);
  });
}

/** The `offset`-th address of the subnet; the caller keeps within it. */
export function addressIn(cidr: Cidr, offset: bigint): Ip {
  if (offset >= sizeOf(cidr)) throw new BugError({ code: "SUBNET_OFFSET", offset, length: cidr.length });
  return { family: cidr.ip.family, value: cidr.ip.value + offset };
}
