// What the kernel must be told for this node to forward, as files under /proc/sys/net. Switches nothing off.
import { UnavailableError } from "../../base/errors.ts";
import type { Link } from "../../core/netlink/types.ts";
import { isPodLink } from "./pod-link.ts";
import type { Kernel } from "../../io/kernel/kernel.ts";

export type Setting = { readonly path: string; readonly value: string };

const ROOT = "/proc/sys/net/";
const V4_FORWARD = `${ROOT}ipv4/ip_forward`;
const V6_CONF = `${ROOT}ipv6/conf/`;
const V6_FORWARD = `${V6_CONF}all/forwarding`;

/** A kernel may be without IPv6 (`ipv6.disable=1`). */
export const hasIpv6 = async (kernel: Kernel): Promise<boolean> => (await read(kernel, V6_FORWARD)) !== "";

/**
 * What is not yet as it must be, in the order in which it must be written. IPv6 forwarding on an interface ends the use of router
 * advertisements there, unless `accept_ra` is 2 (Documentation/networking/ip-sysctl.rst): a node that learnt its default route so
 * would lose it. So it becomes 2 where it is 1 and in effect; nowhere else, least of all on what pods are connected to.
 */
export async function observeSettings(kernel: Kernel, links: readonly Link[]): Promise<Setting[]> {
  const settings: Setting[] = [];
  if ((await read(kernel, V4_FORWARD)) === "0") settings.push({ path: V4_FORWARD, value: "1" });
  if ((await read(kernel, V6_FORWARD)) !== "0") return settings;
  for (const { name } of links.filter((link) => link.name !== "lo" && !isPodLink(link))) {
    const conf = `${V6_CONF}${name}/`;
    const inEffect =
      (await read(kernel, `${conf}forwarding`)) === "0" && (await read(kernel, `${conf}accept_ra`)) === "1";
    if (inEffect) settings.push({ path: `${conf}accept_ra`, value: "2" });
  }
  return [...settings, { path: V6_FORWARD, value: "1" }];
}

type Unset = { readonly setting: Setting; readonly code: string; readonly message: string };

/** Those that could not be written: a node without forwarding must still route what it can. */
export async function writeSettings(kernel: Kernel, settings: readonly Setting[]): Promise<Unset[]> {
  const failed: Unset[] = [];
  for (const setting of settings)
    try {
      await kernel.writeFile(setting.path, setting.value);
    } catch (error) {
      if (!(error instanceof UnavailableError && error.code === "FILE_WRITE")) throw error;
      failed.push({ setting, code: String(error.details["errno"]), message: error.message });
    }
  return failed;
}

/** As a shell would do it. */
export const describeSetting = ({ path, value }: Setting): string =>
  `sysctl -w ${path.slice(ROOT.length - "net/".length)}=${value}`;

/** "" of what is not there: an interface may go while it is looked at. */
async function read(kernel: Kernel, path: string): Promise<string> {
  try {
    return (await kernel.readFile(path)).trim();
  } catch (error) {
    if (error instanceof UnavailableError && error.code === "FILE_READ") return "";
    throw error;
  }
}
