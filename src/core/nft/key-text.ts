// Keys of sets as nft writes them.
import { formatCidr } from "../net/cidr.ts";
import { bitsOf, formatIp } from "../net/ip.ts";
import type { KeyValue } from "./types.ts";

/** `10.0.0.0/29`, `10.0.0.1 . 8080`, `"rom0" . fd00::1`. */
export const keyText = (key: readonly KeyValue[]): string => key.map(valueText).join(" . ");

function valueText(value: KeyValue): string {
  if (typeof value === "string") return `"${value}"`;
  if (typeof value === "number") return String(value);
  return value.length === bitsOf(value.ip.family) ? formatIp(value.ip) : formatCidr(value);
}
