// What the store says once everybody is silent: the addresses, read from etcd itself; and whether its records and the daemons agree with them.
import { setTimeout as delay } from "node:timers/promises";
import type { AddressList } from "../../src/core/api/types.ts";
import { writeOfEntry } from "../../src/core/ipam/keys.ts";
import { KEY_PREFIX } from "../../src/core/model/keys.ts";
import type { Address, Block } from "../../src/core/model/records.ts";
import { takenSlots } from "../../src/core/model/slots.ts";
import { formatIp } from "../../src/core/net/ip.ts";
import type { FaultBed } from "./bed/fault-bed.ts";
import type { EtcdMember } from "./bed/etcd-member.ts";
import type { Final, Given } from "./history/history.ts";

export type Records = { readonly addresses: readonly Address[]; readonly blocks: readonly Block[] };

type Range = { readonly kvs?: readonly { readonly key: string; readonly value: string }[] };

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const text = (encoded: string): string => Buffer.from(encoded, "base64").toString();

/** All at one revision. Throws for a record that nobody can read. */
export async function readRecords(member: EtcdMember): Promise<Records> {
  const end = KEY_PREFIX.slice(0, -1) + String.fromCharCode(KEY_PREFIX.charCodeAt(KEY_PREFIX.length - 1) + 1);
  const range = { key: base64(KEY_PREFIX), range_end: base64(end) };
  const { kvs = [] } = await member.post<Range>("kv/range", range);
  const addresses: Address[] = [];
  const blocks: Block[] = [];
  for (const { key, value } of kvs) {
    const write = writeOfEntry(text(key), text(value));
    if (write?.kind === "put-address") addresses.push(write.address);
    if (write?.kind === "put-block") blocks.push(write.block);
  }
  return { addresses, blocks };
}

/** Used slots without their address, addresses without their slot, blocks that are not their addresses' owner's. */
export function tornRecords({ addresses, blocks }: Records): string[] {
  const slots = new Map<
    string,
    { readonly name: string; readonly sequence: number; readonly block: Block }
  >();
  for (const block of blocks)
    for (const [offset, slot] of takenSlots(block.slots))
      if (slot.state === "used") {
        const { family, value } = block.cidr.ip;
        slots.set(formatIp({ family, value: value + BigInt(offset) }), { ...slot, block });
      }
  const faults: string[] = [];
  for (const { name, sequence, host, tenant, segment, ips } of addresses)
    for (const ip of ips.map((each) => formatIp(each.ip))) {
      const slot = slots.get(ip);
      const { block } = slot ?? {};
      if (slot?.name !== name || slot.sequence !== sequence) faults.push(`${name}: ${ip} has no slot of it`);
      else if (block?.host !== host || block.tenant !== tenant || block.segment !== segment)
        faults.push(`${name}: ${ip} lies in another's block`);
      slots.delete(ip);
    }
  for (const [ip, { name }] of slots) faults.push(`${ip}: in use by ${name}, which has no record`);
  return faults;
}

export const givenOf = ({ name, host, tenant, segment, sequence, ips }: Address): Given => ({
  ...{ name, host, tenant, segment, sequence },
  ips: ips.map(({ ip }) => formatIp(ip)),
});

const microseconds = (): number => Number(process.hrtime.bigint() / 1000n);
/** How long nothing may change until it counts as final: longer than a daemon waits for the store. */
const SILENCE = 7000;

/** Resolves when the addresses have not changed for a while: what was under way has happened. */
export async function readFinal({ members }: FaultBed): Promise<Final & { readonly records: Records }> {
  const [member] = members;
  if (!member) throw new Error("no member");
  let before = "";
  for (;;) {
    const start = microseconds();
    const records = await readRecords(member);
    const addresses = records.addresses.map(givenOf);
    const seen = JSON.stringify(addresses);
    if (seen === before) return { start, end: microseconds(), addresses, records };
    before = seen;
    await delay(SILENCE);
  }
}

/** Daemons that tell other addresses than the store has. */
export async function differingDaemons(
  { daemons }: FaultBed,
  { addresses }: Pick<Final, "addresses">,
): Promise<string[]> {
  const keyOf = ({ name, sequence, ips }: Given): string => `${name} ${sequence} ${ips.join()}`;
  const expected = addresses.map(keyOf).sort().join("\n");
  const faults: string[] = [];
  for (const daemon of daemons) {
    const list = await daemon.get<AddressList>("/addresses");
    if (list.addresses.map(keyOf).sort().join("\n") !== expected)
      faults.push(`${daemon.place.name} tells other addresses than the store has`);
  }
  return faults;
}
