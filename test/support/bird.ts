// A node with its BIRD and its top-of-rack router with another, each in a namespace of its own.
import type { ChildProcess } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { type Node, makeNode, onNode } from "./agent-node.ts";
import type { Bed } from "./bed.ts";
import { eventually } from "./eventually.ts";

export type BirdBed = {
  readonly node: Node;
  /** Where the publisher writes. */
  readonly config: string;
  readonly socket: string;
  /** Starts the node's BIRD, with what the publisher wrote. */
  readonly startBird: () => Promise<ChildProcess>;
  /** The router's namespace. */
  readonly router: string;
  /** The router's routes by BGP in its kernel, as "prefix via address", sorted. */
  readonly routes: () => string[];
};

/** The router: AS 65000, 192.168.0.254 and fd01::fe. It takes what the node (AS 65001, 192.168.0.1) announces into its kernel. */
const ROUTER = `router id 192.168.0.254;
protocol device { }
protocol kernel { ipv4 { import none; export all; }; }
protocol kernel { ipv6 { import none; export all; }; }
protocol bgp node {
  local as 65000;
  neighbor 192.168.0.1 as 65001;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export none; };
  ipv6 { import all; export none; };
}
`;

export async function makeBirdBed(bed: Bed): Promise<BirdBed> {
  const node = makeNode(bed, "node");
  const router = { ...node, netns: `${node.netns}-net` };
  const at = (name: string): string => `${node.dir}/${name}`;
  const start = async (name: string, netns: string): Promise<ChildProcess> => {
    rmSync(at(`${name}.ctl`), { force: true });
    const words = ["-c", at(`${name}.conf`), "-s", at(`${name}.ctl`), "-P", at(`${name}.pid`)];
    const child = bed.start(name, ["bird", "-f", ...words], netns);
    await eventually(() => {
      if (!existsSync(at(`${name}.ctl`))) throw new Error(bed.log(name));
    });
    return child;
  };
  writeFileSync(at("router.conf"), ROUTER);
  await start("router", router.netns);
  const shown = (family: string): string[] =>
    onNode(router, "ip", family, "route", "show", "proto", "bird")
      .split("\n")
      .flatMap((line) => /^(\S+) via (\S+)/.exec(line)?.slice(1).join(" via ") ?? []);
  return {
    ...{ node, config: at("node.conf"), socket: at("node.ctl"), router: router.netns },
    startBird: () => start("node", node.netns),
    routes: () => [...shown("-4"), ...shown("-6")].sort(),
  };
}
