// A NetworkPolicyPort: a protocol, and perhaps a port by number or name, or a range of them.
import type { PortProtocol, Traffic } from "../model/policy.ts";
import { at, type Place, readRecord, type Report } from "../model/read-fields.ts";
import { ALL_PORTS } from "./canonical.ts";
import { isGiven } from "./read-endpoint.ts";
import { readPort, readPortName } from "./read-traffic.ts";

export function readKubernetesPort(place: Place, report: Report): Traffic | undefined {
  const item = readRecord(
    place,
    ["protocol", "port", "endPort"],
    "a port as {protocol, port, endPort}",
    report,
  );
  const protocol = item && readProtocol(at(item, "protocol", place.field), report);
  if (!protocol) return undefined;
  const port = at(item, "port", place.field);
  const end = at(item, "endPort", place.field);
  if (typeof port.value === "string") {
    if (isGiven(end)) report({ code: "END_PORT", ...end, expected: "nothing beside a port that is a name" });
    return { kind: "named", protocol, name: readPortName(port, report) };
  }
  if (isGiven(port)) return { kind: "ports", protocol, ...readRange(port, end, report) };
  if (isGiven(end)) report({ code: "END_PORT", ...end, expected: "a port beside it" });
  return { kind: "ports", protocol, ...ALL_PORTS };
}

function readProtocol(place: Place, report: Report): PortProtocol | undefined {
  switch (isGiven(place) ? place.value : "TCP") {
    case "TCP":
      return "tcp";
    case "UDP":
      return "udp";
    case "SCTP":
      return "sctp";
    default:
      report({ code: "PROTOCOL", ...place, expected: "TCP, UDP or SCTP" });
      return undefined;
  }
}

function readRange(port: Place, end: Place, report: Report): { first: number; last: number } {
  const first = readPort(port, report);
  if (!isGiven(end)) return { first, last: first };
  const last = readPort(end, report);
  if (last > 0 && last < first) report({ code: "END_PORT", ...end, expected: "no less than port" });
  return { first, last };
}
