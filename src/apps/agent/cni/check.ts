// CHECK: is the container's network what ADD left? Observes only.
import { formatCidr, hostCidr } from "../../../core/net/cidr.ts";
import { equalIp, formatIp, type Ip, parseIp } from "../../../core/net/ip.ts";
import type { Route } from "../../../core/netlink/types.ts";
import type { AgentEndpoint } from "../endpoints.ts";
import { GATEWAYS } from "./attach.ts";
import type { Attached, CniDeps } from "./attached.ts";
import { type CniConfig, configError } from "./cni-config.ts";
import { CNI_CODE, CniError } from "./cni-error.ts";

/** Throws CniError 3 for an attachment that is none, 7 where `prevResult` names other addresses, 101 that lists everything found amiss. */
export async function checkAttachment({ name, config, attachment }: Attached, deps: CniDeps): Promise<void> {
  const endpoint = deps.endpoints.get(name);
  if (!endpoint) throw new CniError(CNI_CODE.unknownContainer, `no attachment ${name}`);
  const ips = endpoint.ips.map((text) => parseIp(text));
  checkPrevResult(config, ips);
  const faults = [
    ...(await insideFaults(endpoint, attachment.netns, ips, deps)),
    ...(await hostFaults(endpoint, ips, deps)),
  ];
  if (faults.length > 0)
    throw new CniError(
      CNI_CODE.checkFailed,
      `the network of ${name} is not as ADD left it`,
      faults.join("; "),
    );
}

/** CHECK is about the result that the runtime kept: it must have our addresses, whatever later plugins added. */
function checkPrevResult({ prevResult }: CniConfig, ips: readonly Ip[]): void {
  if (!prevResult) throw configError("prevResult", undefined, "the result of the ADD");
  const there = (prevResult["ips"] ?? []) as ({ address?: unknown } | null)[]; // parseCniConfig saw that it is a list
  for (const ip of ips) {
    const address = formatCidr(hostCidr(ip));
    if (!there.some((entry) => entry?.address === address))
      throw configError("prevResult.ips", there, `${address} among them`);
  }
}

async function insideFaults(
  endpoint: AgentEndpoint,
  netns: string,
  ips: readonly Ip[],
  { helper }: CniDeps,
): Promise<string[]> {
  const pod = await helper.kernel(netns);
  try {
    const link = (await pod.links()).find(({ name }) => name === endpoint.ifname);
    if (!link) return [`${endpoint.ifname} is gone`];
    const addresses = await pod.addresses();
    const routes = [...(await pod.routes(4)), ...(await pod.routes(6))];
    return [
      ...(link.up ? [] : [`${endpoint.ifname} is down`]),
      ...ips
        .filter((ip) => !addresses.some((found) => found.index === link.index && equalIp(found.ip, ip)))
        .map((ip) => `address ${formatIp(ip)} is gone`),
      ...ips
        .filter((ip) => !routes.some((route) => isDefault(route, ip)))
        .map((ip) => `the IPv${ip.family} default route is gone`),
    ];
  } finally {
    await pod.close();
  }
}

const isDefault = ({ dst, nextHops }: Route, { family }: Ip): boolean =>
  dst.length === 0 &&
  dst.ip.family === family &&
  nextHops.some(({ via }) => via !== undefined && equalIp(via, GATEWAYS[family]));

async function hostFaults(
  endpoint: AgentEndpoint,
  ips: readonly Ip[],
  { host, table }: CniDeps,
): Promise<string[]> {
  const link = (await host.links()).find(({ name }) => name === endpoint.hostInterface);
  if (!link) return [`${endpoint.hostInterface} is gone`];
  const routes = [...(await host.routes(4, table)), ...(await host.routes(6, table))];
  const leadsTo = (ip: Ip): boolean =>
    routes.some(
      ({ dst, nextHops }) =>
        equalIp(dst.ip, ip) &&
        dst.length === hostCidr(ip).length &&
        nextHops.some(({ index }) => index === link.index),
    );
  return ips.filter((ip) => !leadsTo(ip)).map((ip) => `the route to ${formatIp(ip)} is gone`);
}
