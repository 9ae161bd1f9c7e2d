// What keeps pods of a node from addresses, or their traffic from its way, as the daemon's figures tell: a prefix group that is full, a node
// whose own address is one that pods get, and one that has no address of a family in which its pods get some.
import type { UsageReply } from "../../core/api/ipam.ts";
import type { HostReply } from "../../core/api/types.ts";
import { containsIp, parseCidr } from "../../core/net/cidr.ts";
import { parseIp } from "../../core/net/ip.ts";
import { isMadeHere, type NodeFault } from "./desired-hosts.ts";

export function networkFaults(hosts: readonly HostReply[], { groups }: UsageReply): NodeFault[] {
  const full = groups.filter(({ group, free }) => group !== "" && free === 0);
  const networks = groups.filter(({ group }) => group === "");
  return hosts
    .filter(isMadeHere)
    .flatMap((host) => [
      ...full.filter(({ group }) => host.groups.includes(group)).map((group) => groupFull(host, group)),
      ...host.ips.flatMap((ip) => overlaps(host, ip, networks)),
      ...networks.filter((network) => !hasFamily(host, network)).map((network) => noAddressOf(host, network)),
    ]);
}

type Group = UsageReply["groups"][number];

const groupFull = ({ name }: HostReply, { network, group, cidr }: Group): NodeFault => ({
  node: name,
  reason: "GroupFull",
  message: `prefix group ${group} of network ${network} (${cidr}) has no free address: new pods on this node wait for one`,
});

function overlaps({ name }: HostReply, ip: string, networks: readonly Group[]): NodeFault[] {
  const around = networks.filter(({ cidr }) => containsIp(parseCidr(cidr), parseIp(ip)));
  return around.map(({ network, cidr }) => ({
    node: name,
    reason: "Overlap",
    message: `this node's address ${ip} lies in network ${network} (${cidr}), from which pods get addresses`,
  }));
}

const hasFamily = ({ ips }: HostReply, { cidr }: Group): boolean =>
  ips.some((ip) => parseIp(ip).family === parseCidr(cidr).ip.family);

const noAddressOf = ({ name }: HostReply, { network, cidr }: Group): NodeFault => ({
  node: name,
  reason: "NoAddress",
  message: `no IPv${parseCidr(cidr).ip.family} address of type InternalIP: nothing leads to what pods here get of network ${network} (${cidr})`,
});
