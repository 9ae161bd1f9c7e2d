// CHECK: is the container's network what ADD left? Observes only.
import { formatCidr, hostCidr } from "../../../core/net/cidr.ts";
import { equalIp, formatIp, type Ip, parseIp } from "../../../core/net/ip.ts";
import type { Route } from "../../../core/netlink/types.ts";
import type { AgentEndpoint } from "../endpoints.ts";
import { GATEWAYS } from "./attach.ts";
import { CNI_CODE, CniError } from "./cni-error.ts";
import type { CniRequest } from "./cni-request.ts";
import type { CniDeps } from "./commands.ts";

/** Throws CniError 101 that lists everything found amiss; 7 where `prevResult` names other addresses. */
export async function checkAttachment(
  endpoint: AgentEndpoint,
  request: CniRequest,
  deps: CniDeps,
): Promise<void> {
  const ips = endpoint.ips.map((text) => parseIp(text));
  checkPrevResult(request, ips);
  const faults = [
    ...(await insideFaults(endpoint, request, ips, deps)),
    ...(await hostFaults(endpoint, ips, deps)),
  ];
  if (faults.length > 0)
    throw new CniError(
      CNI_CODE.checkFailed,
      `the network of ${endpoint.name} is not as ADD left it`,
      faults.join("; "),
    );
}

function checkPrevResult({ config }: CniRequest, ips: readonly Ip[]): void {
  const previous = (config.prevResult as { ips?: { address?: string }[] } | undefined)?.ips;
  if (!Array.isArray(previous)) return;
  for (const ip of ips) {
    const address = formatCidr(hostCidr(ip));
    if (!previous.some((entry) => entry.address === address))
      throw new CniError(CNI_CODE.invalidConfig, `prevResult.ips: expected ${address} in it`);
  }
}

async function insideFaults(
  endpoint: AgentEndpoint,
  request: CniRequest,
  ips: readonly Ip[],
  { helper }: CniDeps,
): Promise<string[]> {
  const pod = await helper.kernel(request.netns);
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
