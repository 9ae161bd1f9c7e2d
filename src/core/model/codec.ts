// Records to the store's text and back. Decode after encode is identity; decode is strict, because a record that is half
// understood would be written back half lost. Never decides what a record means.
import { type Cidr, formatCidr, sizeOf } from "../net/cidr.ts";
import { formatIp } from "../net/ip.ts";
import {
  garbage,
  memberOf,
  parseText,
  readArray,
  readCidr,
  readCount,
  type Reader,
  readIp,
  readObject,
  readRecord,
  readString,
  readStrings,
  recordOf,
} from "./codec-read.ts";
import { addressKey, blackoutKey, blockKey, hostKey, reservationKey } from "./keys.ts";
import type { Address, Blackout, Block, Host, Reservation } from "./records.ts";
import { type Slot, takenSlots, withSlots } from "./slots.ts";

export function encodeHost(host: Host): string {
  const { name, ips, tags, agentPort, k8sInfo, groups } = host;
  const paths = groups.map((group) => group ?? null);
  return JSON.stringify({ name, ips: ips.map(formatIp), tags, agentPort, k8sInfo, groups: paths });
}

/** Every `decode…` throws UnavailableError `STORE_GARBAGE` naming `key` and the field. */
export function decodeHost(key: string, text: string): Host {
  const root = parseText(key, text);
  const host = readObject(root, ["name", "ips", "tags", "agentPort", "k8sInfo", "groups"]);
  const name = readString(host.name);
  expectKey(host.name, hostKey(name));
  return {
    name,
    ips: readArray(host.ips, readIp),
    tags: readStrings(host.tags),
    agentPort: readCount(host.agentPort),
    k8sInfo: Object.fromEntries(readRecord(host.k8sInfo).map(([field, each]) => [field, each.value])),
    groups: readArray(host.groups, (each) => (each.value === null ? undefined : readString(each))),
  };
}

/** `slots`: by offset, `[name, sequence]` in use, `since` cooling, `[since]` in quarantine: a block is written at every allocation, so it is kept short. */
export function encodeBlock(block: Block): string {
  const { cidr, network, group, host, tenant, segment, sequence } = block;
  const owner = JSON.stringify({ cidr: formatCidr(cidr), network, group, host, tenant, segment, sequence });
  const slots = takenSlots(block.slots).map(([offset, slot]) => `"${offset}":${textOf(slot)}`);
  return `${owner.slice(0, -1)},"slots":{${slots.join()}}}`;
}

/** Slots as they are written: all but one of a block's were written before. */
const texts = new WeakMap<Slot, string>();

function textOf(slot: Slot): string {
  const known = texts.get(slot);
  if (known !== undefined) return known;
  const text = JSON.stringify(encodeSlot(slot));
  texts.set(slot, text);
  return text;
}

export function decodeBlock(key: string, text: string): Block {
  const fields = ["cidr", "network", "group", "host", "tenant", "segment", "sequence", "slots"] as const;
  const block = readObject(parseText(key, text), fields);
  const cidr = readCidr(block.cidr);
  expectKey(block.cidr, blockKey(cidr));
  return {
    cidr,
    network: readString(block.network),
    group: readString(block.group),
    host: readString(block.host),
    tenant: readString(block.tenant),
    segment: readString(block.segment),
    sequence: readCount(block.sequence),
    slots: withSlots([], readSlots(block.slots, cidr)),
  };
}

/** `members`: the object that `slots` holds, or a part of it. */
export function readSlots(slots: Reader, cidr: Cidr): [offset: number, slot: Slot][] {
  const size = Number(sizeOf(cidr));
  return Object.entries(recordOf(slots)).map(([text, value]) => {
    const offset = Number(text);
    // A reader of its own for each slot is made only for what is garbage: a full block has as many as a hundred.
    if (String(offset) !== text || !isCount(offset) || offset >= size)
      throw garbage(memberOf(slots, text, value), "an offset in the block");
    return [offset, slotOf(value) ?? readSlot(memberOf(slots, text, value))];
  });
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** The two usual kinds; `undefined`: another, or garbage. */
function slotOf(value: unknown): Slot | undefined {
  if (isCount(value)) return { state: "cooling", since: value };
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [name, sequence] = value as unknown[];
  return typeof name === "string" && isCount(sequence) ? { state: "used", name, sequence } : undefined;
}

function readSlot(slot: Reader): Slot {
  if (typeof slot.value === "number") return { state: "cooling", since: readCount(slot) };
  const [name, sequence, ...more] = readArray(slot, (each) => each);
  if (name && !sequence) return { state: "cooling", since: readCount(name), quarantined: true };
  if (!name || !sequence || more.length > 0) throw garbage(slot, "[name, sequence], a time or [time]");
  return { state: "used", name: readString(name), sequence: readCount(sequence) };
}

function encodeSlot(slot: Slot): unknown {
  if (slot.state === "used") return [slot.name, slot.sequence];
  return slot.quarantined ? [slot.since] : slot.since;
}

export function encodeAddress(address: Address): string {
  const ips = address.ips.map(({ ip, network, block }) => ({
    ip: formatIp(ip),
    network,
    block: formatCidr(block),
  }));
  return JSON.stringify({ ...address, ips });
}

export function decodeAddress(key: string, text: string): Address {
  const fields = ["name", "host", "tenant", "segment", "sequence", "ips"] as const;
  const address = readObject(parseText(key, text), fields, ["pod"]);
  const name = readString(address.name);
  expectKey(address.name, addressKey(name));
  return {
    name,
    host: readString(address.host),
    tenant: readString(address.tenant),
    segment: readString(address.segment),
    sequence: readCount(address.sequence),
    ips: readArray(address.ips, readAddressIp),
    ...(address.pod ? { pod: readString(address.pod) } : {}),
  };
}

function readAddressIp(reader: Reader): Address["ips"][number] {
  const { ip, network, block } = readObject(reader, ["ip", "network", "block"]);
  return { ip: readIp(ip), network: readString(network), block: readCidr(block) };
}

export function encodeBlackout({ cidr, reason }: Blackout): string {
  return JSON.stringify({ cidr: formatCidr(cidr), reason });
}

export function decodeBlackout(key: string, text: string): Blackout {
  const { cidr, reason } = readObject(parseText(key, text), ["cidr", "reason"]);
  const blackout = { cidr: readCidr(cidr), reason: readString(reason) };
  expectKey(cidr, blackoutKey(blackout.cidr));
  return blackout;
}

export function encodeReservation({ cidr, holder, reason }: Reservation): string {
  return JSON.stringify({ cidr: formatCidr(cidr), holder, reason });
}

export function decodeReservation(key: string, text: string): Reservation {
  const { cidr, holder, reason } = readObject(parseText(key, text), ["cidr", "reason"], ["holder"]);
  const reservation = { cidr: readCidr(cidr), reason: readString(reason) };
  expectKey(cidr, reservationKey(reservation.cidr));
  if (!holder) return reservation;
  if (sizeOf(reservation.cidr) > 1n) throw garbage(cidr, "a single address, as it has a holder");
  return { ...reservation, holder: readString(holder) };
}

/** A record under another's key would be changed under the one and compared under the other. */
function expectKey(reader: Reader, key: string): void {
  if (reader.key !== key) throw garbage(reader, `the name in the key, as ${key}`);
}
