// A ruleset as text: for people, and what `nft -f` makes the same table of. Bulk and deltas go through netlink, see encode.ts.
import { keyText } from "./key-text.ts";
import {
  type Element,
  type Match,
  type NftChain,
  type NftRule,
  type NftSet,
  type Ruleset,
  TABLE,
  type Verdict,
} from "./types.ts";
import { MARK } from "./mark.ts";

export function renderRuleset({ sets, chains }: Ruleset): string {
  const parts = [...[...sets.values()].map(renderSet), ...[...chains.values()].map(renderChain)];
  return [
    `table inet ${TABLE} {`,
    `\tcomment "${MARK}"`,
    ...parts.flatMap((part) => ["", ...part.map(indent)]),
    "}",
    "",
  ].join("\n");
}

const indent = (line: string): string => `\t${line}`;
const commentLine = (comment: string): string[] => (comment === "" ? [] : [`\tcomment "${comment}"`]);

function renderSet({ name, comment, key, interval, isMap, elements }: NftSet): string[] {
  const list = [...elements.values()].map(renderElement);
  return [
    `${isMap ? "map" : "set"} ${name} {`,
    `\ttype ${key.join(" . ")}${isMap ? " : verdict" : ""}`,
    ...(interval ? ["\tflags interval"] : []),
    ...commentLine(comment),
    ...(list.length > 0 ? [`\telements = { ${list.join(",\n\t\t")} }`] : []),
    "}",
  ];
}

const renderElement = ({ key, chain }: Element): string =>
  keyText(key) + (chain === undefined ? "" : ` : goto ${chain}`);

function renderChain({ name, comment, hook, rules }: NftChain): string[] {
  return [
    `chain ${name} {`,
    ...commentLine(comment),
    ...(hook ? [`\ttype ${hook.type} hook ${hook.name} priority ${hook.priority}; policy accept;`] : []),
    ...rules.map((rule) => `\t${renderRule(rule)}`),
    "}",
  ];
}

export function renderRule({ matches, counter, verdict, comment }: NftRule): string {
  const parts = [...matches.map(renderMatch), ...(counter ? ["counter"] : []), renderVerdict(verdict)];
  return parts.join(" ") + (comment === "" ? "" : ` comment "${comment}"`);
}

function renderVerdict(verdict: Verdict): string {
  if (verdict.kind === "map") return `${verdict.fields.join(" . ")} vmap @${verdict.map}`;
  if (verdict.kind === "masquerade") return "masquerade fully-random";
  if (verdict.kind === "log") {
    const { perSecond, burst, prefix, group } = verdict;
    return `limit rate ${perSecond}/second burst ${burst} packets log prefix "${prefix}" group ${group}`;
  }
  return "chain" in verdict ? `${verdict.kind} ${verdict.chain}` : verdict.kind;
}

function renderMatch(match: Match): string {
  switch (match.kind) {
    case "lookup":
      return `${match.fields.join(" . ")} ${match.isOutside ? "!= " : ""}@${match.set}`;
    case "source":
      return `${match.cidr.ip.family === 4 ? "ip" : "ip6"} saddr ${keyText([match.cidr])}`;
    case "ports":
      return `${match.protocol} dport ${span(match.first, match.last)}`;
    case "icmp":
      return renderIcmp(match);
    case "interface":
      return `${match.direction === "in" ? "iifname" : "oifname"} "${match.name}"`;
    case "known-flow":
      return "ct state established,related";
    case "to-this-host":
      return "fib daddr type local";
  }
}

const span = (first: number, last: number): string => (first === last ? String(first) : `${first}-${last}`);

function renderIcmp({ family, types, code }: Extract<Match, { kind: "icmp" }>): string {
  const word = family === 4 ? "icmp" : "icmpv6";
  const parts = [
    ...(types ? [`${word} type ${span(...types)}`] : []),
    ...(code === undefined ? [] : [`${word} code ${code}`]),
  ];
  if (parts.length > 0) return parts.join(" ");
  return family === 4 ? "meta nfproto ipv4 meta l4proto icmp" : "meta nfproto ipv6 meta l4proto ipv6-icmp";
}
