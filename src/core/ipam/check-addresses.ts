// What is wrong with address records, and with slots in use: each must say what the other says.
import { equalCidr, formatCidr } from "../net/cidr.ts";
import { formatIp, type Ip } from "../net/ip.ts";
import { ipMap } from "../net/ip-map.ts";
import { addressKey, blockKey } from "../model/keys.ts";
import type { Address, Block } from "../model/records.ts";
import { takenSlots } from "../model/slots.ts";
import type { Finding, Steps } from "./check.ts";
import { ipAt, isOwner, offsetOf } from "./choose.ts";
import type { IpamState } from "./state.ts";

type Seat = Address["ips"][number];

/** One pass over slots and one over addresses: what agrees, nearly all, costs no more than looking. */
export function* checkAddresses(state: IpamState): Steps {
  const findings: Finding[] = [];
  const seated = new Map<Address, number>();
  for (const { block } of state.blocks.values()) {
    for (const [offset, slot] of takenSlots(block.slots))
      if (slot.state === "used") findings.push(...checkSlot(state, block, offset, slot.name, seated));
    yield;
  }
  for (const address of state.addresses.values()) {
    // One that came since is looked at by itself.
    if (seated.get(address) !== address.ips.length)
      for (const seat of address.ips) findings.push(...checkSeat(state, address, seat));
    yield;
  }
  return [...findings, ...(yield* checkHolders(state))];
}

/** Records of hosts that are unknown, and of addresses that another record has too. */
function* checkHolders(state: IpamState): Steps {
  const findings: Finding[] = [];
  const rivals = ipMap<Address>();
  for (const address of state.addresses.values()) {
    if (isHomeless(state, address)) findings.push(homeless(address));
    for (const { ip } of address.ips) {
      // The index knows one holder: all others, and those whose place it lost to one, are compared with each other.
      const known = state.addressAt(ip);
      if (known === address) continue;
      const rival = known ?? rivals.get(ip);
      if (rival && state.addresses.get(rival.name) === rival) findings.push(doubled(rival, address, ip));
      else rivals.set(ip, address);
    }
    yield;
  }
  return findings;
}

const about = (address: Address, ip: Ip): Pick<Finding, "subject" | "host" | "ips" | "since"> => ({
  ...{ subject: address.name, host: address.host, ips: [formatIp(ip)], since: undefined },
});

/** What evidence tells of it says since when. */
const isHomeless = ({ hosts, evidence }: IpamState, { name, host }: Address): boolean =>
  !hosts.has(host) && !evidence.get(host)?.missing.some((each) => each.name === name);

const homeless = (address: Address): Finding => ({
  kind: "leaked",
  ...{ subject: address.name, host: address.host, since: undefined },
  ips: address.ips.map(({ ip }) => formatIp(ip)),
  details: `host ${address.host} is unknown`,
  keys: [addressKey(address.name), ...address.ips.map(({ block }) => blockKey(block))],
});

const doubled = (first: Address, second: Address, ip: Ip): Finding => ({
  kind: "doubled",
  ...about(second, ip),
  details: `${first.name} on ${first.host} has it too`,
  keys: [addressKey(first.name), addressKey(second.name)],
});

/** Whether the slot is the record's. */
function checkSeat(state: IpamState, address: Address, { ip, block: cidr }: Seat): Finding[] {
  const block = state.blocks.get(formatCidr(cidr))?.block;
  const slot = block?.slots[offsetOf(cidr, ip)];
  if (slot?.state === "used" && slot.name === address.name) return [];
  const isOthers = slot?.state === "used" ? `the slot is ${slot.name}'s` : "the slot is not in use";
  const details = `in ${formatCidr(cidr)}: ${block ? isOthers : "there is no such block"}`;
  const keys = [addressKey(address.name), blockKey(cidr)];
  return [{ kind: "address-without-slot", ...about(address, ip), details, keys }];
}

/** Whether the record of its name has the address, and packets to it go to the record's host. Counts the slots of each record. */
function checkSlot(
  state: IpamState,
  block: Block,
  offset: number,
  name: string,
  seated: Map<Address, number>,
): Finding[] {
  const address = state.addresses.get(name);
  const value = block.cidr.ip.value + BigInt(offset);
  const seat = address?.ips.find(({ ip }) => ip.value === value && ip.family === block.cidr.ip.family);
  if (!address || !seat) return [recordless(block, offset, name, address)];
  if (equalCidr(seat.block, block.cidr)) seated.set(address, (seated.get(address) ?? 0) + 1);
  return isOwner(block, address) ? [] : [misplaced(block, address, seat.ip)];
}

function recordless(block: Block, offset: number, name: string, address: Address | undefined): Finding {
  const there = address ? `the record of ${name} has other addresses` : `there is no record of ${name}`;
  return {
    kind: "slot-without-address",
    ...{ subject: name, host: block.host, ips: [formatIp(ipAt(block.cidr, offset))], since: undefined },
    details: `in use in ${formatCidr(block.cidr)}, but ${there}`,
    keys: [blockKey(block.cidr), addressKey(name)],
  };
}

function misplaced(block: Block, address: Address, ip: Ip): Finding {
  const { host, tenant, segment, cidr } = block;
  const details = `inside ${formatCidr(cidr)} of host ${host}, tenant ${tenant}, segment "${segment}"`;
  const keys = [addressKey(address.name), blockKey(cidr)];
  return { kind: "misplaced", ...about(address, ip), details, keys };
}
