// Records as the API shows them. Never decides anything.
import type {
  AddressReply,
  BlockReply,
  BlockView,
  HostReply,
  NetworkReply,
} from "../../../core/api/types.ts";
import type { IndexedBlock } from "../../../core/ipam/block-index.ts";
import type { Count } from "../../../core/ipam/usage.ts";
import type { Address, Block, Host } from "../../../core/model/records.ts";
import type { Network } from "../../../core/model/topology.ts";
import { formatCidr } from "../../../core/net/cidr.ts";
import { formatIp } from "../../../core/net/ip.ts";

export function addressReply(address: Address): AddressReply {
  const { name, host, tenant, segment, sequence, pod } = address;
  const ips = address.ips.map(({ ip }) => formatIp(ip));
  const blocks = address.ips.map(({ block }) => formatCidr(block));
  const networks = address.ips.map(({ network }) => network);
  const reply = { id: name, ip: ips[0] ?? "", ips, name, host, tenant, segment, sequence, blocks, networks };
  return pod === undefined ? reply : { ...reply, pod };
}

export function hostReply(host: Host): HostReply {
  const ips = host.ips.map(formatIp);
  return {
    ip: ips[0] ?? "",
    ips,
    name: host.name,
    agent_port: host.agentPort,
    tags: { ...host.tags },
    k8s_info: { ...host.k8sInfo },
    groups: host.groups.map((group) => group ?? null),
  };
}

export const blockView = ({ cidr, tenant, segment, host, network, group }: Block): BlockView => ({
  cidr: formatCidr(cidr),
  tenant,
  segment,
  host,
  network,
  group,
});

export const blockReply = ({ block, occupancy }: IndexedBlock, revision: number): BlockReply => ({
  revision,
  ...blockView(block),
  allocated_ip_count: occupancy.used,
});

export const usageReply = ({ blocks, addresses }: Count) => ({ blocks, allocated_ip_count: addresses });

export const networkReply = (
  network: Network,
  revision: number,
  drained: boolean,
  count: Count | undefined,
): NetworkReply => ({
  revision,
  id: network.name,
  name: network.name,
  cidr: formatCidr(network.cidr),
  block_mask: network.blockMask,
  tenants: [...network.tenants],
  drained,
  ...usageReply(count ?? { blocks: 0, addresses: 0 }),
});
