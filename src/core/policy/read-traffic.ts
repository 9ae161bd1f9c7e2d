// One element of `rules` (R5): a protocol, with ports, ranges, names of ports or an ICMP type.
import type { PortProtocol, Traffic } from "../model/policy.ts";
import { at, type Json, type Place, readList, readRecord, type Report } from "../model/read-fields.ts";
import { ALL_PORTS } from "./canonical.ts";

const FIELDS = ["protocol", "ports", "port_ranges", "port_names", "icmp_type", "icmp_code", "is_stateful"];
const PORT_FIELDS = ["ports", "port_ranges", "port_names"];
const ICMP_FIELDS = ["icmp_type", "icmp_code"];

/** `is_stateful` is read and left out: replies to what a rule allows always pass. */
export function readTraffic(place: Place, report: Report): Traffic[] {
  const item = readRecord(place, FIELDS, "a rule as {protocol, ports}", report);
  if (!item) return [];
  const stateful = at(item, "is_stateful", place.field);
  if (isGiven(stateful) && typeof stateful.value !== "boolean")
    report({ code: "BOOLEAN", ...stateful, expected: "true or false" });
  const protocol = at(item, "protocol", place.field);
  const name = typeof protocol.value === "string" ? protocol.value.toLowerCase() : "";
  switch (name) {
    case "any":
      refuse(item, place, [...PORT_FIELDS, ...ICMP_FIELDS], "nothing with protocol any", report);
      return [{ kind: "any" }];
    case "tcp":
    case "udp":
    case "sctp":
      refuse(item, place, ICMP_FIELDS, "nothing but with protocol icmp or icmpv6", report);
      return readPorts(item, place, name, report);
    case "icmp":
    case "icmpv6":
      refuse(item, place, PORT_FIELDS, "nothing: only tcp, udp and sctp have ports", report);
      return [{ kind: "icmp", family: name === "icmp" ? 4 : 6, ...readIcmp(item, place, report) }];
    default:
      report({ code: "PROTOCOL", ...protocol, expected: "any, tcp, udp, sctp, icmp or icmpv6" });
      return [];
  }
}

const isGiven = ({ value }: Place): boolean => value !== undefined && value !== null;

function refuse(
  item: Json,
  { field }: Place,
  names: readonly string[],
  expected: string,
  report: Report,
): void {
  for (const name of names) {
    const place = at(item, name, field);
    if (isGiven(place)) report({ code: "RULE_MIXED", ...place, expected });
  }
}

/** No list at all: every port. A list that is there but empty is a fault: it could mean all or none. */
function readPorts(item: Json, { field }: Place, protocol: PortProtocol, report: Report): Traffic[] {
  const lists = PORT_FIELDS.map((name) => at(item, name, field)).filter(isGiven);
  if (lists.length === 0) return [{ kind: "ports", protocol, ...ALL_PORTS }];
  for (const list of lists)
    if (Array.isArray(list.value) && list.value.length === 0)
      report({ code: "LIST", ...list, expected: "at least one; left out, all ports are meant" });
  const elements = (name: string): Place[] => readList(at(item, name, field), "a list", report);
  return [
    ...elements("ports").map((each): Traffic => {
      const port = readPort(each, report);
      return { kind: "ports", protocol, first: port, last: port };
    }),
    ...elements("port_ranges").map((each): Traffic => ({
      kind: "ports",
      protocol,
      ...readRange(each, report),
    })),
    ...elements("port_names").map((each): Traffic => ({
      kind: "named",
      protocol,
      name: readPortName(each, report),
    })),
  ];
}

export function readPort({ value, field }: Place, report: Report): number {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535) return Number(value);
  report({ code: "PORT", field, value, expected: "a port, a whole number from 1 to 65535" });
  return 0;
}

function readRange(place: Place, report: Report): { first: number; last: number } {
  const { value, field } = place;
  if (!Array.isArray(value) || value.length !== 2) {
    report({ code: "PORT_RANGE", field, value, expected: "two ports as [8000, 8080]" });
    return { first: 0, last: 0 };
  }
  const [first = 0, last = 0] = readList(place, "", report).map((each) => readPort(each, report));
  if (first > last && last > 0)
    report({ code: "PORT_RANGE", field, value, expected: "the lower port first" });
  return { first, last };
}

/** Kubernetes' syntax (RFC 6335, 5.1): 1 to 15 of a-z, 0-9 and single inner dashes, a letter among them. "" when it is none. */
export function readPortName({ value, field }: Place, report: Report): string {
  if (typeof value === "string" && value.length <= 15 && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(value))
    if (/[a-z]/.test(value)) return value;
  report({
    code: "PORT_NAME",
    field,
    value,
    expected: "a port's name: up to 15 of a-z, 0-9 and -, a letter among them",
  });
  return "";
}

function readIcmp(item: Json, { field }: Place, report: Report): { type?: number; code?: number } {
  const type = at(item, "icmp_type", field);
  const code = at(item, "icmp_code", field);
  if (!isGiven(type)) {
    if (isGiven(code)) report({ code: "ICMP", ...code, expected: "an icmp_type beside it" });
    return {};
  }
  const readByte = (place: Place): number => {
    const { value } = place;
    if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255) return Number(value);
    report({ code: "ICMP", ...place, expected: "a whole number from 0 to 255" });
    return 0;
  };
  return { type: readByte(type), ...(isGiven(code) ? { code: readByte(code) } : {}) };
}
