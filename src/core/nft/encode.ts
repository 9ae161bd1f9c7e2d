// A plan as one batch of nfnetlink: the kernel does all of it or nothing.
import { lastIp } from "../net/cidr.ts";
import { bitsOf } from "../net/ip.ts";
import { NLM_F } from "../netlink/constants.ts";
import type { Writer } from "../netlink/writer.ts";
import * as N from "./constants.ts";
import { encodeExpression, encodeVerdict } from "./encode-expression.ts";
import { expressionsOf, interfaceName, ipBytes } from "./expressions.ts";
import { MARK } from "./mark.ts";
import type { NftChange } from "./plan.ts";
import { type Element, type KeyValue, type NftChain, type NftRule, type NftSet, TABLE } from "./types.ts";

/** NLA_F_NESTED. */
const NESTED = 0x8000;
/** An attribute's length has 16 bits. An element takes at most some 400 bytes: an interval of IPv6 is two. */
const ELEMENTS_A_MESSAGE = 128;
const utf8 = new TextEncoder();

/**
 * Writes begin, the changes and end. Sequence numbers from `first` on: `first` is the batch's own, the last message's is returned and
 * acknowledged. "check": without its end the kernel judges a batch, and then forgets it.
 */
export function encodeBatch(
  w: Writer,
  changes: readonly NftChange[],
  first: number,
  purpose: "commit" | "check" = "commit",
): number {
  const messages = changes.flatMap(messagesOf);
  batch(w, N.BATCH.begin, first);
  messages.forEach(({ type, flags, body }, i) => {
    const ack = i === messages.length - 1 ? NLM_F.ack : 0;
    w.message((N.SUBSYSTEM << 8) | type, NLM_F.request | flags | ack, first + 1 + i, () => {
      header(w, N.NFPROTO.inet, 0);
      body(w);
    });
  });
  if (purpose === "commit") batch(w, N.BATCH.end, first);
  return first + messages.length;
}

/** How many sequence numbers the batch takes. */
export const batchLength = (changes: readonly NftChange[]): number => changes.flatMap(messagesOf).length + 1;

const batch = (w: Writer, type: number, sequence: number): void => {
  w.message(type, NLM_F.request, sequence, () => {
    header(w, 0, N.SUBSYSTEM);
  });
};

/** `struct nfgenmsg`; `resource` in the byte order of the network. */
function header(w: Writer, family: number, resource: number): void {
  w.u8(family);
  w.u8(0);
  w.u8(resource >> 8);
  w.u8(resource & 0xff);
}

type Message = { readonly type: number; readonly flags: number; readonly body: (w: Writer) => void };
const created = (type: number, body: (w: Writer) => void, flags = 0): Message => ({
  ...{ type, flags: NLM_F.create | flags, body },
});
const deleted = (type: number, body: (w: Writer) => void): Message => ({ type, flags: 0, body });
/** NLM_F_APPEND. */
const APPEND = 0x800;

function messagesOf(change: NftChange): Message[] {
  switch (change.kind) {
    case "table-add":
      return [created(N.MSG.newTable, writeTable, NLM_F.excl)];
    case "table-delete":
      return [deleted(N.MSG.delTable, (w) => w.attributeText(N.TABLE_ATTR.name, TABLE))];
    case "set-add":
      return [created(N.MSG.newSet, writeSet(change.set), NLM_F.excl)];
    case "set-delete":
      return [deleted(N.MSG.delSet, named(N.SET_ATTR.table, N.SET_ATTR.name, change.set.name))];
    case "chain-add":
      return [created(N.MSG.newChain, writeChain(change.chain), NLM_F.excl)];
    case "chain-delete":
      return [deleted(N.MSG.delChain, named(N.CHAIN_ATTR.table, N.CHAIN_ATTR.name, change.chain))];
    case "rules-delete":
      return [deleted(N.MSG.delRule, named(N.RULE_ATTR.table, N.RULE_ATTR.chain, change.chain))];
    case "rules-add":
      return change.chain.rules.map((rule) =>
        created(N.MSG.newRule, writeRule(change.chain.name, rule), APPEND),
      );
    case "elements-add":
      return chunks(change.elements).map((list) =>
        created(N.MSG.newElement, writeElements(change.set, list)),
      );
    case "elements-flush":
      return [deleted(N.MSG.delElement, named(N.LIST_ATTR.table, N.LIST_ATTR.set, change.set.name))];
    case "elements-delete":
      return chunks(change.elements).map((list) =>
        deleted(N.MSG.delElement, writeElements(change.set, list)),
      );
  }
}

function chunks(elements: readonly Element[]): Element[][] {
  const lists: Element[][] = [];
  for (let at = 0; at < elements.length; at += ELEMENTS_A_MESSAGE)
    lists.push(elements.slice(at, at + ELEMENTS_A_MESSAGE));
  return lists;
}

const named = (table: number, attribute: number, name: string) => (w: Writer) => {
  w.attributeText(table, TABLE);
  w.attributeText(attribute, name);
};

/** User data of libnftnl: type, length, and the text with its zero byte. */
function comment(w: Writer, attribute: number, type: number, text: string): void {
  if (text === "") return;
  const bytes = [...utf8.encode(text), 0];
  w.attributeBytes(attribute, [type, bytes.length, ...bytes]);
}

function writeTable(w: Writer): void {
  w.attributeText(N.TABLE_ATTR.name, TABLE);
  comment(w, N.TABLE_ATTR.userdata, N.COMMENT.table, MARK);
}

const writeChain =
  ({ name, hook, comment: text }: NftChain) =>
  (w: Writer): void => {
    named(N.CHAIN_ATTR.table, N.CHAIN_ATTR.name, name)(w);
    if (hook) {
      w.attribute(N.CHAIN_ATTR.hook | NESTED, () => {
        w.attributeBe32(N.HOOK_ATTR.number, N.HOOKS[hook.name]);
        w.attributeBe32(N.HOOK_ATTR.priority, hook.priority >>> 0);
      });
      w.attributeBe32(N.CHAIN_ATTR.policy, N.VERDICTS.accept);
      w.attributeText(N.CHAIN_ATTR.type, hook.type);
    }
    comment(w, N.CHAIN_ATTR.userdata, N.COMMENT.chain, text);
  };

const writeRule =
  (chain: string, rule: NftRule) =>
  (w: Writer): void => {
    named(N.RULE_ATTR.table, N.RULE_ATTR.chain, chain)(w);
    w.attribute(N.RULE_ATTR.expressions | NESTED, () => {
      for (const expression of expressionsOf(rule)) encodeExpression(w, expression);
    });
    comment(w, N.RULE_ATTR.userdata, N.COMMENT.rule, rule.comment);
  };

/** Each part of a key takes whole registers of four bytes. A key's type is nft's own affair: six bits for each part. */
const writeSet =
  ({ name, key, interval, isMap, comment: text }: NftSet) =>
  (w: Writer): void => {
    named(N.SET_ATTR.table, N.SET_ATTR.name, name)(w);
    const types = key.map((type) => N.KEY_TYPES[type]);
    w.attributeBe32(N.SET_ATTR.flags, (interval ? N.SET_FLAG.interval : 0) | (isMap ? N.SET_FLAG.map : 0));
    w.attributeBe32(
      N.SET_ATTR.keyType,
      types.reduce((number, type) => (number << 6) | type.number, 0),
    );
    w.attributeBe32(
      N.SET_ATTR.keyLength,
      types.reduce((sum, { bytes }) => sum + padded(bytes), 0),
    );
    if (isMap) {
      w.attributeBe32(N.SET_ATTR.dataType, N.DATA_TYPE_VERDICT);
      w.attributeBe32(N.SET_ATTR.dataLength, 0);
    }
    w.attributeBe32(N.SET_ATTR.id, 1);
    comment(w, N.SET_ATTR.userdata, N.COMMENT.set, text);
  };

const padded = (bytes: number): number => (bytes + 3) & ~3;

const writeElements =
  ({ name, interval }: NftSet, elements: readonly Element[]) =>
  (w: Writer): void => {
    named(N.LIST_ATTR.table, N.LIST_ATTR.set, name)(w);
    w.attribute(N.LIST_ATTR.elements | NESTED, () => {
      for (const { key, chain } of elements) {
        writeElement(w, key.flatMap(valueBytes), 0, chain);
        const end = interval ? endOf(key) : undefined;
        if (end) writeElement(w, end, N.INTERVAL_END, undefined);
      }
    });
  };

function writeElement(w: Writer, key: readonly number[], flags: number, chain: string | undefined): void {
  w.attribute(N.LIST_ELEMENT | NESTED, () => {
    w.attribute(N.ELEMENT_ATTR.key | NESTED, () => {
      w.attributeBytes(N.DATA_VALUE, key);
    });
    if (flags !== 0) w.attributeBe32(N.ELEMENT_ATTR.flags, flags);
    if (chain !== undefined)
      w.attribute(N.ELEMENT_ATTR.data | NESTED, () => {
        encodeVerdict(w, N.VERDICTS.goto, chain);
      });
  });
}

function valueBytes(value: KeyValue): number[] {
  if (typeof value === "string") return interfaceName(value);
  if (typeof value === "number") return [value >> 8, value & 0xff, 0, 0];
  return ipBytes(value.ip);
}

/** The first address behind the prefix; `undefined` where it reaches to the end of all. */
function endOf([value]: readonly KeyValue[]): number[] | undefined {
  if (typeof value !== "object") return undefined;
  const last = lastIp(value);
  const next = last.value + 1n;
  return next >> BigInt(bitsOf(last.family)) === 0n ? ipBytes({ ...last, value: next }) : undefined;
}

/** What is asked for; elements by set. The kernel ends with "done", or with an error where nothing is. */
export type NftDump =
  | { readonly kind: "tables" | "chains" | "rules" | "sets" }
  | { readonly kind: "elements"; readonly set: string };
const GET = { tables: 1, chains: 4, rules: 7, sets: 10, elements: 13 } as const;

export function encodeNftDump(w: Writer, dump: NftDump, sequence: number): void {
  w.message((N.SUBSYSTEM << 8) | GET[dump.kind], NLM_F.request | NLM_F.dump, sequence, () => {
    header(w, N.NFPROTO.inet, 0);
    if (dump.kind === "elements") named(N.LIST_ATTR.table, N.LIST_ATTR.set, dump.set)(w);
    if (dump.kind === "rules" || dump.kind === "sets") w.attributeText(N.SET_ATTR.table, TABLE);
  });
}
