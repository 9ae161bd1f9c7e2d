// ADD: an address from the daemon, a pair from the kernel, both made known and wired; or nothing of it.
import { allEnded } from "../../../base/all-ended.ts";
import type { AddressReply, AddressRequest } from "../../../core/api/types.ts";
import { formatIp, parseIp } from "../../../core/net/ip.ts";
import type { Kernel } from "../../../io/kernel/kernel.ts";
import type { AgentEndpoint } from "../endpoints.ts";
import {
  bringUp,
  configureInside,
  configureOutside,
  createPair,
  GATEWAYS,
  type Pair,
  type Wiring,
} from "./attach.ts";
import type { Attached, CniDeps } from "./attached.ts";
import { renderAddResult } from "./cni-result.ts";
import { detach } from "./remove.ts";

/** The interface inside, and the kernel there. */
type Entered = { readonly pair: Pair; readonly pod: Kernel };

/** ADD's result as JSON text. */
export async function add(attached: Attached, deps: CniDeps): Promise<string> {
  // The pair does not depend on the address: the daemon and the kernel work at the same time.
  const allocating = deps.daemon.allocate(addressRequest(attached, deps));
  const [address, entered] = await Promise.allSettled([allocating, enter(wiringOf(attached, deps), deps)]);
  try {
    return await wire(attached, valueOf(address), valueOf(entered), deps);
  } catch (error) {
    // Where this fails too, the runtime hears "try again later", and its DEL does the rest.
    await detach(attached, address.status === "fulfilled" ? address.value : undefined, deps);
    throw error;
  } finally {
    // After the reply.
    if (entered.status === "fulfilled") process.nextTick(() => void entered.value.pod.close());
  }
}

function valueOf<T>(outcome: PromiseSettledResult<T>): T {
  if (outcome.status === "fulfilled") return outcome.value;
  throw outcome.reason;
}

async function enter(wiring: Wiring, deps: CniDeps): Promise<Entered> {
  // The daemon's part takes longest, and its request leaves in the next tick: the kernel's part begins after that.
  await new Promise((resolve) => process.nextTick(resolve));
  const pod = await deps.helper.kernel(wiring.netns);
  try {
    const pair = await createPair(wiring, pod, deps);
    await bringUp(pair, { pod, host: deps.host });
    return { pair, pod };
  } catch (error) {
    await pod.close();
    throw error;
  }
}

async function wire(
  attached: Attached,
  address: AddressReply,
  { pair, pod }: Entered,
  deps: CniDeps,
): Promise<string> {
  const { config } = attached;
  const wiring = wiringOf(attached, deps);
  const ips = address.ips.map((text) => parseIp(text));
  const open = async (): Promise<void> => {
    const endpoint = endpointOf(attached, wiring, address, pair.hostIndex);
    await deps.share.has(endpoint);
    // The loops must take the pod's rules and routes for wanted by the time that they are in the kernel.
    const kept = deps.endpoints.add(endpoint);
    // Rules are sent before what leads to the pod, and the helper serves in order: but not those that wait for another pass, or for a look at the kernel.
    const { isBusy } = deps.filter;
    const ruled = deps.filter.sync();
    if (isBusy) await allEnded([kept, ruled]);
    await allEnded([kept, ruled, configureOutside(pair, ips, deps.table, deps.host)]);
  };
  await allEnded([configureInside(pair, ips, pod), open()]);
  const result = {
    hostInterface: { name: wiring.hostInterface, mac: pair.hostMac },
    podInterface: { name: wiring.ifname, mac: pair.podMac, netns: wiring.netns, mtu: wiring.mtu },
    ips,
    gateways: { 4: formatIp(GATEWAYS[4]), 6: formatIp(GATEWAYS[6]) },
  };
  return renderAddResult(result, config.cniVersion, config.prevResult);
}

function wiringOf({ config, attachment, hostInterface }: Attached, { mtu }: CniDeps): Wiring {
  const { netns, ifname } = attachment;
  return { netns, ifname, hostInterface, mtu: config.mtu ?? mtu() };
}

function addressRequest({ name, attachment }: Attached, { hostname }: CniDeps): AddressRequest {
  const { tenant, segment, ips, networks, pod } = attachment;
  return {
    ...{ name, host: hostname, tenant, segment },
    ...(ips.length > 0 ? { ips: ips.map(formatIp) } : {}),
    ...(networks.length > 0 ? { networks: [...networks] } : {}),
    ...(pod === undefined ? {} : { pod }),
  };
}

function endpointOf(
  { config, attachment, name }: Attached,
  { hostInterface, mtu }: Wiring,
  { ips, tenant, segment, sequence, pod }: AddressReply,
  hostIndex: number,
): AgentEndpoint {
  const { containerId, ifname, netns } = attachment;
  return {
    ...{ name, ips, tenant, segment, sequence, ...(pod === undefined ? {} : { pod }) },
    ...{ network: config.name, containerId, ifname, netns, hostInterface, hostIndex, mtu },
  };
}
