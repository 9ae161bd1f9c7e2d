// The `networks` of a topology document.
import { type Cidr, compareCidr, containsCidr, formatCidr, overlaps } from "../net/cidr.ts";
import { bitsOf } from "../net/ip.ts";
import { UNUSABLE } from "../net/unusable.ts";
import type { Network } from "../model/topology.ts";
import {
  at,
  type Place,
  readCidr,
  readFullList,
  readList,
  readName,
  readRecord,
  type Report,
  reportDuplicates,
} from "../model/read-fields.ts";

const DEFAULT_BLOCK_MASK = { 4: 29, 6: 125 } as const;
/** A block's record lists its addresses, and is written at every allocation. */
const MAX_BLOCK_BITS = 16;

/** By name; `undefined` where a network is there but wrong, so that whoever names it is not blamed too. */
export function readNetworks(place: Place, report: Report): ReadonlyMap<string, Network | undefined> {
  const items = readFullList(place, "a list of networks", report);
  const read = items.map((item) => ({ ...readNetwork(item, report), field: item.field }));
  const names = read.map(({ name = "", field }) => ({ value: name, field: `${field}.name` }));
  reportDuplicates(names, "a name that no other network has", report);
  const whole = read.flatMap(({ network, field }) => (network ? [{ network, field }] : []));
  reportOverlaps(whole, report);
  return new Map(read.flatMap(({ name, network }) => (name ? [[name, network]] : [])));
}

function readNetwork(place: Place, report: Report): { name?: string; network?: Network } {
  const known = ["name", "cidr", "block_mask", "tenants"];
  const item = readRecord(place, known, "a network {name, cidr}", report);
  if (!item) return {};
  const { field } = place;
  const name = readNetworkName(at(item, "name", field), report);
  const cidrPlace = at(item, "cidr", field);
  const cidr = readPodCidr(cidrPlace, report);
  const blockMask = readBlockMask(at(item, "block_mask", field), cidr ?? boundsOf(cidrPlace), report);
  const tenantPlaces = readList(at(item, "tenants", field), "a list of tenants", report);
  const tenants = tenantPlaces.map((each) => readName(each, report));
  reportDuplicates(tenantPlaces, "each tenant once", report);
  if (!cidr) return { name };
  return { name, network: { name, cidr, blockMask, tenants } };
}

/** Prefixes are kept by network name in plain objects, which have some names from birth. */
function readNetworkName(place: Place, report: Report): string {
  const name = readName(place, report);
  if (!(name in {})) return name;
  report({ code: "NAME", ...place, expected: "a name that is not reserved" });
  return "";
}

function readPodCidr(place: Place, report: Report): Cidr | undefined {
  const cidr = readCidr(place, report);
  const unusable = cidr && UNUSABLE.find((each) => overlaps(each, cidr));
  if (!unusable) return cidr;
  report({
    code: "CIDR_UNUSABLE",
    ...place,
    expected: `a prefix outside ${formatCidr(unusable)}, where no pod can live`,
  });
  return undefined;
}

/** What a prefix that could not be read seems to be: its block size is checked all the same. */
const boundsOf = ({ value }: Place): Cidr => ({
  ip: { family: typeof value === "string" && value.includes(":") ? 6 : 4, value: 0n },
  length: 0,
});

function readBlockMask({ value, field }: Place, { ip, length }: Cidr, report: Report): number {
  const bits = bitsOf(ip.family);
  if (value === undefined || value === null) return Math.max(length, DEFAULT_BLOCK_MASK[ip.family]);
  const least = Math.max(length, bits - MAX_BLOCK_BITS);
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= bits) return value;
  const expected = `a whole number from ${least} to ${bits}: a block lies inside its network and has at most ${2 ** MAX_BLOCK_BITS} addresses`;
  report({ code: "BLOCK_MASK", field, value, expected });
  return bits;
}

/** In order of address, a network overlaps another only if it lies inside one before it. */
function reportOverlaps(
  networks: readonly { readonly network: Network; readonly field: string }[],
  report: Report,
): void {
  const sorted = networks.toSorted((a, b) => compareCidr(a.network.cidr, b.network.cidr));
  let cover = sorted[0];
  for (const each of sorted.slice(1)) {
    if (!cover || !containsCidr(cover.network.cidr, each.network.cidr)) {
      cover = each;
      continue;
    }
    const { cidr, name } = cover.network;
    report({
      code: "NETWORK_OVERLAP",
      field: `${each.field}.cidr`,
      value: formatCidr(each.network.cidr),
      expected: `no overlap with network ${name} (${formatCidr(cidr)})`,
    });
  }
}
