// How much is given out, by network, group, host, tenant and segment. Walks blocks, never addresses: their counts are kept.
import type { IpamState } from "./state.ts";

/** `addresses`: slots in use. */
export type Count = { blocks: number; addresses: number };
export type TenantCount = Count & { readonly segments: ReadonlyMap<string, Readonly<Count>> };
export type Usage = {
  readonly networks: ReadonlyMap<string, Readonly<Count>>;
  /** By network, then by group path. */
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, Readonly<Count>>>;
  readonly hosts: ReadonlyMap<string, Readonly<Count>>;
  /** Only tenants and segments with an address in use, or a block. */
  readonly tenants: ReadonlyMap<string, Readonly<TenantCount>>;
};

export function usage(state: IpamState): Usage {
  const networks = new Map<string, Count>();
  const groups = new Map<string, Map<string, Count>>();
  const hosts = new Map<string, Count>();
  const tenants = new Map<string, Count & { segments: Map<string, Count> }>();
  for (const { block, occupancy } of state.blocks.values()) {
    const tenant = at(tenants, block.tenant, () => ({ ...zero(), segments: new Map<string, Count>() }));
    const counts = [
      at(networks, block.network, zero),
      at(at(groups, block.network, newCounts), block.group, zero),
      at(hosts, block.host, zero),
      tenant,
      at(tenant.segments, block.segment, zero),
    ];
    for (const count of counts) {
      count.blocks++;
      count.addresses += occupancy.used;
    }
  }
  return { networks, groups, hosts, tenants };
}

const zero = (): Count => ({ blocks: 0, addresses: 0 });
const newCounts = (): Map<string, Count> => new Map();

function at<V>(map: Map<string, V>, key: string, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
