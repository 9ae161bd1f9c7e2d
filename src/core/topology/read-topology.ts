// A topology document (R4) as a typed specification, or everything that is wrong with its form. Carves nothing.
import { type Fault, InputError } from "../../base/errors.ts";
import { type Cidr, containsCidr, overlaps, parseCidr } from "../net/cidr.ts";
import { bitsOf, parseIp } from "../net/ip.ts";
import type { ListedHost, Network } from "../model/topology.ts";

/** A group as the document gives it. `field` is its place there: `topologies[0].map[2].groups[1]`. */
export type GroupSpec = {
  readonly name: string;
  readonly field: string;
  readonly assignment: Readonly<Record<string, string>>;
  readonly routing: unknown;
  /** Prefixes that the document itself states (as `GET /topology` answers), by network name. */
  readonly pinned: Readonly<Record<string, Cidr>>;
  readonly groups: readonly GroupSpec[];
  readonly hosts: readonly ListedHost[];
};
export type TreeSpec = {
  readonly networks: readonly string[];
  readonly root: GroupSpec;
  readonly field: string;
};
export type TopologySpec = { readonly networks: readonly Network[]; readonly trees: readonly TreeSpec[] };

/** Deeper than any network is split, and shallow enough to walk by recursion. */
const MAX_DEPTH = 64;
const DEFAULT_BLOCK_MASK = { 4: 29, 6: 125 } as const;
const MAPPED = parseCidr("::ffff:0:0/96");

type Report = (fault: Fault) => void;
type Json = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reports every fault; the specification it returns is whole only when none was reported. */
export function readTopology(document: unknown, report: Report): TopologySpec {
  if (!isRecord(document)) {
    report({
      code: "TOPOLOGY",
      field: "topology",
      value: document,
      expected: "an object with networks and topologies",
    });
    return { networks: [], trees: [] };
  }
  knownFields(document, ["networks", "topologies", "revision"], "", report);
  const given = listOf(document, "networks", "networks", report);
  const networks = given.flatMap((item, i) => readNetwork(item, `networks[${i}]`, report));
  duplicates(
    networks.map(({ name }) => name),
    (i) => `networks[${i}].name`,
    "a network name that no other has",
    report,
  );
  overlapping(networks, report);
  // A network whose prefix is wrong is known all the same: one fault, not two.
  const declared = given.flatMap((item) => (isRecord(item) ? [item["name"]] : []));
  const trees = listOf(document, "topologies", "topologies", report).flatMap((item, i) =>
    readTree(item, `topologies[${i}]`, declared, report),
  );
  duplicates(
    trees.flatMap((tree) => tree.networks),
    () => "topologies[].networks",
    "a network in one topology only",
    report,
  );
  return { networks, trees };
}

function readNetwork(item: unknown, field: string, report: Report): Network[] {
  if (!isRecord(item)) return fault(report, "NETWORK", field, item, "an object with name and cidr");
  knownFields(item, ["name", "cidr", "block_mask", "tenants"], field, report);
  const name = readName(item["name"], `${field}.name`, report);
  const cidr = readCidr(item["cidr"], `${field}.cidr`, report);
  if (!cidr) return [];
  if (cidr.ip.family === 6 && containsCidr(MAPPED, cidr))
    fault(
      report,
      "CIDR_MAPPED",
      `${field}.cidr`,
      item["cidr"],
      "the IPv4 prefix itself, not its IPv4-mapped IPv6 form",
    );
  const bits = bitsOf(cidr.ip.family);
  const blockMask = item["block_mask"] ?? DEFAULT_BLOCK_MASK[cidr.ip.family];
  if (
    typeof blockMask !== "number" ||
    !Number.isInteger(blockMask) ||
    blockMask < cidr.length ||
    blockMask > bits
  )
    return fault(
      report,
      "BLOCK_MASK",
      `${field}.block_mask`,
      blockMask,
      `a whole number from ${cidr.length} (the network's own length) to ${bits}`,
    );
  return [{ name, cidr, blockMask, tenants: readNames(item["tenants"], `${field}.tenants`, report) }];
}

function readTree(item: unknown, field: string, declared: readonly unknown[], report: Report): TreeSpec[] {
  if (!isRecord(item)) return fault(report, "TREE", field, item, "an object with networks and map");
  knownFields(item, ["networks", "map", "cidr", "cidrs"], field, report);
  const names = listOf(item, "networks", `${field}.networks`, report).filter((name, i): name is string => {
    if (declared.includes(name)) return true;
    report({
      code: "NETWORK_UNKNOWN",
      field: `${field}.networks[${i}]`,
      value: name,
      expected: `one of ${declared.map(String).join(", ")}`,
    });
    return false;
  });
  const children = readChildren(item["map"] ?? [], `${field}.map`, names, 1, report);
  const root: GroupSpec = { name: "", field, assignment: {}, routing: undefined, pinned: {}, ...children };
  hostsOnce(root, report);
  return [{ networks: names, root, field }];
}

type Children = Pick<GroupSpec, "groups" | "hosts">;

/** A list of groups, or a list of hosts. */
function readChildren(
  list: unknown,
  field: string,
  networks: readonly string[],
  depth: number,
  report: Report,
): Children {
  const none: Children = { groups: [], hosts: [] };
  if (!Array.isArray(list)) {
    report({ code: "LIST", field, value: list, expected: "a list of groups or of hosts" });
    return none;
  }
  if (depth > MAX_DEPTH) {
    report({
      code: "TOPOLOGY_DEPTH",
      field: shorten(field),
      value: `${depth} levels`,
      expected: `at most ${MAX_DEPTH} levels of groups`,
    });
    return none;
  }
  const items = list.map((item: unknown, i) => ({ item, at: `${field}[${i}]` }));
  const isHost = ({ item }: { item: unknown }): boolean => isRecord(item) && ("ip" in item || "ips" in item);
  const hosts = items.filter(isHost).flatMap(({ item, at }) => readHost(item as Json, at, report));
  const groups = items
    .filter((each) => !isHost(each))
    .flatMap(({ item, at }) => readGroup(item, at, networks, depth, report));
  if (hosts.length > 0 && groups.length > 0)
    report({
      code: "GROUPS_AND_HOSTS",
      field,
      value: `${groups.length} groups, ${hosts.length} hosts`,
      expected: "only groups or only hosts in one list",
    });
  duplicates(
    [...groups, ...hosts].map(({ name }) => name),
    () => field,
    "names that no sibling has",
    report,
  );
  return { groups, hosts };
}

function readGroup(
  item: unknown,
  field: string,
  networks: readonly string[],
  depth: number,
  report: Report,
): GroupSpec[] {
  if (!isRecord(item))
    return fault(report, "GROUP", field, item, "a group {name, groups} or a host {name, ip}");
  knownFields(item, ["name", "assignment", "routing", "groups", "cidr", "cidrs"], field, report);
  const name = readName(item["name"], `${field}.name`, report);
  const children = readChildren(item["groups"] ?? [], `${field}.groups`, networks, depth + 1, report);
  return [
    {
      name,
      field,
      assignment: readLabels(item["assignment"], `${field}.assignment`, report),
      routing: item["routing"],
      pinned: readPinned(item, field, networks, report),
      ...children,
    },
  ];
}

function readHost(item: Json, field: string, report: Report): ListedHost[] {
  knownFields(item, ["name", "ip", "ips"], field, report);
  const name = readName(item["name"], `${field}.name`, report);
  const given = item["ips"] ?? [item["ip"]];
  if (!Array.isArray(given)) return fault(report, "LIST", `${field}.ips`, given, "a list of addresses");
  const ips = given.filter(
    (text: unknown, i): text is string =>
      attempt(() => parseIp(text as string, item["ips"] ? `${field}.ips[${i}]` : `${field}.ip`), report) !==
      undefined,
  );
  return [{ name, ips }];
}

/** `cidrs` by network; else `cidr` for the first network. */
function readPinned(
  item: Json,
  field: string,
  networks: readonly string[],
  report: Report,
): Record<string, Cidr> {
  const given = isRecord(item["cidrs"])
    ? Object.entries(item["cidrs"])
    : item["cidr"] === undefined
      ? []
      : [[networks[0] ?? "", item["cidr"]] as const];
  const pairs = given.map(([network, text]) => [network, readCidr(text, `${field}.cidr`, report)] as const);
  return Object.fromEntries(
    pairs.filter((pair): pair is [string, Cidr] => pair[1] !== undefined && networks.includes(pair[0])),
  );
}

function readLabels(value: unknown, field: string, report: Report): Record<string, string> {
  if (value === undefined || value === null) return {};
  const entries = isRecord(value) ? Object.entries(value) : undefined;
  if (entries?.every((entry): entry is [string, string] => typeof entry[1] === "string"))
    return Object.fromEntries(entries);
  report({ code: "ASSIGNMENT", field, value, expected: "labels as {key: text}" });
  return {};
}

function readNames(value: unknown, field: string, report: Report): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return fault(report, "LIST", field, value, "a list of names");
  return value.map((name: unknown, i) => readName(name, `${field}[${i}]`, report));
}

/** 1 to 253 visible characters without "/" (paths are joined by it). */
function readName(value: unknown, field: string, report: Report): string {
  if (typeof value === "string" && /^[^\p{C}\p{Z}/]{1,253}$/u.test(value)) return value;
  report({ code: "NAME", field, value, expected: "a name of 1 to 253 visible characters without /" });
  return "";
}

const readCidr = (value: unknown, field: string, report: Report): Cidr | undefined =>
  attempt(() => parseCidr(value as string, field), report);

/** What `parse` gives, or its faults reported. */
function attempt<T>(parse: () => T, report: Report): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    error.faults.forEach(report);
    return undefined;
  }
}

function fault(report: Report, code: string, field: string, value: unknown, expected: string): [] {
  report({ code, field, value, expected });
  return [];
}

function listOf(item: Json, key: string, field: string, report: Report): readonly unknown[] {
  const value = item[key];
  if (Array.isArray(value) && value.length > 0) return value;
  return fault(report, "LIST", field, value, "a list with at least one element");
}

function knownFields(item: Json, known: readonly string[], field: string, report: Report): void {
  for (const key of Object.keys(item))
    if (!known.includes(key))
      report({
        code: "FIELD_UNKNOWN",
        field: field === "" ? key : `${field}.${key}`,
        value: item[key],
        expected: `one of ${known.join(", ")}`,
      });
}

function duplicates(
  names: readonly string[],
  fieldOf: (index: number) => string,
  expected: string,
  report: Report,
): void {
  const seen = new Set<string>();
  names.forEach((name, i) => {
    if (name !== "" && seen.has(name))
      report({ code: "DUPLICATE", field: fieldOf(i), value: name, expected });
    seen.add(name);
  });
}

function overlapping(networks: readonly Network[], report: Report): void {
  networks.forEach((network, i) => {
    const other = networks.slice(0, i).find(({ cidr }) => overlaps(cidr, network.cidr));
    if (other)
      report({
        code: "NETWORK_OVERLAP",
        field: `networks[${i}].cidr`,
        value: network.name,
        expected: `no overlap with network ${other.name}`,
      });
  });
}

function hostsOnce(root: GroupSpec, report: Report): void {
  const seen = new Map<string, string>();
  const visit = (group: GroupSpec): void => {
    for (const { name } of group.hosts) {
      const before = seen.get(name);
      if (before !== undefined && before !== group.field)
        report({
          code: "HOST_IN_TWO_GROUPS",
          field: group.field,
          value: name,
          expected: `a host in one group only; it is in ${before} too`,
        });
      seen.set(name, group.field);
    }
    group.groups.forEach(visit);
  };
  visit(root);
}

/** A place too deep to be read: its beginning. */
const shorten = (field: string): string => (field.length > 120 ? `${field.slice(0, 120)}…` : field);
