// The CNI commands. One attachment is (network, container id, interface); its address is held under the name made of the three,
// so a retried ADD gets the same address, and a DEL can free no other container's.
import type { Rng } from "../../../base/clock.ts";
import { InputError } from "../../../base/errors.ts";
import type { AddressReply, AddressRequest } from "../../../core/api/types.ts";
import { formatIp, parseIp } from "../../../core/net/ip.ts";
import type { Kernel, NativeHelper } from "../../../io/kernel/kernel.ts";
import type { AgentEndpoint, Endpoints } from "../endpoints.ts";
import {
  configurePair,
  createPair,
  GATEWAYS,
  hostInterfaceName,
  removeLink,
  removeLinkByIndex,
  type Wiring,
} from "./attach.ts";
import { checkAttachment } from "./check.ts";
import { CNI_CODE, CniError } from "./cni-error.ts";
import { type CniRequest, SUPPORTED_VERSIONS } from "./cni-request.ts";
import { renderAddResult } from "./cni-result.ts";

export type CniDeps = {
  readonly daemon: {
    allocate(request: AddressRequest): Promise<AddressReply>;
    /** `sequence` of the allocation: a late release frees nobody else's address. InputError 404 when it is gone. */
    release(name: string, sequence: number): Promise<unknown>;
  };
  readonly endpoints: Endpoints;
  readonly helper: NativeHelper;
  readonly host: Kernel;
  readonly rng: Rng;
  readonly hostname: string;
  readonly table: number;
  /** Bytes, for pods whose configuration names none. */
  readonly mtu: () => number;
  /** What keeps this node from attaching pods; `undefined`: nothing. */
  readonly notReady: () => string | undefined;
};

/** Runs one request; resolves with what goes to stdout. Throws what `asCniError` understands. */
export async function runCniCommand(request: CniRequest, deps: CniDeps): Promise<string> {
  switch (request.command) {
    case "ADD":
      return add(request, deps);
    case "DEL":
      return del(request, deps);
    case "CHECK":
      return check(request, deps);
    case "STATUS":
      return status(deps);
    case "GC":
      return collect(request, deps);
    case "VERSION":
      return JSON.stringify({ cniVersion: request.config.cniVersion, supportedVersions: SUPPORTED_VERSIONS });
  }
}

const addressName = ({ config, containerId, ifname }: CniRequest): string =>
  `${config.name}.${containerId}.${ifname}`;

async function add(request: CniRequest, deps: CniDeps): Promise<string> {
  const wiring = wiringOf(request, deps);
  // The pair does not depend on the address: the daemon and the kernel work at the same time.
  const [address, pair] = await Promise.allSettled([
    deps.daemon.allocate(addressRequest(request, deps)),
    createPair(wiring, deps),
  ]);
  if (address.status === "rejected" || pair.status === "rejected") {
    await undo(wiring, address.status === "fulfilled" ? address.value : undefined, request, deps);
    throw address.status === "rejected" ? address.reason : (pair as PromiseRejectedResult).reason;
  }
  const ips = address.value.ips.map((text) => parseIp(text));
  try {
    // Known before it is wired: the agent's loop must take the pod's routes for wanted when it sees them.
    await deps.endpoints.add(endpointOf(request, wiring, address.value, pair.value.hostIndex));
    await configurePair(wiring, pair.value, ips, deps.table, deps);
  } catch (error) {
    await undo(wiring, address.value, request, deps);
    throw error;
  }
  return renderAddResult(
    {
      hostInterface: { name: wiring.hostInterface, mac: pair.value.hostMac },
      podInterface: { name: request.ifname, mac: pair.value.podMac, netns: request.netns, mtu: wiring.mtu },
      ips,
      gateways: { 4: formatIp(GATEWAYS[4]), 6: formatIp(GATEWAYS[6]) },
    },
    request.config.cniVersion,
  );
}

function wiringOf({ config, containerId, netns, ifname }: CniRequest, { mtu }: CniDeps): Wiring {
  return {
    netns,
    ifname,
    hostInterface: hostInterfaceName(config.name, containerId, ifname),
    mtu: config.mtu ?? mtu(),
  };
}

/** Tenant and segment: of the Kubernetes namespace, else of CNI_ARGS `ROMANA_TENANT` and `ROMANA_SEGMENT`. */
function addressRequest(request: CniRequest, { hostname }: CniDeps): AddressRequest {
  const arg = (key: string): string | undefined => request.args.get(key) || undefined;
  const [namespace, pod] = [arg("K8S_POD_NAMESPACE"), arg("K8S_POD_NAME")];
  return {
    name: addressName(request),
    host: hostname,
    tenant: namespace ?? arg("ROMANA_TENANT") ?? "default",
    segment: arg("ROMANA_SEGMENT") ?? "default",
    ...(request.config.ips.length > 0 ? { ips: request.config.ips.map(formatIp) } : {}),
    ...(namespace !== undefined && pod !== undefined ? { pod: `${namespace}/${pod}` } : {}),
  };
}

function endpointOf(
  request: CniRequest,
  wiring: Wiring,
  address: AddressReply,
  hostIndex: number,
): AgentEndpoint {
  return {
    name: address.name,
    ips: address.ips,
    tenant: address.tenant,
    segment: address.segment,
    sequence: address.sequence,
    ...(address.pod === undefined ? {} : { pod: address.pod }),
    network: request.config.name,
    containerId: request.containerId,
    ifname: request.ifname,
    netns: request.netns,
    hostInterface: wiring.hostInterface,
    hostIndex,
    mtu: wiring.mtu,
  };
}

/** Half an ADD leaves nothing behind. What cannot be released now the daemon's leak check finds. */
async function undo(
  wiring: Wiring,
  address: AddressReply | undefined,
  request: CniRequest,
  deps: CniDeps,
): Promise<void> {
  const name = addressName(request);
  deps.endpoints.leave(name);
  await Promise.allSettled([
    removeLink(wiring.hostInterface, deps.host),
    address ? deps.daemon.release(name, address.sequence) : undefined,
    deps.endpoints.remove(name),
  ]);
}

/** Succeeds when everything is gone already. The record goes last: a DEL that failed half-way is done by the next. */
async function del(request: CniRequest, deps: CniDeps): Promise<string> {
  const endpoint = deps.endpoints.get(addressName(request));
  if (endpoint) await detach(endpoint, deps);
  else
    await removeLink(hostInterfaceName(request.config.name, request.containerId, request.ifname), deps.host);
  return "";
}

async function detach(endpoint: AgentEndpoint, deps: CniDeps): Promise<void> {
  deps.endpoints.leave(endpoint.name);
  await removeLinkByIndex(endpoint.hostIndex, deps.host);
  await releaseQuietly(endpoint, deps);
  await deps.endpoints.remove(endpoint.name);
}

async function releaseQuietly(endpoint: AgentEndpoint, { daemon }: CniDeps): Promise<void> {
  try {
    await daemon.release(endpoint.name, endpoint.sequence);
  } catch (error) {
    // Gone, or given to somebody else since: nothing of ours is left to free.
    if (!(error instanceof InputError) || (error.status !== 404 && error.status !== 409)) throw error;
  }
}

async function check(request: CniRequest, deps: CniDeps): Promise<string> {
  const endpoint = deps.endpoints.get(addressName(request));
  if (!endpoint) throw new CniError(CNI_CODE.unknownContainer, `no attachment ${addressName(request)}`);
  await checkAttachment(endpoint, request, deps);
  return "";
}

function status({ notReady }: CniDeps): string {
  const reason = notReady();
  if (reason !== undefined)
    throw new CniError(CNI_CODE.pluginNotAvailable, `this node cannot attach pods: ${reason}`);
  return "";
}

/** Frees what the runtime does not name any more, in this network only; the first failure is told after all were tried. */
async function collect({ config }: CniRequest, deps: CniDeps): Promise<string> {
  const valid = new Set(
    config.validAttachments.map(({ containerId, ifname }) => `${config.name}.${containerId}.${ifname}`),
  );
  const gone = deps.endpoints
    .list()
    .filter(({ network, name }) => network === config.name && !valid.has(name));
  const results = await Promise.allSettled(gone.map((endpoint) => detach(endpoint, deps)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  return "";
}
