// What the kernel tells of the routes of a namespace, as `ip monitor` hears it, from before whatever is to be seen.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type Cidr, containsIp, hostCidr, parseCidr } from "../../src/core/net/cidr.ts";
import { type Ip, parseIp } from "../../src/core/net/ip.ts";
import { type Bed, stop } from "./bed.ts";

export type RouteMonitor = {
  /** Milliseconds as of `performance.now()` when it was read. */
  readonly lines: readonly { readonly at: number; readonly text: string }[];
};

/** Routes, and the rules that lead to their tables. */
export function monitorRoutes(bed: Bed, netns: string): RouteMonitor {
  const argv = [`--net=${netns}`, "ip", "monitor", "route", "rule"];
  const process = spawn("nsenter", argv, { stdio: ["ignore", "pipe", "inherit"] });
  bed.onDispose(() => stop(process));
  const lines: { at: number; text: string }[] = [];
  createInterface({ input: process.stdout }).on("line", (text) =>
    lines.push({ at: performance.now(), text }),
  );
  return { lines };
}

export type Way = { readonly at: number; readonly to: string };

/** Where an address led to, one after the other, by the routes of table 10 that were told of; at first nowhere. */
export function waysOf(ip: Ip, { lines }: RouteMonitor): Way[] {
  const table = new Map<string, Told>();
  const ways: Way[] = [{ at: 0, to: NOWHERE }];
  for (const { at, text } of lines) {
    const told = readRoute(text);
    if (!told || !containsIp(told.prefix, ip)) continue;
    if (told.isGone) table.delete(told.name);
    else table.set(told.name, told);
    const longest = [...table.values()].sort((a, b) => b.prefix.length - a.prefix.length)[0];
    const to = longest?.to ?? NOWHERE;
    if (to !== ways.at(-1)?.to) ways.push({ at, to });
  }
  return ways;
}

const NOWHERE = "nowhere";
type Told = {
  readonly name: string;
  readonly prefix: Cidr;
  readonly to: string;
  readonly isGone: boolean;
};

/** As of ip-route(8): `[Deleted ][throw |unreachable ]PREFIX [via IP] [dev NAME] table 10 …`. */
function readRoute(line: string): Told | undefined {
  const [, gone, kind = "", name = "", rest = ""] =
    /^(Deleted )?(?:(throw|unreachable) )?([0-9a-f.:]+(?:\/\d+)?) (.*)$/.exec(line) ?? [];
  if (!/(^| )table 10( |$)/.test(rest)) return undefined;
  const prefix = name.includes("/") ? parseCidr(name) : hostCidr(parseIp(name));
  const words = [kind, /^via \S+/.exec(rest)?.[0], /dev \S+/.exec(rest)?.[0]];
  const to = kind === "throw" ? NOWHERE : words.filter(Boolean).join(" ");
  return { isGone: gone !== undefined, name, prefix, to };
}
