// The store's records as the world that policies are about. With Kubernetes a pod is what it says, and has the addresses that it holds. Else a pod
// is what holds addresses under one name, and its labels are its segment.
import type { IpamState } from "../../../core/ipam/state.ts";
import type { Write } from "../../../core/ipam/types.ts";
import { type PodRecord, tenantOfPod } from "../../../core/model/pod-record.ts";
import { type PolicyPod, SEGMENT_LABEL } from "../../../core/model/policy.ts";
import type { Address, Host } from "../../../core/model/records.ts";
import type { Ip } from "../../../core/net/ip.ts";
import type { WorldChange } from "../../../core/policy/policy-index.ts";

export class RecordedWorld {
  /** Somebody tells of tenants, so of pods, too. */
  readonly knowsTenants: boolean;
  readonly #state: IpamState;
  /** By name, as they were told last. */
  readonly #addresses = new Map<string, Address>();
  /** Of each pod. A pod with several interfaces has several. */
  readonly #byPod = new Map<string, readonly Address[]>();

  constructor(state: IpamState) {
    this.#state = state;
    this.knowsTenants = state.tenants.size > 0;
  }

  /**
   * All there is. May be taken piece by piece while the state changes, if each change is taken as well. Policies last: they are then
   * assigned once.
   */
  *whole(): Generator<WorldChange> {
    const { hosts, blocks, tenants, pods, addresses, policies } = this.#state;
    for (const host of hosts.values()) yield putHost(host);
    for (const { block } of blocks.values()) yield { kind: "put-block", block };
    for (const tenant of tenants.values()) yield { kind: "put-tenant", tenant };
    for (const { id } of pods.values()) yield this.#pod(id);
    for (const address of addresses.values()) yield* this.#put(address);
    for (const policy of policies.values()) yield { kind: "put-policy", policy };
  }

  changes(writes: readonly Write[]): WorldChange[] {
    return writes.flatMap((write) => this.#change(write));
  }

  #change(write: Write): WorldChange[] {
    switch (write.kind) {
      case "put-host":
        return [putHost(write.host)];
      case "delete-host":
        return [{ kind: "delete-host", id: write.name }];
      case "put-block":
      case "delete-block":
      case "put-tenant":
      case "delete-tenant":
      case "put-policy":
      case "delete-policy":
        return [write];
      case "put-pod":
        return [this.#pod(write.pod.id)];
      case "delete-pod":
        return [this.#pod(write.id)];
      case "put-address":
        return this.#put(write.address);
      case "delete-address":
        return this.#drop(write.name);
      default:
        return [];
    }
  }

  #put(address: Address): WorldChange[] {
    const gone = this.#drop(address.name);
    const id = podIdOf(address);
    this.#addresses.set(address.name, address);
    this.#byPod.set(id, [...(this.#byPod.get(id) ?? []), address]);
    // What was said of the same pod is overtaken.
    return [...gone.filter((change) => podOfChange(change) !== id), this.#pod(id)];
  }

  #drop(name: string): WorldChange[] {
    const address = this.#addresses.get(name);
    if (!address) return [];
    this.#addresses.delete(name);
    const id = podIdOf(address);
    const others = (this.#byPod.get(id) ?? []).filter((each) => each !== address);
    if (others.length > 0) this.#byPod.set(id, others);
    else this.#byPod.delete(id);
    return [this.#pod(id)];
  }

  #pod(id: string): WorldChange {
    const pod = recordedPod(this.#state, id, this.#byPod.get(id) ?? []);
    return pod ? { kind: "put-pod", pod } : { kind: "delete-pod", id };
  }
}

/** The pod of that id, which holds these addresses. `undefined`: it is not there, or not told of yet. */
export function recordedPod(
  { pods, tenants }: IpamState,
  id: string,
  addresses: readonly Address[],
): PolicyPod | undefined {
  const told = pods.get(id);
  if (told) return toldPod(told, addresses);
  const [first] = addresses;
  // It will be told, and until then nobody knows what it may do.
  const isAwaited = tenants.size > 0 && first?.pod !== undefined;
  return first && !isAwaited ? podOf(id, first, addresses) : undefined;
}

/** As agents call it, too. */
export const podIdOf = ({ name, pod }: Address): string => pod ?? name;

const podOfChange = (change: WorldChange): string | undefined =>
  change.kind === "put-pod" ? change.pod.id : change.kind === "delete-pod" ? change.id : undefined;

const putHost = ({ name, ips }: Host): WorldChange => ({ kind: "put-host", host: { name, ips } });

/** Its former self may not have given back its address on another host yet. */
const toldPod = ({ id, host, labels, ports }: PodRecord, addresses: readonly Address[]): PolicyPod => ({
  ...{ id, host, labels, ports, tenant: tenantOfPod(id), hostNetwork: false },
  ips: ipsOf(addresses.filter((each) => each.host === host)),
});

const podOf = (id: string, { host, tenant, segment }: Address, addresses: readonly Address[]): PolicyPod => ({
  ...{ id, host, tenant, ports: [], hostNetwork: false },
  labels: segment === "" ? {} : { [SEGMENT_LABEL]: segment },
  ips: ipsOf(addresses),
});

const ipsOf = (addresses: readonly Address[]): Ip[] =>
  addresses.flatMap(({ ips }) => ips.map(({ ip }) => ip));
