// What the table of a node costs the packets that pass it.
import { execFileSync } from "node:child_process";
import { silentLog } from "../src/base/log.ts";
import { formatIp } from "../src/core/net/ip.ts";
import { planRuleset } from "../src/core/nft/plan.ts";
import { startNativeHelper } from "../src/io/kernel/native-helper.ts";
import { type Bed, ip } from "../test/support/bed.ts";
import { type Figure, median, pairedRatio } from "./figure.ts";
import { address, rulesetOf, type World } from "./policy-world.ts";

const ROUNDS = 20;

/** What loads the kernel's tracking of flows, as the rules of every node with services do, and nothing else. */
const TRACKING = `
table inet tracking {
  chain forward {
    type filter hook forward priority 0
    ct state established,related accept
  }
}
`;

/** A node whose table has all of `world`, one that only tracks flows, and one without any table. */
export async function onThePath(bed: Bed, world: World): Promise<Figure[]> {
  const [ours, tracking, bare] = [makePath(bed, "ours"), makePath(bed, "tracking"), makePath(bed, "bare")];
  await loadTable(bed, ours, world);
  execFileSync("nsenter", [`--net=${tracking.node}`, "nft", "-f", "-"], { input: TRACKING });
  const rounds = Array.from({ length: ROUNDS }, (_, round) => roundOf([ours, tracking, bare], round));
  const against = (peer: Path, name: string): Omit<Figure, "name"> => {
    const pairs = rounds.map((times) => ({ ours: times.get(ours) ?? NaN, peer: times.get(peer) ?? NaN }));
    return {
      ...{ value: median(pairs.map((pair) => pair.ours)), unit: "us" },
      peer: { name, value: median(pairs.map((pair) => pair.peer)) },
      interval: pairedRatio(pairs),
      note: `${ROUNDS} rounds, 300 echoes each; each echo's flow is known, as most packets' are`,
    };
  };
  const name = `round trip, ${world.endpoints.length} pods in the table`;
  return [
    { name, ...against(bare, "no table"), goal: { kind: "at-most", limit: 1.1, of: "ratio" } },
    { name: `${name}, where flows are tracked`, ...against(tracking, "tracking only") },
  ];
}

async function loadTable(bed: Bed, { node }: Path, world: World): Promise<void> {
  const helper = await startNativeHelper({ log: silentLog });
  bed.onDispose(() => helper.close());
  const nftables = await helper.nftables(node);
  await nftables.apply(planRuleset(rulesetOf(world), undefined));
  nftables.close();
}

/** Who begins changes from round to round. */
function roundOf(paths: readonly Path[], round: number): ReadonlyMap<Path, number> {
  const at = round % paths.length;
  return new Map([...paths.slice(at), ...paths.slice(0, at)].map((path) => [path, roundTrip(path.from)]));
}

type Path = { readonly node: string; readonly from: string };

/** A pod of the table (its interface has its name), a node, and somebody behind it. */
function makePath(bed: Bed, name: string): Path {
  const [node, from, to] = ["node", "from", "to"].map((part) => bed.netns(`${name}-${part}`)) as [
    string,
    string,
    string,
  ];
  const ns = (path: string): string => path.split("/").at(-1) ?? "";
  execFileSync("nsenter", [`--net=${node}`, "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  for (const [end, dev, own] of [
    [from, "rom0", formatIp(address(0))],
    [to, "eth1", "192.168.9.1"],
  ] as const) {
    ip("-n", ns(node), "link", "add", dev, "type", "veth", "peer", "name", "eth0", "netns", ns(end));
    ip("-n", ns(node), "link", "set", dev, "up");
    ip("-n", ns(node), "addr", "add", "169.254.1.1/32", "dev", dev);
    ip("-n", ns(node), "route", "add", own, "dev", dev);
    ip("-n", ns(end), "addr", "add", `${own}/32`, "dev", "eth0");
    ip("-n", ns(end), "link", "set", "eth0", "up");
    ip("-n", ns(end), "route", "add", "169.254.1.1", "dev", "eth0");
    ip("-n", ns(end), "route", "add", "default", "via", "169.254.1.1");
  }
  return { node, from };
}

/** Microseconds, the mean of the middle 80 % of 300 echoes: ping tells whole ones. */
function roundTrip(from: string): number {
  const text = execFileSync(
    "nsenter",
    [`--net=${from}`, "ping", "-n", "-c", "300", "-i", "0.002", "192.168.9.1"],
    { encoding: "utf8" },
  );
  const times = [...text.matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => 1000 * Number(ms));
  const middle = times.sort((a, b) => a - b).slice(times.length * 0.1, times.length * 0.9);
  return middle.reduce((sum, time) => sum + time, 0) / middle.length;
}
