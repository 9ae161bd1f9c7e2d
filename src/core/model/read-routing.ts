// The field `routing` of a group, from a document or the store. Every code of its faults begins with `ROUTING_`.
import { containsIp, formatCidr } from "../net/cidr.ts";
import { formatIp, type Ip } from "../net/ip.ts";
import { UNUSABLE } from "../net/unusable.ts";
import {
  at,
  isDeeper,
  isRecord,
  type Json,
  type Place,
  readFullList,
  readIp,
  readList,
  readRecord,
  type Report,
  reportDuplicates,
} from "./read-fields.ts";
import type { Bfd, Bgp, Community, Neighbour, Routing } from "./routing.ts";

const PREFIX = "ROUTING_";
export const isRoutingFault = ({ code }: { readonly code: string }): boolean => code.startsWith(PREFIX);

/** "prefix-announce-bgp:peer", "block-on-host", several by commas, as the original's documents have them. */
const V2_WORDS =
  /^(?:block|prefix)(?:-[a-z0-9]+)+(?::[!-+\--~]+)?(?:, *(?:block|prefix)(?:-[a-z0-9]+)+(?::[!-+\--~]+)?)*$/;
const KINDS = "none, static or {bgp: {as, neighbours}}";

/** `undefined`: nothing is said. */
export function readRouting(place: Place, report: Report): Routing | undefined {
  const { value, field } = place;
  if (value === undefined || value === null) return undefined;
  if (value === "none" || value === "static") return { kind: value };
  if (typeof value === "string" && value.length <= MOST_WORDS && V2_WORDS.test(value))
    return { kind: "v2", words: value };
  let isWhole = true;
  const mine: Report = (fault) => {
    isWhole = false;
    report({ ...fault, code: `${PREFIX}${fault.code}` });
  };
  const isFlat = isRecord(value) && !isDeeper(value, MOST_LEVELS);
  const item = isFlat ? readRecord(place, ["bgp"], KINDS, mine) : undefined;
  if (!item || !Object.hasOwn(item, "bgp")) {
    if (isWhole) mine({ code: "KIND", field, value: isFlat ? value : shownOf(value), expected: KINDS });
    return UNREAD;
  }
  const bgp = readBgp(at(item, "bgp", field), mine);
  return bgp && isWhole ? { kind: "bgp", ...bgp } : UNREAD;
}

const UNREAD: Routing = { kind: "unread" };
const MOST_WORDS = 253;
const MOST_LEVELS = 4;
/** What is told of a value that may be made to break whoever shows it. */
const shownOf = (value: unknown): unknown => (typeof value === "object" ? "deeper levels or a list" : value);

const DEFAULT_HOLD = 240;
const KNOWN = ["as", "neighbours", "hold", "keepalive", "communities", "graceful_restart", "bfd"];

function readBgp(place: Place, report: Report): Bgp | undefined {
  const item = readRecord(place, KNOWN, "{as, neighbours}", report);
  if (!item) return undefined;
  const { field } = place;
  const hold = readOptional(at(item, "hold", field), { from: 3, to: 65_535, unit: "seconds" }, report);
  const most = Math.floor((hold ?? DEFAULT_HOLD) / 3);
  const keepalive = { from: 1, to: most, unit: "seconds, at most a third of hold" };
  return {
    as: readAs(at(item, "as", field), report),
    neighbours: readNeighbours(at(item, "neighbours", field), report),
    hold,
    keepalive: readOptional(at(item, "keepalive", field), keepalive, report),
    communities: readList(at(item, "communities", field), "a list of communities", report).flatMap((each) =>
      readCommunity(each, report),
    ),
    gracefulRestart: readToggle(at(item, "graceful_restart", field), report),
    bfd: readBfd(at(item, "bfd", field), report),
  };
}

/** What no system may have: RFC 7607, RFC 6793, RFC 7300. */
const RESERVED_AS = new Set([0, 23_456, 65_535, 4_294_967_295]);

function readAs({ value, field }: Place, report: Report): number {
  const isNumber = typeof value === "number" && Number.isInteger(value) && value > 0 && value < 2 ** 32;
  if (isNumber && !RESERVED_AS.has(value)) return value;
  const expected = "a number of an autonomous system: 1 to 4294967294, neither 23456 nor 65535";
  report({ code: "AS", field, value, expected });
  return 0;
}

function readNeighbours(place: Place, report: Report): Neighbour[] {
  const items = readFullList(place, "a list of neighbours {ip, as}", report);
  const read = items.flatMap((each) => readNeighbour(each, report));
  const places = read.map(({ ip }, i) => ({ value: formatIp(ip), field: `${place.field}[${i}].ip` }));
  // Of a list with faults the places are others.
  if (read.length === items.length) reportDuplicates(places, "each neighbour once", report);
  return read;
}

function readNeighbour(place: Place, report: Report): Neighbour[] {
  const item = readRecord(place, ["ip", "as", "password"], "a neighbour {ip, as}", report);
  if (!item) return [];
  const ip = readRouterIp(at(item, "ip", place.field), report);
  const as = readAs(at(item, "as", place.field), report);
  const password = readPassword(item, place.field, report);
  return ip ? [{ ip, as, password }] : [];
}

function readRouterIp(place: Place, report: Report): Ip | undefined {
  const ip = readIp(place, report);
  const unusable = ip && UNUSABLE.find((each) => containsIp(each, ip));
  if (!unusable) return ip;
  report({ code: "IP", ...place, expected: `an address of a router, outside ${formatCidr(unusable)}` });
  return undefined;
}

/** TCP_MD5SIG_MAXKEYLEN; BIRD's strings have no quote inside, and no way to write one. Never shown. */
const PASSWORD = /^[ !#-~]{1,80}$/;

function readPassword(item: Json, field: string, report: Report): string | undefined {
  const { value, field: where } = at(item, "password", field);
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && PASSWORD.test(value)) return value;
  const expected = "1 to 80 ASCII characters that can be seen, without a double quote";
  report({ code: "PASSWORD", field: where, value: "(not shown)", expected });
  return undefined;
}

function readCommunity({ value, field }: Place, report: Report): Community[] {
  const match = typeof value === "string" ? /^(\d{1,5}):(\d{1,5})$/.exec(value) : undefined;
  const [as, low] = [Number(match?.[1]), Number(match?.[2])];
  if (as <= 65_535 && low <= 65_535) return [[as, low]];
  report({ code: "COMMUNITY", field, value, expected: `two numbers up to 65535, as "65001:100"` });
  return [];
}

/** `true`: a neighbour is down after 0.9 s. */
const DEFAULT_BFD = { interval: 300, multiplier: 3 };

function readBfd(place: Place, report: Report): Bfd | undefined {
  const { value, field } = place;
  if (value === undefined || value === null || value === false) return undefined;
  if (value === true) return DEFAULT_BFD;
  const item = readRecord(place, ["interval", "multiplier"], "true, false or {interval, multiplier}", report);
  if (!item) return undefined;
  const interval = { from: 10, to: 60_000, unit: "milliseconds" };
  const multiplier = { from: 2, to: 255, unit: "intervals" };
  return {
    interval: readOptional(at(item, "interval", field), interval, report) ?? DEFAULT_BFD.interval,
    multiplier: readOptional(at(item, "multiplier", field), multiplier, report) ?? DEFAULT_BFD.multiplier,
  };
}

function readToggle({ value, field }: Place, report: Report): boolean {
  if (typeof value === "boolean") return value;
  if (value !== undefined && value !== null)
    report({ code: "TOGGLE", field, value, expected: "true or false" });
  return false;
}

type Range = { readonly from: number; readonly to: number; readonly unit: string };

function readOptional({ value, field }: Place, range: Range, report: Report): number | undefined {
  if (value === undefined || value === null) return undefined;
  const { from, to, unit } = range;
  if (typeof value === "number" && Number.isInteger(value) && value >= from && value <= to) return value;
  report({ code: "NUMBER", field, value, expected: `a whole number from ${from} to ${to}: ${unit}` });
  return undefined;
}
