// Who held an address when: never two at once, never one name with two, and numbers that grow. One sort for each address and each name.
import type { Tenure, Tenures } from "./tenures.ts";
import { type Rule, shown, type Violation } from "./violations.ts";

/** Certainly alive all of it, or (`witness`) alive at some moment of it. */
type Span = {
  readonly from: number;
  readonly to: number;
  readonly witness: boolean;
  readonly tenure: Tenure;
};

export function checkHolders({ names, all }: Tenures, skew: number): Violation[] {
  const violations: Violation[] = [];
  for (const [ip, tenures] of byAddress(all)) violations.push(...apart(tenures, "held-by-two", ip));
  for (const [name, { tenures }] of names) {
    violations.push(...apart(tenures, "two-addresses", name));
    violations.push(...growing(name, tenures, skew));
  }
  for (const tenure of all) if (tenure.goneBy < tenure.aliveAt) violations.push(resurrected(tenure));
  return violations;
}

function byAddress(all: readonly Tenure[]): Map<string, Tenure[]> {
  const map = new Map<string, Tenure[]>();
  for (const tenure of all)
    for (const ip of tenure.ips) {
      const list = map.get(ip);
      if (list) list.push(tenure);
      else map.set(ip, [tenure]);
    }
  return map;
}

/** No two of them were alive at one moment. */
function apart(tenures: readonly Tenure[], rule: Rule, what: string): Violation[] {
  if (tenures.length < 2) return [];
  const spans = tenures.flatMap(spansOf).sort((a, b) => a.from - b.from);
  const violations: Violation[] = [];
  let longest: Span | undefined;
  for (const span of spans) {
    if (longest && longest.tenure !== span.tenure && collides(longest, span))
      violations.push({ rule, what: `${what}: ${described(longest)} and ${described(span)}` });
    if (!span.witness && (!longest || span.to > longest.to)) longest = span;
  }
  return violations;
}

function spansOf(tenure: Tenure): Span[] {
  const { toldFrom, knownAt, heldTo } = tenure;
  const witness: Span = { from: toldFrom, to: knownAt, witness: true, tenure };
  return heldTo > knownAt ? [witness, { from: knownAt, to: heldTo, witness: false, tenure }] : [witness];
}

/** `certain` began first. */
const collides = (certain: Span, span: Span): boolean =>
  span.witness ? certain.to >= span.to : certain.to > span.from;

function growing(name: string, tenures: readonly Tenure[], skew: number): Violation[] {
  if (tenures.length < 2) return [];
  const known = tenures.toSorted((a, b) => a.knownAt - b.knownAt);
  const later = tenures.toSorted((a, b) => a.toldFrom - b.toldFrom);
  const violations: Violation[] = [];
  let greatest: Tenure | undefined;
  let i = 0;
  for (const tenure of later) {
    for (; i < known.length && (known[i]?.knownAt ?? Infinity) < tenure.toldFrom; i++)
      if (!greatest || (known[i]?.sequence ?? 0) > greatest.sequence) greatest = known[i];
    if (greatest && tenure.sequence < greatest.sequence - skew)
      violations.push({
        rule: "sequence-fell",
        what: `${name}: ${greatest.sequence}, then ${tenure.sequence}`,
      });
  }
  return violations;
}

const resurrected = ({ name, sequence, goneBy, aliveAt }: Tenure): Violation => ({
  rule: "lives-after-release",
  what: `${name} ${sequence}: gone by ${shown(goneBy)}, told after ${shown(aliveAt)}`,
});

function described({ tenure, from, to, witness }: Span): string {
  const { name, sequence, host, ips } = tenure;
  const when = witness ? "told within" : "certainly";
  return `${name} (${sequence}, ${host}, ${ips.join(" ")}) ${when} ${shown(from)} to ${shown(to)}`;
}
