// A rule as the expressions that the kernel runs, one after the other: they load into registers, compare, and end in a verdict. As nft
// makes them, so that it can list them as the text they came from.
import { bitsOf, type Ip } from "../net/ip.ts";
import {
  ADDRESS_TYPE_LOCAL,
  CMP,
  KEY_TYPES,
  KNOWN_FLOW,
  META,
  NETWORK_HEADER,
  NFPROTO,
  PROTOCOL,
  TRANSPORT_HEADER,
  VERDICTS,
} from "./constants.ts";
import type { KeyField, KeyType, Match, NftRule, Verdict } from "./types.ts";

export type Expression =
  | { readonly kind: "meta"; readonly key: number; readonly register: number }
  | { readonly kind: "ct-state"; readonly register: number }
  /** The type of the destination, as the routing table sees it. */
  | { readonly kind: "fib-type"; readonly register: number }
  | {
      readonly kind: "payload";
      readonly base: number;
      readonly offset: number;
      readonly length: number;
      readonly register: number;
    }
  | { readonly kind: "mask"; readonly register: number; readonly mask: readonly number[] }
  | { readonly kind: "cmp"; readonly register: number; readonly op: number; readonly data: readonly number[] }
  /** `verdict`: of a map, which decides. */
  | {
      readonly kind: "lookup";
      readonly register: number;
      readonly set: string;
      readonly verdict: boolean;
      readonly inverted: boolean;
    }
  | { readonly kind: "counter" }
  | { readonly kind: "limit"; readonly perSecond: number; readonly burst: number }
  | { readonly kind: "log"; readonly group: number; readonly prefix: string }
  | { readonly kind: "masquerade" }
  | { readonly kind: "verdict"; readonly code: number; readonly chain: string | undefined };

/** NFT_REG_1. */
const FIRST = 1;

export function expressionsOf({ matches, counter, verdict }: NftRule): Expression[] {
  const known = new Set<string>();
  return [
    ...matches.flatMap((match) => ofMatch(match, known)),
    ...(counter ? [{ kind: "counter" } as const] : []),
    ...ofVerdict(verdict, known),
  ];
}

function ofVerdict(verdict: Verdict, known: Set<string>): Expression[] {
  if (verdict.kind === "map")
    return lookUp({ fields: verdict.fields, set: verdict.map, verdict: true, inverted: false }, known);
  if (verdict.kind === "log") {
    const { perSecond, burst, group, prefix } = verdict;
    return [
      { kind: "limit", perSecond, burst },
      { kind: "log", group, prefix },
    ];
  }
  if (verdict.kind === "masquerade") return [{ kind: "masquerade" }];
  return [
    { kind: "verdict", code: VERDICTS[verdict.kind], chain: "chain" in verdict ? verdict.chain : undefined },
  ];
}

function ofMatch(match: Match, known: Set<string>): Expression[] {
  switch (match.kind) {
    case "lookup":
      return lookUp({ ...match, verdict: false, inverted: match.isOutside === true }, known);
    case "source":
      return [...family(match.cidr.ip.family, known), ...prefix(match.cidr)];
    case "ports":
      return [
        ...transport(PROTOCOL[match.protocol], known),
        ...within(payload(TRANSPORT_HEADER, 2, 2), u16(match.first), u16(match.last)),
      ];
    case "icmp":
      return icmp(match, known);
    case "interface":
      return [meta(META[match.direction === "in" ? "iifname" : "oifname"]), equal(interfaceName(match.name))];
    case "known-flow":
      return [
        { kind: "ct-state", register: FIRST },
        { kind: "mask", register: FIRST, mask: hostU32(KNOWN_FLOW) },
        { kind: "cmp", register: FIRST, op: CMP.neq, data: hostU32(0) },
      ];
    case "to-this-host":
      return [{ kind: "fib-type", register: FIRST }, equal(hostU32(ADDRESS_TYPE_LOCAL))];
  }
}

const meta = (key: number, register = FIRST): Expression => ({ kind: "meta", key, register });
const payload = (base: number, offset: number, length: number, register = FIRST): Expression => ({
  ...{ kind: "payload", base, offset, length, register },
});
const equal = (data: readonly number[]): Expression => ({ kind: "cmp", register: FIRST, op: CMP.eq, data });
const u16 = (value: number): number[] => [value >> 8, value & 0xff];
/** The kernel's own numbers are in the processor's order: little-endian on all that we run on. */
const hostU32 = (value: number): number[] => [value, 0, 0, 0];

/** Only once in a rule: a packet does not change on the way. */
function once(what: string, known: Set<string>, make: () => Expression[]): Expression[] {
  if (known.has(what)) return [];
  known.add(what);
  return make();
}
const family = (number: 4 | 6, known: Set<string>): Expression[] =>
  once(`family ${number}`, known, () => [meta(META.nfproto), equal([NFPROTO[number]])]);
const transport = (protocol: number, known: Set<string>): Expression[] =>
  once(`protocol ${protocol}`, known, () => [meta(META.l4proto), equal([protocol])]);

const within = (load: Expression, first: readonly number[], last: readonly number[]): Expression[] =>
  first.join() === last.join()
    ? [load, equal(first)]
    : [
        load,
        { kind: "cmp", register: FIRST, op: CMP.gte, data: first },
        { kind: "cmp", register: FIRST, op: CMP.lte, data: last },
      ];

function icmp(
  { family: number, types, code }: Extract<Match, { kind: "icmp" }>,
  known: Set<string>,
): Expression[] {
  return [
    ...family(number, known),
    ...transport(number === 4 ? PROTOCOL.icmp4 : PROTOCOL.icmp6, known),
    ...(types ? within(payload(TRANSPORT_HEADER, 0, 1), [types[0]], [types[1]]) : []),
    ...(code === undefined ? [] : [payload(TRANSPORT_HEADER, 1, 1), equal([code])]),
  ];
}

function prefix({ ip, length }: { ip: Ip; length: number }): Expression[] {
  const bits = bitsOf(ip.family);
  const load = addressLoad(ip.family, "saddr", FIRST);
  const mask = ((1n << BigInt(length)) - 1n) << BigInt(bits - length);
  const masked: Expression = { kind: "mask", register: FIRST, mask: ipBytes({ ...ip, value: mask }) };
  return [load, ...(length < bits ? [masked] : []), equal(ipBytes(ip))];
}

export function ipBytes({ family, value }: Ip): number[] {
  const bytes: number[] = [];
  for (let shift = bitsOf(family) - 8; shift >= 0; shift -= 8)
    bytes.push(Number((value >> BigInt(shift)) & 0xffn));
  return bytes;
}

/** IFNAMSIZ bytes; of a beginning (`rom*`) as many as it has. */
export function interfaceName(name: string): number[] {
  const letters = [...name].map((letter) => letter.charCodeAt(0));
  if (name.endsWith("*")) return letters.slice(0, -1);
  return [...letters, ...Array.from({ length: 16 - letters.length }, () => 0)];
}

const addressLoad = (family: 4 | 6, end: "saddr" | "daddr", register: number): Expression => {
  const length = family === 4 ? 4 : 16;
  return payload(NETWORK_HEADER, (family === 4 ? 12 : 8) + (end === "daddr" ? length : 0), length, register);
};

type LookUp = Pick<Extract<Expression, { kind: "lookup" }>, "set" | "verdict" | "inverted"> & {
  readonly fields: readonly KeyField[];
};

/** The parts of a key lie one after the other, each from a register of four bytes on. */
function lookUp({ fields, set, verdict, inverted }: LookUp, known: Set<string>): Expression[] {
  const loads: Expression[] = [];
  let slot = 0;
  for (const field of fields) {
    loads.push(fieldLoad(field, registerAt(slot)));
    slot += Math.ceil(KEY_TYPES[typeOf(field)].bytes / 4);
  }
  return [
    ...fields.flatMap((field) => needs(field, known)),
    ...loads,
    { kind: "lookup", register: FIRST, set, verdict, inverted },
  ];
}

/** The kernel calls the first of four small registers by the number of the large one: NFT_REG_1 to 4, else NFT_REG32_00 on. */
const registerAt = (slot: number): number => (slot % 4 === 0 ? FIRST + slot / 4 : 8 + slot);

function needs(field: KeyField, known: Set<string>): Expression[] {
  if (field === "iifname") return [];
  const [word = ""] = field.split(" ");
  if (word === "ip" || word === "ip6") return family(word === "ip" ? 4 : 6, known);
  return transport(PROTOCOL[word as "tcp" | "udp" | "sctp"], known);
}

function fieldLoad(field: KeyField, register: number): Expression {
  if (field === "iifname") return meta(META.iifname, register);
  const [word, end] = field.split(" ");
  if (end === "dport") return payload(TRANSPORT_HEADER, 2, 2, register);
  return addressLoad(word === "ip" ? 4 : 6, end === "saddr" ? "saddr" : "daddr", register);
}

function typeOf(field: KeyField): KeyType {
  if (field === "iifname") return "ifname";
  if (field.endsWith("dport")) return "inet_service";
  return field.startsWith("ip6") ? "ipv6_addr" : "ipv4_addr";
}
