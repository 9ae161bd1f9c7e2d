// A little data centre for packets: a namespace for each node, for each pod with an end to every node, and for the world outside, which
// routes between the nodes. No neighbour is ever asked for: all ends of all pairs have one hardware address.
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { renderRuleset } from "../../../src/core/nft/render.ts";
import type { Ruleset } from "../../../src/core/nft/types.ts";
import { type Bed, stop } from "../bed.ts";

/** `from`: name of the namespace. */
export type Sending = { readonly from: string; readonly bytes: Buffer };
/** `at`: name of the namespace. */
export type Arrival = { readonly at: string; readonly protocol: number; readonly token: number };

export interface ProbeNet {
  /** Of every namespace by its name. */
  readonly paths: ReadonlyMap<string, string>;
  /** `ip -batch` in a namespace. */
  ip(name: string, commands: readonly string[]): void;
  /** The table as it is from now on. */
  load(name: string, ruleset: Ruleset): void;
  /** Sends all in order, and waits until nothing is under way any more. */
  send(packets: readonly Sending[]): Promise<readonly Arrival[]>;
}

export const OUTSIDE = "outside";
const MAC = "02:00:00:00:00:01";

/** A pair between two namespaces: `left` and `right` are the ends' names. */
const pair = (left: string, right: string, netns: string): string[] => [
  `link add ${left} address ${MAC} type veth peer name ${right} address ${MAC} netns ${netns}`,
  `link set ${left} arp off up`,
];

/** On a node a pod is `rom<name>`, and in the pod its end to a node has the node's name; in the world outside too. */
export function startProbeNet(bed: Bed, nodes: readonly string[], pods: readonly string[]): ProbeNet {
  const names = [OUTSIDE, ...nodes, ...pods];
  const paths = new Map(names.map((name) => [name, bed.netns(name)]));
  const inside = (name: string, argv: readonly string[], input = ""): string =>
    execFileSync("nsenter", [`--net=${paths.get(name)}`, ...argv], { input, encoding: "utf8" });
  const ip = (name: string, commands: readonly string[]): void =>
    void inside(name, ["ip", "-batch", "-"], `${commands.join("\n")}\n`);
  for (const name of [OUTSIDE, ...nodes]) inside(name, ["sysctl", "-qw", ...routerSettings]);
  for (const node of nodes) {
    ip(OUTSIDE, pair(node, "eth0", paths.get(node) ?? ""));
    ip(node, ["link set eth0 arp off up", "route add 0.0.0.0/0 dev eth0", "route add ::/0 dev eth0"]);
    ip(
      node,
      pods.flatMap((pod) => pair(`rom${pod}`, node, paths.get(pod) ?? "")),
    );
  }
  for (const pod of pods)
    ip(
      pod,
      nodes.map((node) => `link set ${node} arp off up`),
    );
  const send = startProbe(bed, [...paths.values()], names);
  const load = (name: string, ruleset: Ruleset): void => {
    const text = `table inet romana\ndelete table inet romana\n${renderRuleset(ruleset)}`;
    inside(name, ["nft", "-f", "-"], text);
    inside(name, ["sysctl", "-qw", FORGET_PORTLESS]);
  };
  return { paths, ip, load, send };
}

/** Nothing sets apart two flows between the same ends without ports: the second would be the first's reply. */
const FORGET_PORTLESS = "net.netfilter.nf_conntrack_generic_timeout=0";
const routerSettings = [
  "net.ipv4.ip_forward=1",
  "net.ipv6.conf.all.forwarding=1",
  "net.ipv4.conf.all.rp_filter=0",
  "net.ipv4.conf.default.rp_filter=0",
];

function startProbe(bed: Bed, paths: readonly string[], names: readonly string[]): ProbeNet["send"] {
  const program = join(bed.dir, "probe");
  execFileSync("cc", ["-O1", "-o", program, join(import.meta.dirname, "probe.c")]);
  const child = spawn(program, paths, { stdio: ["pipe", "pipe", "inherit"] });
  bed.onDispose(() => stop(child));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async (packets) => {
    const text = packets.map(({ from, bytes }) => `${names.indexOf(from)} ${bytes.toString("hex")}\n`);
    child.stdin.write(`${text.join("")}\n`);
    const arrivals: Arrival[] = [];
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error("the probe ended");
      if (value === ".") return arrivals;
      const [index = 0, protocol = 0, token = 0] = value.split(" ").map(Number);
      arrivals.push({ at: names[index] ?? "", protocol, token });
    }
  };
}
