// What is wrong with blocks: where they lie, and whose they are.
import { Seconds } from "../../base/clock.ts";
import { compareCidr, containsCidr, formatCidr, overlaps, sizeOf } from "../net/cidr.ts";
import { blockKey, hostKey, topologyKey } from "../model/keys.ts";
import type { Block } from "../model/records.ts";
import type { IndexedBlock } from "./block-index.ts";
import type { CheckOptions, Finding, Steps } from "./check.ts";
import type { IpamState } from "./state.ts";

/** A block that has rested is deleted within this time, or the collector does not run. */
const COLLECTED_WITHIN = Seconds(60);

export function* checkBlocks(state: IpamState, options: CheckOptions): Steps {
  const findings: Finding[] = [];
  for (const each of state.blocks.values()) {
    findings.push(...checkPlace(state, each.block), ...checkOwner(state, each, options));
    yield;
  }
  return [...findings, ...overlapping(state)];
}

const about = (block: Block): Pick<Finding, "subject" | "host" | "ips" | "since"> => ({
  ...{ subject: formatCidr(block.cidr), host: block.host, ips: [], since: undefined },
});

function checkPlace(state: IpamState, block: Block): Finding[] {
  const tree = state.topology.trees.findIndex(({ networks }) => networks.includes(block.network));
  const prefix = state.group(tree, block.group)?.prefixes[block.network];
  const group = `group ${block.group || "/"} of network ${block.network}`;
  const keys = [blockKey(block.cidr), topologyKey];
  if (!prefix) return [{ kind: "outside-prefix", ...about(block), details: `there is no ${group}`, keys }];
  if (!containsCidr(prefix, block.cidr))
    return [{ kind: "outside-prefix", ...about(block), details: `${group} has ${formatCidr(prefix)}`, keys }];
  const own = state.hosts.get(block.host)?.groups[tree];
  if (own === undefined || own === block.group) return [];
  const details = `in ${group}, but ${block.host} is in ${own || "/"}`;
  return [{ kind: "misplaced", ...about(block), details, keys: [...keys, hostKey(block.host)] }];
}

function checkOwner(
  state: IpamState,
  { block, occupancy }: IndexedBlock,
  { now, cooldown }: CheckOptions,
): Finding[] {
  if (state.hosts.has(block.host)) return [];
  const isResting = occupancy.restingSince > now - cooldown - COLLECTED_WITHIN;
  if (occupancy.used === 0 && isResting) return [];
  const details = `host ${block.host} is unknown; ${occupancy.used} addresses in use`;
  return [
    { kind: "orphan-block", ...about(block), details, keys: [blockKey(block.cidr), hostKey(block.host)] },
  ];
}

/** Blocks that share nothing have as many addresses as the space that they occupy. */
function overlapping({ blocks, spaces }: IpamState): Finding[] {
  let surplus = 0n;
  for (const { block } of blocks.values()) surplus += sizeOf(block.cidr);
  for (const { occupied } of Object.values(spaces))
    for (const { first, last } of occupied.ranges) surplus -= last - first + 1n;
  return surplus === 0n ? [] : overlapsAmong([...blocks.values()].map(({ block }) => block));
}

/** Sorted, those that overlap are neighbours: prefixes hold each other or have nothing in common. */
function overlapsAmong(blocks: readonly Block[]): Finding[] {
  const findings: Finding[] = [];
  let widest: Block | undefined;
  for (const block of blocks.toSorted((a, b) => compareCidr(a.cidr, b.cidr))) {
    if (widest && overlaps(widest.cidr, block.cidr)) {
      const details = `lies inside ${formatCidr(widest.cidr)} of host ${widest.host}`;
      const keys = [blockKey(widest.cidr), blockKey(block.cidr)];
      findings.push({ kind: "overlapping-blocks", ...about(block), details, keys });
    } else widest = block;
  }
  return findings;
}
