// What to change at the daemon, so that its hosts are the cluster's nodes. Hosts that somebody else made are left alone.
import type { HostReply } from "../../core/api/types.ts";
import { type DesiredHost, isMadeHere } from "./desired-hosts.ts";

export type HostPlan = {
  /** First: they give addresses free. */
  readonly remove: readonly string[];
  readonly put: readonly DesiredHost[];
  /** Of a node, but made by somebody else. */
  readonly foreign: readonly string[];
};

/** `isNode`: there is a node of this name, be it one that makes no host now; what the daemon knows of it stays then. */
export function planHosts(
  desired: ReadonlyMap<string, DesiredHost>,
  observed: readonly HostReply[],
  isNode: (name: string) => boolean,
): HostPlan {
  const known = new Map(observed.map((host) => [host.name, host]));
  const isForeign = (name: string): boolean => {
    const host = known.get(name);
    return host !== undefined && !isMadeHere(host);
  };
  return {
    remove: observed.filter((host) => isMadeHere(host) && !isNode(host.name)).map(({ name }) => name),
    put: [...desired.values()].filter((host) => !isForeign(host.name) && !isSame(host, known.get(host.name))),
    foreign: [...desired.keys()].filter(isForeign),
  };
}

function isSame(wanted: DesiredHost, known: HostReply | undefined): boolean {
  const { ips, tags, k8s_info } = wanted;
  return (
    known !== undefined &&
    ips.join() === known.ips.join() &&
    isSameRecord(tags, known.tags) &&
    isSameRecord(k8s_info, known.k8s_info)
  );
}

/** Flat. */
function isSameRecord(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
