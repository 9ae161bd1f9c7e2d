// What the kernel's rules have counted, out of a dump of rules. Knows nothing else of a rule.
import { eachAttribute, need, textAt } from "../netlink/attributes.ts";
import * as N from "./constants.ts";

/** Packets that came to the verdict of a rule. */
export type RuleCount = { readonly chain: string; readonly packets: number };

/** `undefined`: not of a rule of `table` that counts. A RangeError: malformed. */
export function decodeCount(
  table: string,
  { type, view, at, end }: { type: number; view: DataView; at: number; end: number },
): RuleCount | undefined {
  if (type >> 8 !== N.SUBSYSTEM || (type & 0xff) !== N.MSG.newRule) return undefined;
  need(at, N.NFGENMSG, end);
  const found = { table: "", chain: "" };
  let packets: number | undefined;
  eachAttribute(view, at + N.NFGENMSG, end, (attribute, from, to) => {
    if (attribute === N.RULE_ATTR.table) found.table = textAt(view, from, to);
    if (attribute === N.RULE_ATTR.chain) found.chain = textAt(view, from, to);
    if (attribute === N.RULE_ATTR.expressions)
      eachAttribute(view, from, to, (_, first, last) => (packets ??= packetsOf(view, first, last)));
  });
  return packets !== undefined && found.table === table ? { chain: found.chain, packets } : undefined;
}

/** Of an expression that is a counter. */
function packetsOf(view: DataView, at: number, end: number): number | undefined {
  let name = "";
  let packets: number | undefined;
  eachAttribute(view, at, end, (attribute, from, to) => {
    if (attribute === N.EXPRESSION_ATTR.name) name = textAt(view, from, to);
    if (attribute === N.EXPRESSION_ATTR.data && name === "counter")
      eachAttribute(view, from, to, (inner, first, last) => {
        if (inner !== N.COUNTER_ATTR.packets) return;
        need(first, 8, last);
        packets = Number(view.getBigUint64(first, false));
      });
  });
  return packets;
}
