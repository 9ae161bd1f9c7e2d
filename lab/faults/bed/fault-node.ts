// A node of the bed: the agent as a program in a place of its own, the CNI plugin beside it, and an ear on the kernel's routes.
import { join } from "node:path";
import type { AddressReply } from "../../../src/core/api/types.ts";
import { startNativeHelper } from "../../../src/io/kernel/native-helper.ts";
import { silentLog } from "../../../src/base/log.ts";
import { createPlugin, type CniPlugin } from "../../../test/support/cni-plugin.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { monitorRoutes, type RouteMonitor } from "../../../test/support/route-monitor.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import type { FaultBed } from "./fault-bed.ts";
import type { Place } from "./place.ts";

export type FaultNode = CniPlugin & {
  readonly name: string;
  readonly place: Place;
  /** Since before the agent was there. */
  readonly routes: RouteMonitor;
  /** The daemon that the agent follows, and has for a while. */
  followed(): Promise<DaemonProcess>;
};

/** In rack a; ready when it resolves. */
export async function startFaultNode({ bed, daemons }: FaultBed, place: Place): Promise<FaultNode> {
  const helper = await startNativeHelper({ log: silentLog });
  bed.onDispose(() => helper.close());
  const { name, netns } = place;
  const routes = monitorRoutes(bed, netns);
  const socket = join(bed.dir, `${name}.sock`);
  const urls = daemons.map(({ url }) => url);
  const flags = ["--daemon", urls.join(","), "--hostname", name, "--tags", "rack=a", "--link-name", "eth0"];
  const reports = ["--report-interval", "1s"];
  const paths = ["--state-dir", join(bed.dir, name), "--cni-socket", socket];
  bed.romana(name, ["agent", ...flags, ...reports, ...paths], netns);
  const curl = async (url: string): Promise<string> => {
    const { code, stdout } = await helper.run(["curl", "-sSf", "--max-time", "2", url], { netns });
    if (code !== 0) throw new Error(`${url} does not answer\n${bed.log(name)}`);
    return stdout;
  };
  await eventually(() => curl("http://127.0.0.1:9607/readyz"), { within: 30_000 });
  return {
    ...{ name, place, routes, ...createPlugin(helper, netns, socket) },
    followed: () => eventually(() => onlyFollowed(daemons, curl), { within: 30_000, every: 200 }),
  };
}

/** The one that has the agent's watch: a daemon that was left and does not know it yet still counts it. */
async function onlyFollowed(
  daemons: readonly DaemonProcess[],
  curl: (url: string) => Promise<string>,
): Promise<DaemonProcess> {
  const found: DaemonProcess[] = [];
  for (const daemon of daemons)
    if (/^romana_daemon_watchers 1$/m.test(await curl(`${daemon.url}/metrics`))) found.push(daemon);
  const [one, ...others] = found;
  if (!one || others.length > 0) throw new Error(`${found.length} daemons are followed`);
  return one;
}

/** An address on another host of rack a, the `n`-th, given by `daemon`: where the node's kernel is to lead it, as of `waysOf`. */
export async function giveFar(
  daemon: DaemonProcess,
  tenant: string,
  n: number,
): Promise<{ readonly ip: string; readonly to: string }> {
  const [host, hostIp] = [`far-${n}`, `10.99.0.${100 + n}`];
  await daemon.post("/hosts", { name: host, ip: hostIp, tags: { rack: "a" } });
  const asked = { name: `pod-${n}`, host, tenant, segment: "" };
  const { ips } = await daemon.post<AddressReply>("/address", asked);
  return { ip: ips[0] ?? "", to: `via ${hostIp} dev eth0` };
}
