// What no client knows of at the end is freed as in a cluster: each host's agent reports what it has, again after the grace period, and then
// `ipam gc` frees what two reports lacked. The grace period passes by setting the daemons' clocks.
import type { GcReply } from "../../src/core/api/ipam.ts";
import type { HostList, HostReport, HostReportReply } from "../../src/core/api/types.ts";
import { eventually } from "../../test/support/eventually.ts";
import type { DaemonProcess } from "./bed/daemon-process.ts";
import type { FaultBed } from "./bed/fault-bed.ts";
import type { Given } from "./history/history.ts";
import { GREATEST_JUMP } from "./inject.ts";

/** More than the grace period, 15 min unless told otherwise. */
const LATER = 1_200_000;

/** Resolves with what was freed. `held`: what clients know of. */
export async function collectLeaks(
  { daemons }: FaultBed,
  held: readonly Given[],
): Promise<readonly string[]> {
  const [daemon] = daemons;
  if (!daemon) throw new Error("no daemon");
  const { hosts } = await daemon.get<HostList>("/hosts");
  const byHost = Map.groupBy(held, ({ host }) => host);
  for (const ahead of [GREATEST_JUMP, GREATEST_JUMP + LATER]) {
    for (const each of daemons) each.setClock(ahead);
    for (const { name } of hosts) await report(daemon, name, byHost.get(name) ?? []);
  }
  const { freed } = await daemon.post<GcReply>("/ipam/gc", { dry_run: false });
  return freed.map(({ name }) => name);
}

/** As the agent of `host` that has followed the store to its newest revision. */
async function report(daemon: DaemonProcess, host: string, held: readonly Given[]): Promise<void> {
  const endpoints = held.map(({ name, ips, tenant, segment, sequence }) => ({
    ...{ name, ips: [...ips], tenant, segment, sequence },
  }));
  const body: HostReport = { endpoints, in_hand: [] };
  const path = `/hosts/${host}/report`;
  const { cluster, revision } = await daemon.post<HostReportReply>(path, { ...body, endpoints: [] });
  const last = { ...body, seen: { cluster, revision } };
  await eventually(() => daemon.post(path, last), { within: 20_000 });
}
