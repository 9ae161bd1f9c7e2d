// What the kernel tells of tables, chains, rules, sets and elements. Rules are not understood again, but compared: as their expressions.
import { rangeToCidrs } from "../net/range.ts";
import { hostCidr } from "../net/cidr.ts";
import type { Family, Ip } from "../net/ip.ts";
import { eachAttribute, ipAt, need, textAt } from "../netlink/attributes.ts";
import * as N from "./constants.ts";
import { decodeExpressions } from "./decode-expression.ts";
import type { KeyType, KeyValue } from "./types.ts";

export type NftObject =
  | {
      readonly kind: "table" | "chain";
      readonly table: string;
      readonly name: string;
      readonly comment: string;
    }
  /** `form`: as of `ruleForm`. */
  | { readonly kind: "rule"; readonly table: string; readonly chain: string; readonly form: string }
  | {
      readonly kind: "set";
      readonly table: string;
      readonly name: string;
      readonly key: readonly KeyType[];
      readonly interval: boolean;
      readonly isMap: boolean;
    }
  | { readonly kind: "elements"; readonly set: string; readonly elements: readonly RawElement[] };
/** As the kernel has it: an interval is two. */
export type RawElement = {
  readonly key: DataView;
  readonly isEnd: boolean;
  readonly chain: string | undefined;
};

/** `struct nfgenmsg` and attributes. A RangeError: malformed. */
export function decodeNftObject(
  type: number,
  view: DataView,
  at: number,
  end: number,
): NftObject | undefined {
  if (type >> 8 !== N.SUBSYSTEM) return undefined;
  need(at, 4, end);
  const from = at + 4;
  switch (type & 0xff) {
    case N.MSG.newTable:
      return {
        kind: "table",
        ...fields(view, from, end, N.TABLE_ATTR.name, N.TABLE_ATTR.name, N.TABLE_ATTR.userdata),
      };
    case N.MSG.newChain:
      return {
        kind: "chain",
        ...fields(view, from, end, N.CHAIN_ATTR.table, N.CHAIN_ATTR.name, N.CHAIN_ATTR.userdata),
      };
    case N.MSG.newRule:
      return decodeRule(view, from, end);
    case N.MSG.newSet:
      return decodeSet(view, from, end);
    case N.MSG.newElement:
      return decodeElements(view, from, end);
    default:
      return undefined;
  }
}

const be32 = (view: DataView, at: number, to: number): number => {
  need(at, 4, to);
  return view.getUint32(at, false);
};

function fields(view: DataView, at: number, end: number, table: number, name: number, userdata: number) {
  const found = { table: "", name: "", comment: "" };
  eachAttribute(view, at, end, (type, from, to) => {
    if (type === table) found.table = textAt(view, from, to);
    if (type === name) found.name = textAt(view, from, to);
    if (type === userdata && to - from > 2) found.comment = textAt(view, from + 2, to);
  });
  return found;
}

function decodeRule(view: DataView, at: number, end: number): NftObject {
  const { table, name, comment } = fields(
    view,
    at,
    end,
    N.RULE_ATTR.table,
    N.RULE_ATTR.chain,
    N.RULE_ATTR.userdata,
  );
  let expressions: readonly unknown[] = [];
  eachAttribute(view, at, end, (type, from, to) => {
    if (type === N.RULE_ATTR.expressions) expressions = decodeExpressions(view, from, to);
  });
  return { kind: "rule", table, chain: name, form: JSON.stringify([expressions, comment]) };
}

function decodeSet(view: DataView, at: number, end: number): NftObject {
  const { table, name } = fields(view, at, end, N.SET_ATTR.table, N.SET_ATTR.name, N.SET_ATTR.userdata);
  let [flags, types] = [0, 0];
  eachAttribute(view, at, end, (type, from, to) => {
    if (type === N.SET_ATTR.flags) flags = be32(view, from, to);
    if (type === N.SET_ATTR.keyType) types = be32(view, from, to);
  });
  const isMap = (flags & N.SET_FLAG.map) !== 0;
  return {
    kind: "set",
    table,
    name,
    key: keyOf(types),
    interval: (flags & N.SET_FLAG.interval) !== 0,
    isMap,
  };
}

const typeNames = new Map(Object.entries(N.KEY_TYPES).map(([name, { number }]) => [number, name as KeyType]));

function keyOf(types: number): KeyType[] {
  const key: KeyType[] = [];
  for (let rest = types; rest > 0; rest >>>= 6) key.unshift(typeNames.get(rest & 63) ?? "inet_service");
  return key;
}

function decodeElements(view: DataView, at: number, end: number): NftObject {
  let set = "";
  const elements: RawElement[] = [];
  eachAttribute(view, at, end, (type, from, to) => {
    if (type === N.LIST_ATTR.set) set = textAt(view, from, to);
    if (type === N.LIST_ATTR.elements)
      eachAttribute(view, from, to, (_, start, stop) => elements.push(decodeElement(view, start, stop)));
  });
  return { kind: "elements", set, elements };
}

function decodeElement(view: DataView, at: number, end: number): RawElement {
  let key = new DataView(view.buffer, 0, 0);
  let isEnd = false;
  let chain: string | undefined;
  eachAttribute(view, at, end, (type, from, to) => {
    if (type === N.ELEMENT_ATTR.flags) isEnd = (be32(view, from, to) & N.INTERVAL_END) !== 0;
    if (type === N.ELEMENT_ATTR.key)
      eachAttribute(view, from, to, (_, start, stop) => {
        key = new DataView(view.buffer, view.byteOffset + start, stop - start);
      });
    if (type === N.ELEMENT_ATTR.data)
      eachAttribute(view, from, to, (_, start, stop) => {
        eachAttribute(view, start, stop, (inner, a, b) => {
          if (inner === N.VERDICT_ATTR.chain) chain = textAt(view, a, b);
        });
      });
  });
  return { key, isEnd, chain };
}

type Keyed = { readonly key: readonly KeyValue[]; readonly chain: string | undefined };

/** Elements as a ruleset has them. An interval that is no prefix, which no ruleset of ours has, is a key of several. */
export function elementsOf(raw: readonly RawElement[], key: readonly KeyType[], interval: boolean): Keyed[] {
  if (!interval) return raw.map((each) => ({ key: valuesOf(each.key, key), chain: each.chain }));
  const family: Family = key[0] === "ipv4_addr" ? 4 : 6;
  const marks = raw
    .map((each) => ({ isEnd: each.isEnd, value: ipAt(each.key, 0, each.key.byteLength, family).value }))
    .sort((a, b) => (a.value === b.value ? Number(b.isEnd) - Number(a.isEnd) : a.value < b.value ? -1 : 1));
  return marks.flatMap(({ isEnd, value: first }, i) => {
    if (isEnd) return [];
    const last = (marks[i + 1]?.value ?? 1n << (family === 4 ? 32n : 128n)) - 1n;
    return [{ key: rangeToCidrs(family, { first, last }), chain: undefined }];
  });
}

function valuesOf(view: DataView, key: readonly KeyType[]): KeyValue[] {
  let at = 0;
  return key.map((type) => {
    const from = at;
    at += (N.KEY_TYPES[type].bytes + 3) & ~3;
    need(from, N.KEY_TYPES[type].bytes, view.byteLength);
    if (type === "ifname") return textAt(view, from, at);
    if (type === "inet_service") return view.getUint16(from, false);
    const ip: Ip = ipAt(view, from, at, type === "ipv4_addr" ? 4 : 6);
    return hostCidr(ip);
  });
}
