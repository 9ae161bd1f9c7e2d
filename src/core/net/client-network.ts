// What one machine may have of addresses, as a key to count it by.
import { readIp } from "./ip.ts";

/** An IPv4 address, also of a socket for both families (`::ffff:a.b.c.d`); of IPv6 the /64, as one machine may have all of its link (RFC 4291 section 2.5.4). */
export function clientNetwork(remoteAddress: string): string {
  const address = remoteAddress.replace(/^::ffff:(?=[\d.]+$)/, "");
  const ip = readIp(address);
  return ip?.family === 6 && ip.value !== 1n ? `${(ip.value >> 64n).toString(16)}/64` : address;
}
