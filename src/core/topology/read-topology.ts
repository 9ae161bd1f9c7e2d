// A topology document (R4) as a typed specification, or everything that is wrong with its form. Carves nothing.
import { type Cidr, equalCidr, formatCidr } from "../net/cidr.ts";
import type { Routing } from "../model/routing.ts";
import type { ListedHost, Network } from "../model/topology.ts";
import {
  at,
  type Place,
  readFullList,
  readRecord,
  type Report,
  reportDuplicates,
} from "../model/read-fields.ts";
import { readChildren, reportHostsTwice } from "./read-groups.ts";
import { readNetworks } from "./read-networks.ts";
import { readPins } from "./read-pins.ts";

/** A group as the document gives it. */
export type GroupSpec = {
  readonly name: string;
  /** Its place in the document: `topologies[0].map[2].groups[1]`. */
  readonly field: string;
  readonly assignment: Readonly<Record<string, string>>;
  readonly routing: Routing | undefined;
  /** Prefixes that the document itself states, as `GET /topology` answers. */
  readonly pins: readonly Pin[];
  readonly groups: readonly GroupSpec[];
  readonly hosts: readonly ListedHost[];
};
export type Pin = { readonly network: string; readonly cidr: Cidr; readonly field: string };
export type TreeSpec = {
  readonly networks: readonly Network[];
  readonly root: GroupSpec;
};
export type TopologySpec = { readonly networks: readonly Network[]; readonly trees: readonly TreeSpec[] };

/** Reports every fault. The specification holds what could be read: whole only when nothing was reported. */
export function readTopology(document: unknown, report: Report): TopologySpec {
  const known = ["networks", "topologies", "revision"];
  const item = readRecord(
    { value: document, field: "" },
    known,
    "an object with networks and topologies",
    report,
  );
  if (!item) return { networks: [], trees: [] };
  const networks = readNetworks(at(item, "networks", ""), report);
  const items = readFullList(at(item, "topologies", ""), "a list of topologies", report);
  const used: Place[] = [];
  const trees = items.flatMap((each) => readTree(each, networks, used, report));
  reportDuplicates(used, "a network in one topology only, once", report);
  return { networks: [...networks.values()].filter((network) => network !== undefined), trees };
}

/** `used` gets the place of every network's name. */
function readTree(
  place: Place,
  all: ReadonlyMap<string, Network | undefined>,
  used: Place[],
  report: Report,
): TreeSpec[] {
  const known = ["networks", "map", "cidr", "cidrs"];
  const item = readRecord(place, known, "a topology {networks, map}", report);
  if (!item) return [];
  const { field } = place;
  const names = readFullList(at(item, "networks", field), "a list of names of networks", report);
  used.push(...names);
  const networks = names.flatMap((name) => networkOf(name, all, report));
  const root: GroupSpec = {
    ...{ name: "", field, assignment: {}, routing: undefined },
    pins: readPins(item, field, networks, report),
    ...readChildren({ ...at(item, "map", field), networks, depth: 1 }, report),
  };
  reportRootPins(root, networks, report);
  reportHostsTwice(root, report);
  return [{ networks, root }];
}

function networkOf(
  { value, field }: Place,
  all: ReadonlyMap<string, Network | undefined>,
  report: Report,
): Network[] {
  if (typeof value === "string" && all.has(value)) return [all.get(value) ?? []].flat();
  const names = [...all.keys()].slice(0, 20).join(", ");
  const expected = `one of networks[]: ${names || "there is none"}`;
  report({ code: "NETWORK_UNKNOWN", field, value, expected });
  return [];
}

/** The root of a tree has the whole of its networks. */
function reportRootPins({ pins }: GroupSpec, networks: readonly Network[], report: Report): void {
  for (const { network, cidr, field } of pins) {
    const whole = networks.find(({ name }) => name === network)?.cidr ?? cidr;
    if (!equalCidr(whole, cidr))
      report({
        code: "CIDR_MISFIT",
        field,
        value: formatCidr(cidr),
        expected: `${formatCidr(whole)}, the whole of network ${network}, or no cidr`,
      });
  }
}
