// Expressions as attributes: a name, and what the kernel's module of that name reads.
import type { Writer } from "../netlink/writer.ts";
import {
  DATA_VALUE,
  DATA_VERDICT,
  EXPRESSION_ATTR,
  LOOKUP_INVERTED,
  RANDOM_PORT,
  VERDICT_ATTR,
} from "./constants.ts";
import type { Expression } from "./expressions.ts";

const NESTED = 0x8000;
/** NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR. */
const [FIB_RESULT_TYPE, FIB_DESTINATION] = [3, 2] as const;
/** NFT_CT_STATE. */
const CT_STATE = 0;

/** Attributes are numbered within each expression, in the order of its list in nf_tables.h. */
export function encodeExpression(w: Writer, e: Expression): void {
  switch (e.kind) {
    case "meta":
      return numbers(w, "meta", [1, e.register], [2, e.key]);
    case "ct-state":
      return numbers(w, "ct", [1, e.register], [2, CT_STATE]);
    case "fib-type":
      return numbers(w, "fib", [1, e.register], [2, FIB_RESULT_TYPE], [3, FIB_DESTINATION]);
    case "payload":
      return numbers(w, "payload", [1, e.register], [2, e.base], [3, e.offset], [4, e.length]);
    case "masquerade":
      return numbers(w, "masq", [1, RANDOM_PORT]);
    case "counter":
      return numbers(w, "counter");
    case "limit":
      return encodeLimit(w, e);
    case "log":
      return encodeLog(w, e);
    case "mask":
      return encodeMask(w, e);
    case "cmp":
      return encodeCmp(w, e);
    case "lookup":
      return expression(w, "lookup", () => {
        w.attributeText(1, e.set);
        w.attributeBe32(2, e.register);
        if (e.verdict) w.attributeBe32(3, 0);
        if (e.inverted) w.attributeBe32(5, LOOKUP_INVERTED);
      });
    case "verdict":
      return expression(w, "immediate", () => {
        w.attributeBe32(1, 0);
        w.attribute(2 | NESTED, () => {
          encodeVerdict(w, e.code, e.chain);
        });
      });
  }
}

type Of<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

/** A number of 64 bits that is small. */
const be64 = (value: number): number[] => [0, 0, 0, 0, 0, 0, value >> 8, value & 0xff];
const SECOND = be64(1);
const OF_PACKETS = 0;

function encodeLimit(w: Writer, { perSecond, burst }: Of<"limit">): void {
  expression(w, "limit", () => {
    w.attributeBytes(1, be64(perSecond));
    w.attributeBytes(2, SECOND);
    w.attributeBe32(3, burst);
    w.attributeBe32(4, OF_PACKETS);
  });
}

function encodeLog(w: Writer, { group, prefix }: Of<"log">): void {
  expression(w, "log", () => {
    w.attributeBytes(1, [group >> 8, group & 0xff]);
    w.attributeText(2, prefix);
  });
}

function encodeMask(w: Writer, { register, mask }: Of<"mask">): void {
  expression(w, "bitwise", () => {
    w.attributeBe32(1, register);
    w.attributeBe32(2, register);
    w.attributeBe32(3, mask.length);
    data(w, 4, mask);
    data(
      w,
      5,
      mask.map(() => 0),
    );
  });
}

function encodeCmp(w: Writer, { register, op, data: bytes }: Of<"cmp">): void {
  expression(w, "cmp", () => {
    w.attributeBe32(1, register);
    w.attributeBe32(2, op);
    data(w, 3, bytes);
  });
}

function expression(w: Writer, name: string, body: () => void): void {
  w.attribute(1 | NESTED, () => {
    w.attributeText(EXPRESSION_ATTR.name, name);
    w.attribute(EXPRESSION_ATTR.data | NESTED, body);
  });
}

function numbers(
  w: Writer,
  name: string,
  ...list: readonly (readonly [type: number, value: number])[]
): void {
  expression(w, name, () => {
    for (const [type, value] of list) w.attributeBe32(type, value);
  });
}

function data(w: Writer, type: number, bytes: readonly number[]): void {
  w.attribute(type | NESTED, () => {
    w.attributeBytes(DATA_VALUE, bytes);
  });
}

export function encodeVerdict(w: Writer, code: number, chain: string | undefined): void {
  w.attribute(DATA_VERDICT | NESTED, () => {
    w.attributeBe32(VERDICT_ATTR.code, code >>> 0);
    if (chain !== undefined) w.attributeText(VERDICT_ATTR.chain, chain);
  });
}
