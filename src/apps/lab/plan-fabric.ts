// From a topology to the underlay of a data centre: which routers and hosts there are, how they are wired, what addresses and
// static routes they have. Pure; never touches the machine and knows nothing of pods.
import { InputError } from "../../base/errors.ts";
import { type Cidr, cidrOf } from "../../core/net/cidr.ts";
import type { Ip } from "../../core/net/ip.ts";
import type { Topology } from "../../core/model/topology.ts";
import { type Rack, routersOf, torName } from "../../core/topology/racks.ts";
import { addressIn, choosePools, type Pools, takeLink, takeRack } from "./pools.ts";
import { hostNames, planRacks } from "./plan-racks.ts";

export type Role = "host" | "tor" | "spine" | "daemon";

export type FabricNode = {
  readonly name: string;
  readonly role: Role;
  /** Path of the group it belongs to: a leaf for hosts and top-of-rack routers, top-level for spines; "" else. */
  readonly group: string;
  /** Name of the bridge to make, whose ports are the ends with `master`. */
  readonly bridge: string | undefined;
  readonly addresses: readonly { readonly ifname: string; readonly ip: Ip; readonly length: number }[];
  /** Routes of the underlay. Prefixes of pods are not among them. */
  readonly routes: readonly { readonly dst: Cidr; readonly via: Ip }[];
};

export type FabricEnd = {
  readonly node: string;
  readonly ifname: string;
  readonly master: string | undefined;
};
/** A veth pair between two namespaces. */
export type FabricLink = readonly [FabricEnd, FabricEnd];

export type FabricHost = {
  readonly name: string;
  readonly group: string;
  readonly ips: readonly Ip[];
  /** What the assignments from the root to its group ask for. */
  readonly tags: Readonly<Record<string, string>>;
};

/** Where a router sends what belongs to a group: `via` holds one address a family. */
export type GroupHop = { readonly group: string; readonly via: readonly Ip[] };

export type FabricRouter = {
  readonly name: string;
  readonly role: "tor" | "spine";
  /** The groups whose prefixes this router answers for: their unused rest is discarded here. */
  readonly owns: readonly string[];
  readonly hops: readonly GroupHop[];
};

export type FabricPlan = {
  readonly nodes: readonly FabricNode[];
  readonly links: readonly FabricLink[];
  readonly hosts: readonly FabricHost[];
  readonly routers: readonly FabricRouter[];
  /** Where every host finds the daemon. */
  readonly daemon: Ip;
  /** A subnet a family that nothing uses, for namespaces routed by hand. */
  readonly spare: readonly Cidr[];
};

const FIRST_HOST = 11n;

type Node = { -readonly [K in keyof FabricNode]: FabricNode[K] } & {
  addresses: { ifname: string; ip: Ip; length: number }[];
  routes: { dst: Cidr; via: Ip }[];
};
type Draft = {
  readonly nodes: Map<string, Node>;
  readonly links: FabricLink[];
  readonly hosts: FabricHost[];
  readonly pools: Pools;
};

/** The first tree of the topology gives the wiring. InputError `LAB_TOO_LARGE`, `LAB_NO_GROUPS`. */
export function planFabric(topology: Topology, { hostsPerRack }: { hostsPerRack: number }): FabricPlan {
  const racks = planRacks(topology, hostsPerRack);
  const draft: Draft = { nodes: new Map(), links: [], hosts: [], pools: choosePools(topology) };
  const spines = [...new Set(racks.map((rack) => rack.spine))];
  for (const name of spines)
    addNode(draft, name, "spine", racks.find((rack) => rack.spine === name)?.top ?? "");
  const subnets = new Map<string, { subnets: readonly Cidr[]; spine: string; hop: readonly Ip[] }>();
  for (const rack of racks) subnets.set(rack.group.path, addRack(draft, rack, hostsPerRack));
  const mesh = meshSpines(draft, spines);
  const daemon = addDaemon(draft, spines[0] ?? "");
  for (const spine of spines) {
    for (const rack of subnets.values())
      addRoutes(
        draft,
        spine,
        rack.subnets,
        rack.spine === spine ? rack.hop : mesh.get(`${spine}>${rack.spine}`),
      );
    addRoutes(draft, spine, daemon.subnets, mesh.get(`${spine}>${spines[0] ?? ""}`));
  }
  const down = new Map([...subnets].map(([path, { hop }]) => [path, hop]));
  return {
    nodes: [...draft.nodes.values()],
    links: draft.links,
    hosts: draft.hosts,
    routers: planRouters(racks, down, mesh),
    daemon: daemon.ip,
    spare: takeRack(draft.pools),
  };
}

function addNode(draft: Draft, name: string, role: Role, group: string, bridge?: string): Node {
  if (draft.nodes.has(name))
    throw new InputError({
      code: "LAB_NAME_TWICE",
      field: "topologies",
      value: name,
      expected: "names that differ",
    });
  const node: Node = { name, role, group, bridge, addresses: [], routes: [] };
  draft.nodes.set(name, node);
  return node;
}

function addRoutes(
  draft: Draft,
  name: string,
  subnets: readonly Cidr[],
  via: readonly Ip[] | undefined,
): void {
  for (const dst of subnets) {
    const hop = via?.find((ip) => ip.family === dst.ip.family);
    if (hop) draft.nodes.get(name)?.routes.push({ dst, via: hop });
  }
}

/** The top-of-rack router with its bridge and uplink, and the rack's hosts. */
function addRack(
  draft: Draft,
  rack: Rack,
  hostsPerRack: number,
): { subnets: readonly Cidr[]; spine: string; hop: Ip[] } {
  const subnets = takeRack(draft.pools);
  const name = torName(rack);
  const tor = addNode(draft, name, "tor", rack.group.path, "br0");
  const gateways = subnets.map((subnet) => addressIn(subnet, 1n));
  for (const [i, subnet] of subnets.entries())
    tor.addresses.push({ ifname: "br0", ip: gateways[i] ?? subnet.ip, length: subnet.length });
  const [down, up] = connect(draft, rack.spine, `to-${name}`, name, "uplink");
  addRoutes(draft, name, defaultRoutes, down);
  for (const [i, host] of hostNames(rack, hostsPerRack).entries()) {
    const node = addNode(draft, host, "host", rack.group.path);
    const ips = subnets.map((subnet) => addressIn(subnet, FIRST_HOST + BigInt(i)));
    for (const [k, ip] of ips.entries())
      node.addresses.push({ ifname: "eth0", ip, length: subnets[k]?.length ?? 0 });
    addRoutes(draft, host, defaultRoutes, gateways);
    draft.links.push([
      { node: name, ifname: `port${i + 1}`, master: "br0" },
      { node: host, ifname: "eth0", master: undefined },
    ]);
    draft.hosts.push({ name: host, group: rack.group.path, ips, tags: rack.tags });
  }
  return { subnets, spine: rack.spine, hop: up };
}

/** A point-to-point link; answers the addresses of both ends. */
function connect(draft: Draft, a: string, aIf: string, b: string, bIf: string): [Ip[], Ip[]] {
  const subnets = takeLink(draft.pools);
  const ends: [Ip[], Ip[]] = [[], []];
  const names = [interfaceName(draft, a, aIf), interfaceName(draft, b, bIf)] as const;
  for (const subnet of subnets)
    for (const side of [0, 1] as const) {
      const ip = addressIn(subnet, BigInt(side));
      ends[side].push(ip);
      draft.nodes.get(side === 0 ? a : b)?.addresses.push({ ifname: names[side], ip, length: subnet.length });
    }
  draft.links.push([
    { node: a, ifname: names[0], master: undefined },
    { node: b, ifname: names[1], master: undefined },
  ]);
  return ends;
}

/** Interface names have 15 characters: a wanted name that is too long or taken becomes `linkN`. */
function interfaceName(draft: Draft, node: string, wanted: string): string {
  const used = new Set(draft.links.flat().flatMap((end) => (end.node === node ? [end.ifname] : [])));
  return wanted.length <= 15 && !used.has(wanted) ? wanted : `link${used.size + 1}`;
}

/** Every spine to every other; by "from>to" the addresses of the other end. */
function meshSpines(draft: Draft, spines: readonly string[]): Map<string, readonly Ip[]> {
  const hops = new Map<string, readonly Ip[]>();
  for (const [i, a] of spines.entries())
    for (const b of spines.slice(i + 1)) {
      const [left, right] = connect(draft, a, b, b, a);
      hops.set(`${a}>${b}`, right);
      hops.set(`${b}>${a}`, left);
    }
  return hops;
}

function addDaemon(draft: Draft, spine: string): { ip: Ip; subnets: readonly Cidr[] } {
  addNode(draft, "daemon", "daemon", "");
  const [gateway, own] = connect(draft, spine, "daemon", "daemon", "eth0");
  addRoutes(draft, "daemon", defaultRoutes, gateway);
  const ip = own[0];
  if (!ip)
    throw new InputError({
      code: "LAB_NO_POOL",
      field: "networks",
      value: spine,
      expected: "a free transit pool",
    });
  return { ip, subnets: own.map((end) => cidrOf(end, end.family === 4 ? 31 : 127)) };
}

/** `down`: how a spine reaches a rack, by the group's path; `mesh`: how it reaches another spine. */
function planRouters(
  racks: readonly Rack[],
  down: ReadonlyMap<string, readonly Ip[]>,
  mesh: ReadonlyMap<string, readonly Ip[]>,
): FabricRouter[] {
  const routers = routersOf(racks);
  return routers.map(({ name, role, owns, below }) => {
    const others =
      role === "spine" ? routers.filter((other) => other.role === "spine" && other.name !== name) : [];
    const hops = [
      ...below.map((group) => ({ group, via: down.get(group) ?? [] })),
      ...others.flatMap((other) =>
        other.owns.map((group) => ({ group, via: mesh.get(`${name}>${other.name}`) ?? [] })),
      ),
    ];
    return { name, role, owns, hops };
  });
}

const defaultRoutes: readonly Cidr[] = [
  { ip: { family: 4, value: 0n }, length: 0 },
  { ip: { family: 6, value: 0n }, length: 0 },
];
