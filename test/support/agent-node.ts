// A node for tests of the agent: a namespace with an uplink to another, and the agent on it inside the test's own process, so that a
// daemon on loopback serves it.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { agentOptions } from "../../src/apps/agent/config.ts";
import { type Agent, startAgent } from "../../src/apps/agent/wire.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import { readOptions } from "../../src/base/options.ts";
import type { Bed } from "./bed.ts";
import { eventually } from "./eventually.ts";

export type Node = {
  readonly netns: string;
  /** As of `ip -n`. */
  readonly ns: string;
  readonly dir: string;
};

/** Sums up what the agent answers for, as text by line. */
export type NodeState = readonly string[];

/**
 * eth0 has 192.168.0.1/24 and fd01::1/64, and the default routes lead to .254 and ::fe at the other end. Addresses of IPv6 are there at
 * once and survive that the link goes down.
 */
export function makeNode(bed: Bed, name: string): Node {
  const [netns, net] = [bed.netns(name), bed.netns(`${name}-net`)];
  const ns = netns.slice("/run/netns/".length);
  const inside = (path: string, ...words: string[]): void =>
    void execFileSync("nsenter", [`--net=${path}`, ...words]);
  for (const path of [netns, net])
    inside(
      path,
      "sysctl",
      "-qw",
      "net.ipv6.conf.default.accept_dad=0",
      "net.ipv6.conf.default.keep_addr_on_down=1",
      "net.ipv4.ip_forward=0",
    );
  inside(netns, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "peer", "netns", net);
  for (const [path, dev, host] of [
    [netns, "eth0", ["1", "1"]],
    [net, "peer", ["254", "fe"]],
  ] as const) {
    inside(path, "ip", "addr", "add", `192.168.0.${host[0]}/24`, "dev", dev);
    inside(path, "ip", "addr", "add", `fd01::${host[1]}/64`, "dev", dev, "nodad");
    inside(path, "ip", "link", "set", dev, "up");
  }
  inside(netns, "ip", "route", "add", "default", "via", "192.168.0.254");
  inside(netns, "ip", "route", "add", "default", "via", "fd01::fe", "dev", "eth0");
  const dir = `${bed.dir}/${name}`;
  mkdirSync(dir, { recursive: true });
  return { netns, ns, dir };
}

/** Runs a program on the node; its stdout. */
export const onNode = ({ netns }: Node, ...argv: string[]): string =>
  execFileSync("nsenter", [`--net=${netns}`, ...argv], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

/** The agent `node-1` on the node. It exports no metrics: its port would be the test's own. */
export function startOnNode(
  { netns, dir }: Node,
  daemon: string,
  { argv = [], log = silentLog }: { argv?: readonly string[]; log?: Log } = {},
): Promise<Agent> {
  const flags = ["--daemon", daemon, "--hostname", "node-1", "--metrics", "0"];
  const paths = ["--state-dir", dir, "--cni-socket", `${dir}/cni.sock`];
  const config = readOptions(agentOptions, {
    argv: [...flags, ...paths, ...argv],
    env: {},
    envPrefix: "TEST",
  });
  return startAgent(config, { log, netns });
}

/** Routes of table 10 whoever's, rules that lead there, forwarding. */
export function stateOf(node: Node): NodeState {
  const lines = (...words: string[]): string[] =>
    onNode(node, ...words)
      .split("\n")
      .map((line) => line.trim().replace(/\s+/g, " "))
      .filter((line) => line !== "");
  // A table that was never used cannot be shown by itself.
  const routes = (family: string): string[] =>
    lines("ip", family, "route", "show", "table", "all")
      .filter((line) => / table 10( |$)/.test(line))
      .map((line) => line.replace(" table 10", ""))
      .sort();
  return [
    ...routes("-4"),
    ...routes("-6"),
    ...lines("ip", "-4", "rule").filter((line) => line.includes("lookup 10")),
    ...lines("ip", "-6", "rule").filter((line) => line.includes("lookup 10")),
    ...lines("sysctl", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"),
  ];
}

/** Until the node is in a state that `check` takes; that state. */
export const untilState = (
  node: Node,
  check: (state: NodeState) => void,
  within = 5000,
): Promise<NodeState> =>
  eventually(
    () => {
      const state = stateOf(node);
      check(state);
      return state;
    },
    { within, every: 10 },
  );
