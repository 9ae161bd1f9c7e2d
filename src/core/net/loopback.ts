// Whether a host's name leads to this very machine, where nobody reads along.
import { tryParseIp } from "./ip.ts";

/** RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3, RFC 6761 section 6.3. `host` as of a URL: IPv6 with or without brackets. */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const ip = tryParseIp(host.replace(/^\[(.*)\]$/, "$1"));
  return ip !== undefined && (ip.family === 4 ? ip.value >> 24n === 127n : ip.value === 1n);
}
