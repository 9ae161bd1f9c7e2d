// Expressions out of their attributes: those that we make, as they were; of any other the name, which is equal to none of ours.
import { eachAttribute, need, textAt } from "../netlink/attributes.ts";
import { EXPRESSION_ATTR, LOOKUP_INVERTED, RANDOM_PORT } from "./constants.ts";
import type { Expression } from "./expressions.ts";

type Attributes = {
  number(type: number): number;
  /** Of a number of any length, as much as is used. */
  last(type: number): number;
  text(type: number): string | undefined;
  bytes(type: number): number[];
  inside(type: number): Attributes;
};
type Unknown = { readonly kind: "unknown"; readonly name: string };

export function decodeExpressions(view: DataView, at: number, end: number): (Expression | Unknown)[] {
  const list: (Expression | Unknown)[] = [];
  eachAttribute(view, at, end, (_, from, to) => {
    const outer = read(view, from, to);
    list.push(decode(outer.text(EXPRESSION_ATTR.name) ?? "", outer.inside(EXPRESSION_ATTR.data)));
  });
  return list;
}

function read(view: DataView, at: number, end: number): Attributes {
  const found = new Map<number, readonly [from: number, to: number]>();
  eachAttribute(view, at, end, (type, from, to) => found.set(type, [from, to]));
  const boundsOf = (type: number): readonly [number, number] => found.get(type) ?? [end, end];
  return {
    number: (type) => {
      const [from, to] = boundsOf(type);
      if (from === to) return 0;
      need(from, 4, to);
      return view.getInt32(from, false);
    },
    last: (type) => {
      const [from, to] = boundsOf(type);
      return to - from < 2 ? 0 : view.getUint16(to - 2, false);
    },
    text: (type) => (found.has(type) ? textAt(view, ...boundsOf(type)) : undefined),
    bytes: (type) => {
      const [from, to] = boundsOf(type);
      return Array.from({ length: to - from }, (_, i) => view.getUint8(from + i));
    },
    inside: (type) => read(view, ...boundsOf(type)),
  };
}

/** The fields in the order of `Expression`'s making, as forms are compared as text. */
function decode(name: string, a: Attributes): Expression | Unknown {
  // Its first is a number of two bytes.
  if (name === "log") return { kind: "log", group: a.last(1), prefix: a.text(2) ?? "" };
  const register = a.number(1);
  switch (name) {
    case "meta":
      return { kind: "meta", key: a.number(2), register };
    case "ct":
      return a.number(2) === 0 ? { kind: "ct-state", register } : { kind: "unknown", name };
    case "fib":
      return a.number(2) === 3 && a.number(3) === 2
        ? { kind: "fib-type", register }
        : { kind: "unknown", name };
    case "payload":
      return { kind: "payload", base: a.number(2), offset: a.number(3), length: a.number(4), register };
    case "bitwise":
      return { kind: "mask", register, mask: a.inside(4).bytes(1) };
    case "cmp":
      return { kind: "cmp", register, op: a.number(2), data: a.inside(3).bytes(1) };
    case "lookup":
      return {
        kind: "lookup",
        register: a.number(2),
        set: a.text(1) ?? "",
        verdict: a.text(3) !== undefined,
        inverted: a.number(5) === LOOKUP_INVERTED,
      };
    case "masq":
      return a.number(1) === RANDOM_PORT ? { kind: "masquerade" } : { kind: "unknown", name };
    case "limit":
      return limitOf(a) ?? { kind: "unknown", name };
    case "counter":
      return { kind: "counter" };
    case "immediate":
      return verdictOf(a.inside(2).inside(2));
    default:
      return { kind: "unknown", name };
  }
}

/** Of packets in a second. */
const limitOf = (a: Attributes): Expression | undefined =>
  a.last(2) === 1 && a.number(4) === 0 && a.number(5) === 0
    ? { kind: "limit", perSecond: a.last(1), burst: a.number(3) }
    : undefined;

const verdictOf = (a: Attributes): Expression => ({ kind: "verdict", code: a.number(1), chain: a.text(2) });
