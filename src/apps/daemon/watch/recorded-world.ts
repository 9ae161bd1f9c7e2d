// The store's records as the world that policies are about. A pod is what holds addresses under one name; without more being told of it, its labels
// are its segment.
import type { IpamState } from "../../../core/ipam/state.ts";
import type { Write } from "../../../core/ipam/types.ts";
import { type PolicyPod, SEGMENT_LABEL } from "../../../core/model/policy.ts";
import type { Address, Host } from "../../../core/model/records.ts";
import type { WorldChange } from "../../../core/policy/policy-index.ts";

export class RecordedWorld {
  /** By name, as they were told last. */
  readonly #addresses = new Map<string, Address>();
  /** Of each pod. A pod with several interfaces has several. */
  readonly #byPod = new Map<string, readonly Address[]>();

  /** All there is. May be taken piece by piece while the state changes, if each change is taken as well. Policies last: they are then assigned once. */
  *whole(state: IpamState): Generator<WorldChange> {
    for (const host of state.hosts.values()) yield putHost(host);
    for (const { block } of state.blocks.values()) yield { kind: "put-block", block };
    for (const address of state.addresses.values()) yield* this.#put(address);
    for (const policy of state.policies.values()) yield { kind: "put-policy", policy };
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
      case "put-policy":
      case "delete-policy":
        return [write];
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
    const addresses = this.#byPod.get(id);
    return addresses ? { kind: "put-pod", pod: podOf(id, addresses) } : { kind: "delete-pod", id };
  }
}

/** As agents call it, too. */
const podIdOf = ({ name, pod }: Address): string => pod ?? name;

const podOfChange = (change: WorldChange): string | undefined =>
  change.kind === "put-pod" ? change.pod.id : change.kind === "delete-pod" ? change.id : undefined;

const putHost = ({ name, ips }: Host): WorldChange => ({ kind: "put-host", host: { name, ips } });

function podOf(id: string, addresses: readonly Address[]): PolicyPod {
  const { host = "", tenant = "", segment = "" } = addresses[0] ?? {};
  return {
    ...{ id, host, tenant, ports: [], hostNetwork: false },
    labels: segment === "" ? {} : { [SEGMENT_LABEL]: segment },
    ips: addresses.flatMap(({ ips }) => ips.map(({ ip }) => ip)),
  };
}
