// DEL and GC: link, address and record go. Never frees what another attachment holds, and is done where nothing is left.
import { allEnded } from "../../../base/all-ended.ts";
import { InputError } from "../../../base/errors.ts";
import type { KeyedLock } from "../../../base/lock.ts";
import { attachmentName } from "../../../core/model/attachment-name.ts";
import { type Attached, type CniDeps, type Holder, type Parts, partsOf } from "./attached.ts";
import type { CniConfig } from "./cni-config.ts";

/** DEL. What is not known here may still be held at the daemon: an ADD may have died between the two. */
export async function remove(attached: Attached, deps: CniDeps): Promise<void> {
  await detach(attached, deps.endpoints.get(attached.name) ?? { host: deps.hostname }, deps);
}

/**
 * Removes the link, releases the address as `holder` if there is one, forgets the endpoint. The record goes last: what failed half-way
 * the next DEL does. The address rests after its release, so nobody else gets it while the link is still going.
 */
export async function detach(
  { name, hostInterface }: Parts,
  holder: Holder | undefined,
  deps: CniDeps,
): Promise<void> {
  deps.endpoints.leave(name);
  await allEnded([
    deps.links.remove(hostInterface),
    holder === undefined ? undefined : releaseQuietly(name, holder, deps),
  ]);
  await deps.endpoints.remove(name);
}

async function releaseQuietly(name: string, holder: Holder, { daemon }: CniDeps): Promise<void> {
  try {
    await daemon.release(name, holder);
  } catch (error) {
    // Gone, or given to somebody else since: nothing of ours is left to free.
    if (!(error instanceof InputError) || (error.status !== 404 && error.status !== 409)) throw error;
  }
}

/**
 * GC: frees what this node holds in the network and the runtime does not name; tells the first failure after all were tried. A runtime
 * that names nothing at all has not said that nothing is in use.
 */
export async function collect(config: CniConfig, deps: CniDeps, turns: KeyedLock): Promise<void> {
  if (config.validAttachments === undefined) return;
  const valid = new Set(
    config.validAttachments.map(({ containerId, ifname }) =>
      attachmentName(config.name, containerId, ifname),
    ),
  );
  const stale = (name: string): boolean => name.startsWith(`${config.name}/`) && !valid.has(name);
  const known = deps.endpoints.list().filter(({ name }) => stale(name));
  const free = (parts: Parts, holder: Holder): Promise<void> =>
    turns.run(parts.name, () => detach(parts, holder, deps));
  await allEnded([
    allEnded(known.map((endpoint) => free(endpoint, endpoint))),
    freeLeaked(stale, deps, free),
  ]);
}

/** Addresses that the daemon holds for this node and nobody here knows of. */
async function freeLeaked(
  stale: (name: string) => boolean,
  { daemon, endpoints, hostname }: CniDeps,
  free: (parts: Parts, holder: Holder) => Promise<void>,
): Promise<void> {
  const held = await daemon.addresses(hostname);
  const leaked = held.filter(({ name }) => stale(name) && !endpoints.get(name));
  await allEnded(leaked.map((address) => free(partsOf(address.name), address)));
}
