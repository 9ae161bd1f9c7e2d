// The elements of a `map` or `groups` list: groups that nest, or the hosts of a leaf.
import { formatIp, type Ip } from "../net/ip.ts";
import type { ListedHost, Network } from "../model/topology.ts";
import {
  at,
  isRecord,
  type Json,
  type Place,
  readFullList,
  readIp,
  readLabels,
  readList,
  readName,
  readRecord,
  type Report,
  reportDuplicates,
} from "../model/read-fields.ts";
import { readRouting } from "../model/read-routing.ts";
import { readPins } from "./read-pins.ts";
import type { GroupSpec } from "./read-topology.ts";

/** Deeper than any network is split, and shallow enough to walk by recursion. */
const MAX_DEPTH = 64;

type Siblings = Place & { readonly networks: readonly Network[]; readonly depth: number };
type Children = Pick<GroupSpec, "groups" | "hosts">;

/** A list of groups, or a list of hosts: what has an address is a host. */
export function readChildren(siblings: Siblings, report: Report): Children {
  const { field, depth } = siblings;
  if (depth > MAX_DEPTH && Array.isArray(siblings.value)) {
    const expected = `at most ${MAX_DEPTH} levels of groups`;
    report({ code: "TOPOLOGY_DEPTH", field: `${field.slice(0, 100)}…`, value: "deeper levels", expected });
    return { groups: [], hosts: [] };
  }
  const items = readList(siblings, "a list of groups or of hosts", report);
  const named = items.map(nameOf);
  const hosts = items.flatMap((item) => (isHost(item) ? readHost(item, report) : []));
  const groups = items.flatMap((item, i) =>
    isHost(item) ? [] : readGroup(item, named[i] ?? item, siblings, report),
  );
  reportDuplicates(
    named.filter(({ value }) => typeof value === "string"),
    "a name that no sibling has",
    report,
  );
  if (hosts.length > 0 && groups.length > 0) {
    const value = `${groups.length} groups and ${hosts.length} hosts`;
    report({
      code: "GROUPS_AND_HOSTS",
      field,
      value,
      expected: "only groups or only hosts (with ip) in one list",
    });
  }
  return { groups, hosts };
}

const isHost = ({ value }: Place): boolean =>
  isRecord(value) && (Object.hasOwn(value, "ip") || Object.hasOwn(value, "ips"));

/** A group without a name, as the original's documents are full of, is called by its place among its siblings: `group-1`. */
function nameOf(item: Place, index: number): Place {
  const name = at(isRecord(item.value) ? item.value : {}, "name", item.field);
  const isNameless = name.value === undefined || name.value === null || name.value === "";
  return isNameless && !isHost(item) ? { ...name, value: `group-${index + 1}` } : name;
}

function readGroup(place: Place, name: Place, { networks, depth }: Siblings, report: Report): GroupSpec[] {
  const known = ["name", "assignment", "routing", "groups", "cidr", "cidrs"];
  const item = readRecord(place, known, "a group {name, groups} or a host {name, ip}", report);
  if (!item) return [];
  const { field } = place;
  const spec = {
    // The original's own topologies have blanks in names of groups: "failure-domain: us-east-1a".
    name: readName(name, report, { spaces: true }),
    field,
    assignment: readLabels(at(item, "assignment", field), report),
    routing: readRouting(at(item, "routing", field), report),
    pins: readPins(item, field, networks, report),
  };
  const children = readChildren({ ...at(item, "groups", field), networks, depth: depth + 1 }, report);
  return [{ ...spec, ...children }];
}

function readHost(place: Place, report: Report): ListedHost[] {
  const item = readRecord(place, ["name", "ip", "ips", "assignment"], "a host {name, ip}", report);
  if (!item) return [];
  // The original answered with the labels of each host. They decide nothing: the list has decided.
  readLabels(at(item, "assignment", place.field), report);
  const name = readName(at(item, "name", place.field), report);
  return [{ name, ips: readIps(item, place.field, report).map(formatIp) }];
}

/** `ips`, at most one of each family; `ip` is the first of them or stands alone. */
function readIps(item: Json, field: string, report: Report): Ip[] {
  const one = at(item, "ip", field);
  const many = at(item, "ips", field);
  if (many.value === undefined) return [one].flatMap((place) => readIp(place, report) ?? []);
  const ips = readFullList(many, "a list of addresses", report).flatMap(
    (place) => readIp(place, report) ?? [],
  );
  const families = new Set(ips.map(({ family }) => family));
  if (families.size < ips.length)
    report({ code: "HOST_IPS", ...many, expected: "one address, or one IPv4 and one IPv6 address" });
  const main = one.value === undefined ? undefined : readIp(one, report);
  if (main && ips[0] && formatIp(main) !== formatIp(ips[0]))
    report({ code: "HOST_IPS", ...one, expected: `${formatIp(ips[0])}, the first of ips, or no ip` });
  return ips;
}

/** A host is in one group of a tree, and an address is of one host. Twice in one list is a duplicate already. */
export function reportHostsTwice(root: GroupSpec, report: Report): void {
  const homes = new Map<string, GroupSpec>();
  const owners = new Map<string, string>();
  const visit = (group: GroupSpec): void => {
    for (const { name, ips } of group.hosts) {
      const home = homes.get(name);
      if (home && home !== group) {
        const expected = `a host in one group only; it is in ${home.field} too`;
        report({ code: "HOST_IN_TWO_GROUPS", field: group.field, value: name, expected });
      }
      homes.set(name, group);
      for (const ip of ips) {
        const owner = owners.get(ip);
        if (owner !== undefined && owner !== name)
          report({
            code: "HOST_IP_TWICE",
            field: group.field,
            value: ip,
            expected: `an address that ${owner} does not have`,
          });
        owners.set(ip, name);
      }
    }
    group.groups.forEach(visit);
  };
  visit(root);
}
