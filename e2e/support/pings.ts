// Echoes from a pod all the while something happens to the cluster: how many were lost.
import type { Stage } from "./pods.ts";

/** Five a second to `address`; those lost by the time that `act` has resolved. */
export async function lostDuring(
  { exec }: Stage,
  { from, address }: { readonly from: string; readonly address: string },
  act: () => Promise<void>,
): Promise<number> {
  const start = `ping -i 0.2 ${address} >/tmp/pings 2>&1 & echo $! >/tmp/ping.pid`;
  await exec(from, "sh", "-c", start);
  await act();
  const report = await exec(from, "sh", "-c", "kill -INT $(cat /tmp/ping.pid); cat /tmp/pings");
  const answered = [...report.matchAll(/seq=(\d+) /g)].map(([, number]) => Number(number));
  if (answered.length === 0) throw new Error(`no echo was answered: ${report}`);
  // What was still on its way at the end is not lost.
  return Math.max(...answered) + 1 - answered.length;
}
