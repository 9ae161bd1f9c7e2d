// 50,000 routes into an empty table, and a resync of an equal one, against `ip -batch`.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../src/base/log.ts";
import { planRoutes } from "../src/core/desired/plan-routes.ts";
import { cidrOf, formatCidr } from "../src/core/net/cidr.ts";
import { parseIp } from "../src/core/net/ip.ts";
import { type Route, ROMANA_PROTOCOL } from "../src/core/netlink/types.ts";
import type { Kernel } from "../src/io/kernel/kernel.ts";
import { startNativeHelper } from "../src/io/kernel/native-helper.ts";
import { type Bench, median } from "./figure.ts";
import { ip } from "../test/support/bed.ts";
import { withBed } from "./processes.ts";

const COUNT = 50_000;
const TABLE = 10;
const ROUNDS = 5;
/** Resyncs a round: an agent does one a minute, for months. */
const RESYNCS = 3;

/** /29 blocks over 20 next hops on one link, none next to another of the same hop. */
function routes(index: number): Route[] {
  return Array.from({ length: COUNT }, (_, i) => ({
    dst: cidrOf({ family: 4, value: (10n << 24n) + BigInt(i) * 8n }, 29),
    table: TABLE,
    protocol: ROMANA_PROTOCOL,
    type: "unicast",
    scope: 0,
    metric: 0,
    nextHops: [{ via: parseIp(`192.168.0.${2 + (i % 20)}`), index, weight: 1, onlink: false }],
    source: undefined,
  }));
}

const timed = async (work: () => unknown): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** The agent's work: observe, plan, apply. */
async function sync(kernel: Kernel, desired: readonly Route[]): Promise<void> {
  const changes = planRoutes(desired, await kernel.routes(4, TABLE));
  const failed = (await kernel.apply(changes)).find((result) => result.kind === "failed");
  if (failed) throw new Error(JSON.stringify(failed));
}

export const routesBench: Bench = {
  name: "routes",
  about: `${COUNT} routes: first sync and resync, against ip -batch`,
  needsRoot: true,
  run: () =>
    withBed(async (bed) => {
      const path = bed.netns("routes");
      const name = path.split("/").at(-1) ?? "";
      ip("-n", name, "link", "add", "v0", "type", "veth", "peer", "name", "v1");
      for (const link of ["v0", "v1"]) ip("-n", name, "link", "set", link, "up");
      ip("-n", name, "addr", "add", "192.168.0.1/24", "dev", "v0");
      const helper = await startNativeHelper({ log: silentLog });
      try {
        const kernel = await helper.kernel(path);
        const index = (await kernel.links()).find((link) => link.name === "v0")?.index ?? 0;
        const desired = routes(index);
        const batch = join(bed.dir, "batch");
        writeFileSync(
          batch,
          desired
            .map(
              ({ dst, nextHops }) =>
                `route add ${formatCidr(dst)} via 192.168.0.${Number((nextHops[0]?.via?.value ?? 0n) & 255n)} dev v0 table ${TABLE} proto ${ROMANA_PROTOCOL}\n`,
            )
            .join(""),
        );
        const [first, again, peer]: [number[], number[], number[]] = [[], [], []];
        for (let round = 0; round < ROUNDS; round++) {
          peer.push(await timed(() => execFileSync("ip", ["-n", name, "-batch", batch])));
          ip("-n", name, "route", "flush", "table", String(TABLE));
          first.push(await timed(() => sync(kernel, desired)));
          for (let i = 0; i < RESYNCS; i++) again.push(await timed(() => sync(kernel, desired)));
          ip("-n", name, "route", "flush", "table", String(TABLE));
        }
        const beside = { name: "ip -batch", value: median(peer) };
        return [
          {
            name: "first sync",
            value: median(first),
            unit: "ms",
            peer: beside,
            goal: { kind: "at-most", limit: 0.6, of: "ratio" },
          },
          {
            name: "resync of an equal table",
            value: median(again),
            unit: "ms",
            peer: beside,
            goal: { kind: "at-most", limit: 0.2, of: "ratio" },
          },
        ];
      } finally {
        await helper.close();
      }
    }),
};
