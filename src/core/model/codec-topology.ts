// The topology to the store's text and back, with the prefix of every group: prefixes are stored and kept for life,
// never carved again at start-up. Never validates what core/topology decides; it only reads strictly.
import { type Cidr, formatCidr } from "../net/cidr.ts";
import {
  garbage,
  parseText,
  readArray,
  readCidr,
  readCount,
  type Reader,
  readObject,
  readRecord,
  readString,
  readStrings,
} from "./codec-read.ts";
import { readRouting } from "./read-routing.ts";
import { type Routing, routingDocument } from "./routing.ts";
import type { Group, ListedHost, Network, Topology, Tree } from "./topology.ts";

/** A deeper tree than this is refused: encode and decode walk it by recursion. Far beyond what a prefix of 128 bits can be split. */
const MAX_DEPTH = 300;

export function encodeTopology(topology: Topology): string {
  const networks = topology.networks.map((network) => ({ ...network, cidr: formatCidr(network.cidr) }));
  const trees = topology.trees.map(({ networks, root }) => ({ networks, root: groupDocument(root) }));
  return JSON.stringify({ networks, trees });
}

/** Throws UnavailableError `STORE_GARBAGE` naming `key` and the field. */
export function decodeTopology(key: string, text: string): Topology {
  const { networks, trees } = readObject(parseText(key, text), ["networks", "trees"]);
  return { networks: readArray(networks, readNetwork), trees: readArray(trees, readTree) };
}

function groupDocument(group: Group): unknown {
  const { name, path, assignment, routing, prefixes, groups, hosts } = group;
  const texts = Object.fromEntries(Object.entries(prefixes).map(([key, cidr]) => [key, formatCidr(cidr)]));
  const said = routing && routingDocument(routing);
  return { name, path, assignment, routing: said, prefixes: texts, groups: groups.map(groupDocument), hosts };
}

function readNetwork(reader: Reader): Network {
  const { name, cidr, blockMask, tenants } = readObject(reader, ["name", "cidr", "blockMask", "tenants"]);
  return {
    name: readString(name),
    cidr: readCidr(cidr),
    blockMask: readCount(blockMask),
    tenants: readArray(tenants, readString),
  };
}

function readTree(reader: Reader): Tree {
  const { networks, root } = readObject(reader, ["networks", "root"]);
  return { networks: readArray(networks, readString), root: readGroup(root, 0) };
}

function readGroup(reader: Reader, depth: number): Group {
  if (depth > MAX_DEPTH) throw garbage(reader, `at most ${MAX_DEPTH} levels of groups`);
  const fields = ["name", "path", "assignment", "prefixes", "groups", "hosts"] as const;
  const group = readObject(reader, fields, ["routing"]);
  return {
    name: readString(group.name),
    path: readString(group.path),
    assignment: readStrings(group.assignment),
    routing: readKeptRouting(group.routing),
    prefixes: readPrefixes(group.prefixes),
    groups: readArray(group.groups, (child) => readGroup(child, depth + 1)),
    hosts: readArray(group.hosts, readListedHost),
  };
}

/** Before routing was read, a topology kept whatever was given: what says nothing now said nothing then. */
function readKeptRouting(reader: Reader | undefined): Routing | undefined {
  const routing = reader && readRouting(reader, () => undefined);
  return routing?.kind === "unread" ? undefined : routing;
}

const readPrefixes = (reader: Reader): Record<string, Cidr> =>
  Object.fromEntries(readRecord(reader).map(([network, prefix]) => [network, readCidr(prefix)]));

function readListedHost(reader: Reader): ListedHost {
  const { name, ips } = readObject(reader, ["name", "ips"]);
  return { name: readString(name), ips: readArray(ips, readString) };
}
