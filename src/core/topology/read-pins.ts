// The `cidr` and `cidrs` of a group: what an earlier `GET /topology` answered. Whether they fit is for carving to say.
import { type Cidr, containsCidr, equalCidr, formatCidr } from "../net/cidr.ts";
import type { Network } from "../model/topology.ts";
import { at, isRecord, type Json, type Place, readCidr, type Report } from "../model/read-fields.ts";
import type { Pin } from "./read-topology.ts";

/** `cidrs` by network; `cidr` is one of them, or stands alone for the network that holds it. */
export function readPins(item: Json, field: string, networks: readonly Network[], report: Report): Pin[] {
  const pins = readCidrs(at(item, "cidrs", field), networks, report);
  const alone = at(item, "cidr", field);
  if (alone.value === undefined || alone.value === null) return pins;
  const cidr = readCidr(alone, report);
  if (!cidr || pins.some((pin) => equalCidr(pin.cidr, cidr))) return pins;
  const network = pins.length === 0 ? networks.find((each) => containsCidr(each.cidr, cidr)) : undefined;
  if (network) return [{ network: network.name, cidr, field: alone.field }];
  reportStray(alone.field, cidr, pins, report);
  return pins;
}

function readCidrs({ value, field }: Place, networks: readonly Network[], report: Report): Pin[] {
  if (value === undefined || value === null) return [];
  if (!isRecord(value)) {
    report({ code: "OBJECT", field, value, expected: "prefixes as {network: prefix}" });
    return [];
  }
  return Object.keys(value).flatMap((network) => {
    const place = at(value, network, field);
    if (!networks.some(({ name }) => name === network)) {
      const expected = `one of this topology's networks: ${networks.map(({ name }) => name).join(", ")}`;
      report({ code: "NETWORK_UNKNOWN", field: place.field, value: network, expected });
      return [];
    }
    const cidr = readCidr(place, report);
    return cidr ? [{ network, cidr, field: place.field }] : [];
  });
}

function reportStray(field: string, cidr: Cidr, pins: readonly Pin[], report: Report): void {
  const expected =
    pins.length > 0
      ? `one of cidrs (${pins.map((pin) => formatCidr(pin.cidr)).join(", ")}), or no cidr`
      : "a prefix inside a network of this topology, or no cidr";
  report({ code: "CIDR_MISFIT", field, value: formatCidr(cidr), expected });
}
