// What is wrong with address records, and with slots in use: each must say what the other says.
import { formatCidr } from "../net/cidr.ts";
import { formatIp, type Ip } from "../net/ip.ts";
import { ipMap } from "../net/ip-map.ts";
import { addressKey, blockKey, hostKey } from "../model/keys.ts";
import type { Address, Block } from "../model/records.ts";
import type { Finding } from "./check.ts";
import { ipAt, isOwner, offsetOf } from "./choose.ts";
import type { IpamState } from "./state.ts";

type Seat = Address["ips"][number];

export function checkAddresses(state: IpamState): Finding[] {
  const findings: Finding[] = [];
  const holders = ipMap<Address>();
  for (const address of state.addresses.values()) {
    if (isHomeless(state, address)) findings.push(homeless(address));
    for (const seat of address.ips) {
      const holder = holders.get(seat.ip);
      if (holder) findings.push(doubled(holder, address, seat.ip));
      else holders.set(seat.ip, address);
      findings.push(...checkSeat(state, address, seat));
    }
  }
  for (const { block } of state.blocks.values())
    for (const [offset, slot] of block.slots)
      if (slot.state === "used") findings.push(...checkSlot(state, block, offset, slot.name));
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

/** Whether the slot is the record's, and lies where the host's packets go. */
function checkSeat(state: IpamState, address: Address, { ip, block: cidr }: Seat): Finding[] {
  const block = state.blocks.get(formatCidr(cidr))?.block;
  const slot = block?.slots.get(offsetOf(cidr, ip));
  const keys = [addressKey(address.name), blockKey(cidr)];
  if (slot?.state !== "used" || slot.name !== address.name) {
    const there =
      slot?.state === "used"
        ? `the slot is ${slot.name}'s`
        : block
          ? "the slot is not in use"
          : "there is no such block";
    const details = `in ${formatCidr(cidr)}: ${there}`;
    return [{ kind: "address-without-slot", ...about(address, ip), details, keys }];
  }
  if (block && !isOwner(block, address)) {
    const details = `inside ${formatCidr(cidr)} of host ${block.host}, tenant ${block.tenant}, segment "${block.segment}"`;
    return [{ kind: "misplaced", ...about(address, ip), details, keys: [...keys, hostKey(address.host)] }];
  }
  return [];
}

function checkSlot(state: IpamState, block: Block, offset: number, name: string): Finding[] {
  const ip = ipAt(block.cidr, offset);
  const address = state.addresses.get(name);
  if (address?.ips.some((each) => each.ip.value === ip.value && each.ip.family === ip.family)) return [];
  const there = address ? `the record of ${name} has other addresses` : `there is no record of ${name}`;
  return [
    {
      kind: "slot-without-address",
      ...{ subject: name, host: block.host, ips: [formatIp(ip)], since: undefined },
      details: `in use in ${formatCidr(block.cidr)}, but ${there}`,
      keys: [blockKey(block.cidr), addressKey(name)],
    },
  ];
}
