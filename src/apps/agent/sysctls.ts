// What the kernel must be told for this node to forward: in its own namespace, through /proc/sys.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { UnavailableError } from "../../base/errors.ts";

const V4_FORWARD = "/proc/sys/net/ipv4/ip_forward";
const V6_CONF = "/proc/sys/net/ipv6/conf";

/**
 * Forwarding of both families. IPv6 forwarding ends the use of router advertisements where `accept_ra` is 1: there it becomes 2 first
 * (Documentation/networking/ip-sysctl.rst), so a node that learnt its default route so keeps it. UnavailableError `SYSCTL`.
 */
export async function enableForwarding(): Promise<void> {
  await set(V4_FORWARD, "1");
  const interfaces = await readdir(V6_CONF).catch(() => [] as string[]); // a kernel without IPv6 has no such folder
  if (interfaces.length === 0) return;
  for (const name of interfaces)
    if ((await get(`${V6_CONF}/${name}/accept_ra`)) === "1" && name !== "all")
      await set(`${V6_CONF}/${name}/accept_ra`, "2");
  await set(`${V6_CONF}/all/forwarding`, "1");
}

const get = async (path: string): Promise<string> => (await readFile(path, "utf8").catch(() => "")).trim();

async function set(path: string, value: string): Promise<void> {
  if ((await get(path)) === value) return;
  try {
    await writeFile(path, value);
  } catch (cause) {
    throw new UnavailableError({ code: "SYSCTL", path, value, error: String(cause) }, { cause });
  }
}
