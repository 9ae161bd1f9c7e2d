// Whether each answer fits its request: the asker's own, with the addresses that were wished, on a host that may be there, outside of
// what was reserved; and no release that frees what was not there to free.
import { containsIp, formatCidr, parseCidr } from "../../../src/core/net/cidr.ts";
import { formatIp, parseIp } from "../../../src/core/net/ip.ts";
import type { Presences } from "./check-refusals.ts";
import { type Given, type History, type Operation, sameHolder } from "./history.ts";
import type { Tenures } from "./tenures.ts";
import { shown, type Violation } from "./violations.ts";

export function checkReplies(history: History, tenures: Tenures, presences: Presences): Violation[] {
  return [
    ...history.operations.flatMap(checkReply),
    ...sameAddresses(history, tenures),
    ...checkReleases(history.operations, tenures),
    ...checkPlaces(tenures, presences),
  ];
}

function checkReply({ request, outcome, start }: Operation): Violation[] {
  if (request.kind !== "allocate" || outcome.kind !== "given") return [];
  const fits =
    request.name === outcome.name &&
    sameHolder(request, outcome) &&
    outcome.ips.length > 0 &&
    (request.ips ?? []).every((ip) => outcome.ips.includes(ip));
  if (fits) return [];
  const what = `${JSON.stringify(request)} was answered ${JSON.stringify(outcome)} at ${shown(start)}`;
  return [{ rule: "wrong-reply", what }];
}

/** One name and number, one set of addresses, whoever is told. */
function sameAddresses({ operations, final }: History, { names }: Tenures): Violation[] {
  const violations: Violation[] = [];
  const check = (given: Given): void => {
    const known = names.get(given.name)?.tenures.find(({ sequence }) => sequence === given.sequence);
    if (known && known.ips.join() !== given.ips.join())
      violations.push({
        rule: "two-addresses",
        what: `${given.name} ${given.sequence}: ${known.ips.join()} and ${given.ips.join()}`,
      });
  };
  for (const { outcome } of operations) if (outcome.kind === "given") check(outcome);
  for (const given of final.addresses) check(given);
  return violations;
}

/** A number that nobody was given, or that was freed before, is freed by nobody. */
function checkReleases(operations: readonly Operation[], { names }: Tenures): Violation[] {
  const freed = new Map<string, number>();
  const violations: Violation[] = [];
  for (const { request, outcome, start, end } of operations) {
    if (request.kind !== "release" || outcome.kind !== "done") continue;
    const { name, sequence } = request;
    if (name === undefined || sequence === undefined) continue;
    const key = `${name} ${sequence}`;
    const before = freed.get(key);
    if (before !== undefined && before < start)
      violations.push({ rule: "freed-twice", what: `${key}: by ${shown(before)} and after ${shown(start)}` });
    if (!names.get(name)?.tenures.some((tenure) => tenure.sequence === sequence))
      violations.push({ rule: "freed-twice", what: `${key}: freed, and nobody was given it` });
    freed.set(key, Math.min(before ?? Infinity, end));
  }
  return violations;
}

function checkPlaces({ all }: Tenures, { hosts, blackouts }: Presences): Violation[] {
  const violations: Violation[] = [];
  const reserved = [...blackouts].map(([text, presence]) => ({ cidr: parseCidr(text), presence }));
  for (const tenure of all) {
    const { createdFrom, knownAt, name, host, ips } = tenure;
    if (hosts.get(host)?.isAbsent(createdFrom, knownAt) !== false)
      violations.push({ rule: "given-on-removed-host", what: `${name}: ${host} at ${shown(knownAt)}` });
    for (const ip of ips.map((text) => parseIp(text)))
      for (const { cidr, presence } of reserved)
        if (containsIp(cidr, ip) && presence.isCertain(createdFrom, knownAt))
          violations.push({
            rule: "given-from-blackout",
            what: `${name}: ${formatIp(ip)} in ${formatCidr(cidr)}`,
          });
  }
  return violations;
}
