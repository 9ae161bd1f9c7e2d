// Two namespaces behind two hosts of a fabric, with a route at every hop as an operator would type them: what Romana's routing is
// compared with. Removes what it made.
import type { Clock } from "../../base/clock.ts";
import { bitsOf, formatIp, type Ip } from "../../core/net/ip.ts";
import { addNamespaces, batch, type FabricDeps, netnsPath } from "./fabric.ts";
import { removeNamespaces } from "./namespaces.ts";
import { isWithin } from "./other-trees.ts";
import type { FabricHost, FabricPlan } from "./plan-fabric.ts";
import { addressIn } from "./pools.ts";

export type Fabric = FabricDeps & { readonly plan: FabricPlan; readonly clock: Clock };

export type ByHand = {
  /** Paths of the namespaces. */
  readonly from: string;
  readonly to: string;
  /** Addresses of `to`, one a family. */
  readonly ips: readonly string[];
  readonly undo: () => Promise<void>;
};

type End = { readonly name: string; readonly host: FabricHost; readonly ips: readonly Ip[] };

/** The hosts differ, and forward already. */
export async function routeByHand(fabric: Fabric, hosts: readonly [FabricHost, FabricHost]): Promise<ByHand> {
  const ends = hosts.map((host, i): End => ({
    name: `plain-${i + 1}`,
    host,
    ips: fabric.plan.spare.map((subnet) => addressIn(subnet, BigInt(i) + 1n)),
  }));
  const namespaces = ends.map(({ name }) => fabric.namespace(name));
  await addNamespaces(namespaces, fabric.run);
  for (const end of ends) await attach(fabric, end);
  for (const end of ends) await changeRoutes("replace", fabric, end);
  const [from = "", to = ""] = namespaces.map(netnsPath);
  return {
    from,
    to,
    ips: ends[1]?.ips.map(formatIp) ?? [],
    undo: async () => {
      await removeNamespaces(namespaces, fabric);
      for (const end of ends) await changeRoutes("delete", fabric, end);
    },
  };
}

const cidrText = (ip: Ip): string => `${formatIp(ip)}/${bitsOf(ip.family)}`;

/** A veth pair like a pod's: the host answers as gateway, and knows the way to the address. */
async function attach({ run, namespace }: Fabric, { name, host, ips }: End): Promise<void> {
  const link = `link add ${name} netns ${namespace(host.name)} type veth peer name eth0 netns ${namespace(name)}`;
  await batch(run, [link]);
  await batch(
    run,
    [
      `link set ${name} up`,
      `address add 169.254.77.1/32 dev ${name}`,
      `address add fe80::77:1/64 dev ${name} nodad`,
      ...ips.map((ip) => `route add ${cidrText(ip)} dev ${name}`),
    ],
    namespace(host.name),
  );
  await batch(
    run,
    [
      "link set eth0 up",
      ...ips.map((ip) => `address add ${cidrText(ip)} dev eth0${ip.family === 6 ? " nodad" : ""}`),
      "route add 169.254.77.1 dev eth0",
      "route add default via 169.254.77.1",
      "route add default via fe80::77:1 dev eth0",
    ],
    namespace(name),
  );
}

/** In every router on the way. */
async function changeRoutes(
  verb: "replace" | "delete",
  { plan, run, namespace }: Fabric,
  { host, ips }: End,
): Promise<void> {
  for (const { router, via } of wayTo(plan, host)) {
    const lines = ips.flatMap((ip) => {
      const hop = via.find(({ family }) => family === ip.family);
      return hop ? [`route ${verb} ${cidrText(ip)} via ${formatIp(hop)}`] : [];
    });
    await batch(run, lines, namespace(router));
  }
}

/** The next hop of every router that needs to know: the host's top-of-rack router, and all spines. */
function wayTo({ routers }: FabricPlan, host: FabricHost): { router: string; via: readonly Ip[] }[] {
  const isAbove = (group: string): boolean => isWithin(host.group, group);
  return routers.flatMap(({ name, role, owns, hops }) => {
    if (role === "tor") return owns.some(isAbove) ? [{ router: name, via: host.ips }] : [];
    const hop = hops.find(({ group }) => isAbove(group));
    return hop ? [{ router: name, via: hop.via }] : [];
  });
}
