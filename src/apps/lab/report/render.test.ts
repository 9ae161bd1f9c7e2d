// The report as a person reads it: on a narrow and a wide terminal, and when something does not hold.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Group } from "../../../core/model/topology.ts";
import { ROMANA_PROTOCOL, type Route } from "../../../core/netlink/types.ts";
import { parseCidr } from "../../../core/net/cidr.ts";
import { parseIp } from "../../../core/net/ip.ts";
import type { Facts } from "./facts.ts";
import { columns, wrapped } from "./layout.ts";
import { matrixLines } from "./matrix.ts";
import { type Report, renderReport } from "./render.ts";

const group = (path: string, v4: string, v6: string, groups: readonly Group[] = []): Group => ({
  name: path.split("/").at(-1) ?? "",
  path,
  assignment: {},
  routing: undefined,
  prefixes: { four: parseCidr(v4), six: parseCidr(v6) },
  groups,
  hosts: [],
});
const zone = group("zone", "10.0.0.0/8", "fd00::/32", [
  group("zone/rack-1", "10.0.0.0/9", "fd00::/33"),
  group("zone/rack-2", "10.128.0.0/9", "fd00:0:8000::/33"),
]);
const block = (host: string, tenant: string, cidr: string): Facts["blocks"][number] => ({
  revision: 1,
  cidr,
  tenant,
  segment: "",
  host,
  network: cidr.includes(":") ? "six" : "four",
  group: "",
  allocated_ip_count: 1,
});
const route = (dst: string, via?: string): Route => ({
  dst: parseCidr(dst),
  table: 254,
  protocol: ROMANA_PROTOCOL,
  type: via === undefined ? "unreachable" : "unicast",
  scope: 0,
  metric: 0,
  nextHops: via === undefined ? [] : [{ via: parseIp(via), index: 1, weight: 1, onlink: false }],
  source: undefined,
});
const pod = (name: string, host: string, ips: string[], addMs: number): Facts["pods"][number] => ({
  name,
  host,
  tenant: "shop",
  segment: "",
  containerId: name,
  ips,
  addMs,
});
const facts: Facts = {
  topology: {
    networks: [],
    trees: [{ networks: ["four", "six"], root: group("", "10.0.0.0/8", "fd00::/32", [zone]) }],
  },
  blocks: [
    block("h1", "shop", "10.0.0.0/29"),
    block("h1", "shop", "fd00::/125"),
    block("h1", "bank", "10.0.0.8/29"),
    block("h1", "bank", "fd00::8/125"),
    block("h2", "shop", "10.128.0.0/29"),
  ],
  registered: [],
  hosts: [
    { name: "h1", group: "zone/rack-1", ips: [], tags: {} },
    { name: "h2", group: "zone/rack-2", ips: [], tags: {} },
  ],
  pods: [pod("h1-p1", "h1", ["10.0.0.1", "fd00::1"], 2), pod("h2-p1", "h2", ["10.128.0.1"], 4)],
  nodes: [
    { node: "spine", role: "spine", routes: [route("10.0.0.0/9", "198.18.0.1"), route("10.0.0.0/8")] },
    { node: "h1", role: "host", routes: [route("10.0.0.0/29")] },
  ],
};
const hop = (node: string, ip: string) => ({ node, ip });
const report: Report = {
  facts,
  matrix: { tried: 6, failed: [] },
  traces: [
    {
      from: "h1-p1",
      to: "h2-p1",
      ip: "10.128.0.1",
      hops: [hop("h1", "198.18.0.1"), hop("h2-p1", "10.128.0.1")],
      complete: true,
    },
    {
      from: "h1-p1",
      to: "h2-p1",
      ip: "fd00::9",
      hops: [hop("h1", "fd1a::1"), hop("?", "fd00::9")],
      complete: false,
    },
  ],
  throughput: { from: "h1-p1", to: "h2-p1", pods: 9, plain: 10 },
  checks: [{ sentence: "packets arrive", faults: [] }],
  seconds: 7.25,
};
const plain = (width: number) => ({ width, paint: (_style: string, text: string) => text });

test("a terminal of 80 columns is wide enough", () => {
  const wide = renderReport(report, plain(80))
    .split("\n")
    .filter((line) => line.length > 80);
  assert.deepEqual(wide, []);
});

test("a narrow terminal: a line for each tenant of a host", () => {
  const tree = [
    "  four + six    10.0.0.0/8  fd00::/32",
    "  └─ zone       10.0.0.0/8  fd00::/32",
    "     ├─ rack-1  10.0.0.0/9  fd00::/33",
    "     │  └─ h1   1 pod   shop 10.0.0.0/29 fd00::/125",
    "     │                  bank 10.0.0.8/29 fd00::8/125",
    "     └─ rack-2  10.128.0.0/9  fd00:0:8000::/33",
    "        └─ h2   1 pod   shop 10.128.0.0/29",
  ];
  assert.deepEqual(renderReport(report, plain(60)).split("\n").slice(2, 9), tree);
});

test("a wide terminal: the tenants of a host in one line", () => {
  assert.match(
    renderReport(report, plain(140)),
    /└─ h1 +1 pod {3}shop 10\.0\.0\.0\/29 fd00::\/125 {2}bank 10\.0\.0\.8\/29 fd00::8\/125\n/,
  );
});

test("routes stand beside what they would be without aggregation", () => {
  const text = renderReport(report, plain(80));
  assert.match(text, /Routes {2}1 lead to other nodes; without aggregation 6, with one per pod 4\n/);
  assert.match(text, / {2}spine +1 +1 +5 +3\n {2}h1 +0 +1 +1 +1\n {2}together +1 +2 +6 +4\n {2}own: /);
});

test("families of a traceroute stand side by side, and hops that differ are both named", () => {
  assert.match(
    renderReport(report, plain(80)),
    / {2}1 {2}h1 +198\.18\.0\.1 +fd1a::1\n {2}2 {2}h2-p1 \/ \? +10\.128\.0\.1 +fd00::9\n/,
  );
});

test("all holds, or it says that not all does and why, of many faults a few", () => {
  assert.match(renderReport(report, plain(80)), /✓ packets arrive\n\nAll of it holds, after 7\.3 s\.\n$/);
  const faults = Array.from({ length: 12 }, (_, i) => `fault ${i}`);
  const broken = { ...report, checks: [{ sentence: "packets arrive", faults }] };
  assert.match(
    renderReport(broken, plain(80)),
    /✗ packets arrive\n {6}fault 0\n[^]* {6}and 2 more\n\nNOT all of it holds/,
  );
});

test("the matrix tells which family is lost", () => {
  const both = [
    pod("a", "h1", ["10.0.0.1", "fd00::1"], 1),
    pod("b", "h1", ["10.0.0.2", "fd00::2"], 1),
    pod("c", "h2", ["10.0.0.3", "fd00::3"], 1),
  ];
  const failed = [
    { from: "a", ip: "10.0.0.2", to: "b" },
    { from: "b", ip: "fd00::3", to: "c" },
    { from: "c", ip: "10.0.0.1", to: "a" },
    { from: "c", ip: "fd00::1", to: "a" },
  ];
  assert.deepEqual(matrixLines({ tried: 18, failed }, both), ["a  ■6 ■", "b  ■■ 4", "c  ·■ ■"]);
});

test("many pods become a matrix of hosts", () => {
  const many = Array.from({ length: 60 }, (_, i) => pod(`p${i}`, i < 30 ? "h1" : "h2", [`10.0.0.${i}`], 1));
  const failed = [{ from: "p0", ip: "10.0.0.59", to: "p59" }];
  assert.deepEqual(matrixLines({ tried: 3600, failed }, many), ["h1  ■?", "h2  ■■"]);
});

test("columns align, and a text wraps below its first item", () => {
  assert.deepEqual(
    columns(
      [
        ["a", 1],
        ["bbb", 22],
      ],
      1,
    ),
    ["a     1", "bbb  22"],
  );
  assert.deepEqual(wrapped("x: ", ["one", "two", "three"], 11), ["x: one  two", "   three"]);
  assert.deepEqual(wrapped("x: ", ["a word that is too long"], 5), ["x: a word that is too long"]);
});
