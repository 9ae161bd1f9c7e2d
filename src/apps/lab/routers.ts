// The routes of one lab router: computed from the snapshot, compared with its kernel, changed where they differ. Never touches a
// route that is not Romana's, nor decides what a router should hold: core/desired does.
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { planRoutes } from "../../core/desired/plan-routes.ts";
import { desiredRouterRoutes, type Router } from "../../core/desired/router-routes.ts";
import type { Snapshot } from "../../core/model/snapshot.ts";
import type { Topology } from "../../core/model/topology.ts";
import { type Cidr, cidrOf, containsIp } from "../../core/net/cidr.ts";
import { parseIp } from "../../core/net/ip.ts";
import { minimalUnion } from "../../core/net/prefix-set.ts";
import type { InterfaceAddress, Route } from "../../core/netlink/types.ts";
import { groupsByPath } from "../../core/topology/groups.ts";
import type { Kernel } from "../../io/kernel/kernel.ts";
import { type Behind, behind, isWithin } from "./other-trees.ts";
import type { HostState, RouterState } from "./state.ts";

const MAIN_TABLE = 254;

export type SyncDeps = { readonly hosts: readonly HostState[]; readonly world: Snapshot; readonly log: Log };

/** Makes the kernel's table what the world asks for. UnavailableError `LAB_ROUTES` when it refuses a change. */
export async function syncRouter(kernel: Kernel, state: RouterState, deps: SyncDeps): Promise<void> {
  const { hosts, world, log } = deps;
  const addresses = await kernel.addresses();
  const desired = desiredRouterRoutes(world, routerOf(state, world, hosts)).map(onInterface(addresses));
  const observed = [...(await kernel.routes(4, MAIN_TABLE)), ...(await kernel.routes(6, MAIN_TABLE))];
  const changes = planRoutes(desired, observed);
  if (changes.length === 0) return;
  const results = await kernel.apply(changes);
  const failed = results.filter((result) => result.kind === "failed");
  if (failed[0])
    throw new UnavailableError({ code: "LAB_ROUTES", router: state.name, error: failed[0].message });
  log.info("routes applied", { router: state.name, changes: changes.length, revision: world.revision });
}

/** The lab's wiring in prefixes. Only top-of-rack routers have hosts as neighbours. */
export function routerOf(
  { role, owns, hops }: RouterState,
  world: Snapshot,
  hosts: readonly HostState[],
): Router {
  const others = (path: string): Behind => {
    const names = new Set(hosts.filter(({ group }) => isWithin(group, path)).map(({ name }) => name));
    return behind(world, (host) => names.has(host));
  };
  const toGroups = hops.map(({ group, via }) => {
    const { prefixes, blocks } = others(group);
    return {
      prefixes: [
        ...prefixesOf(world.topology, group),
        ...prefixes,
        ...minimalUnion(blocks.map(({ cidr }) => cidr)),
      ],
      via: via.map((text) => parseIp(text)),
    };
  });
  return {
    table: MAIN_TABLE,
    owns: owns.flatMap((path) => [...prefixesOf(world.topology, path), ...others(path).prefixes]),
    deliversToHosts: role === "tor",
    neighbours: role === "tor" ? owns.flatMap((path) => toHosts(others(path), hosts)) : toGroups,
  };
}

/** Blocks that belong to no prefix of the router, to their hosts. */
const toHosts = ({ blocks }: Behind, hosts: readonly HostState[]): Router["neighbours"] =>
  hosts.map(({ name, ips }) => ({
    prefixes: minimalUnion(blocks.filter(({ host }) => host === name).map(({ cidr }) => cidr)),
    via: ips.map((text) => parseIp(text)),
  }));

/** A group's prefixes, one a network. The first tree is the one that shapes the lab. */
function prefixesOf({ trees: [tree] }: Topology, path: string): Cidr[] {
  return Object.values((tree && groupsByPath(tree).get(path)?.prefixes) ?? {});
}

/** The kernel tells routes with their interface, so the wanted ones need it to be comparable. */
const onInterface =
  (addresses: readonly InterfaceAddress[]) =>
  (route: Route): Route => ({
    ...route,
    nextHops: route.nextHops.map((hop) => {
      const { via } = hop;
      const own = via && addresses.find(({ ip, length }) => containsIp(cidrOf(ip, length), via));
      return own ? { ...hop, index: own.index } : hop;
    }),
  });
