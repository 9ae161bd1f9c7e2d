import assert from "node:assert/strict";
import { test } from "node:test";
import { podRoute } from "../../core/desired/node-routes.ts";
import { routeKey, tableOf } from "../../core/desired/route-table.ts";
import { parseCidr } from "../../core/net/cidr.ts";
import { parseIp } from "../../core/net/ip.ts";
import type { InterfaceAddress, Link, NextHop, Notification, Route } from "../../core/netlink/types.ts";
import { concerns } from "./concerns.ts";

const hop = (via: string, index = 2): NextHop => ({ via: parseIp(via), index, weight: 1, onlink: false });
const route = (dst: string, via: string, rest: Partial<Route> = {}): Route => ({
  ...{
    dst: parseCidr(dst),
    table: 10,
    protocol: 82,
    type: "unicast",
    scope: 0,
    metric: 0,
    source: undefined,
  },
  nextHops: [hop(via)],
  ...rest,
});
const link = (index: number, name: string, rest: Partial<Link> = {}): Link => ({
  ...{
    index,
    name,
    kind: "",
    mtu: 1500,
    up: true,
    operational: true,
    mac: "",
    peerIndex: 0,
    master: 0,
    alias: "",
  },
  ...rest,
});
const address = (text: string, rest: Partial<InterfaceAddress> = {}): InterfaceAddress => ({
  ...{ index: 2, ip: parseIp(text), length: 24, label: "", scope: 0, flags: 0 },
  ...rest,
});

const mine = route("10.0.0.0/29", "192.168.0.2");
const pod = podRoute(parseIp("10.0.0.9"), 70, 10);
const goingPod = podRoute(parseIp("10.0.0.10"), 71, 10);
const belief = {
  table: 10,
  observed: {
    links: [link(1, "lo"), link(2, "eth0"), link(70, "rom70")],
    addresses: [address("192.168.0.1")],
    gateways: { 4: hop("192.168.0.254") },
    ...{ families: [4, 6] as const, rules: [], table: tableOf([]), settings: [] },
  },
  routes: new Map([mine, pod, goingPod].map((each) => [routeKey(each), each])),
  isPod: (index: number) => index === 70 || index === 72,
};
const told = (route: Route, deleted = false): Notification => ({ kind: "route", route, deleted });
const toldRule = (table: number, deleted: boolean): Notification => ({
  kind: "rule",
  deleted,
  rule: { family: 4, priority: 10, table, protocol: 82 },
});
const toldLink = (link: Link, deleted = false): Notification => ({ kind: "link", link, deleted });
const toldAddress = (address: InterfaceAddress, deleted = false): Notification => ({
  kind: "address",
  address,
  deleted,
});
const byDefault = (via: string, rest: Partial<Route> = {}): Route =>
  route("0.0.0.0/0", via, { table: 254, protocol: 3, ...rest });

const rows: readonly (readonly [string, Notification, boolean])[] = [
  ["the echo of a route of ours", told(mine), false],
  ["a route of ours gone", told(mine, true), true],
  ["a route of ours made other", told(route("10.0.0.0/29", "192.168.0.9")), true],
  ["a route of ours that we know nothing of", told(route("10.5.0.0/29", "192.168.0.9")), true],
  ["the echo of our removal", told(route("10.5.0.0/29", "192.168.0.9"), true), false],
  ["a foreign route in the place of ours", told(route("10.0.0.0/29", "192.168.0.9", { protocol: 3 })), true],
  [
    "a foreign route that left the place of ours",
    told(route("10.0.0.0/29", "192.168.0.9", { protocol: 3 }), true),
    true,
  ],
  ["a foreign route elsewhere", told(route("10.5.0.0/29", "192.168.0.9", { protocol: 3 })), false],
  ["a foreign route elsewhere gone", told(route("10.5.0.0/29", "192.168.0.9", { protocol: 3 }), true), false],
  ["a pod's route gone while the pod lives", told(pod, true), true],
  ["a pod's route gone with its pair", told(goingPod, true), false],
  ["the route that the CNI part made for a new pod", told(podRoute(parseIp("10.0.0.12"), 72, 10)), false],
  ["a pod's route of a pair that nobody knows", told(podRoute(parseIp("10.0.0.12"), 73, 10)), true],
  ["a route of another table", told(route("10.0.0.0/29", "192.168.0.2", { table: 20 }), true), false],
  ["the default route told again", told(byDefault("192.168.0.254")), false],
  ["another default route", told(byDefault("192.168.0.253")), true],
  ["the default route gone", told(byDefault("192.168.0.254"), true), true],
  ["a default route that was not in use gone", told(byDefault("192.168.0.253"), true), false],
  ["our rule gone", toldRule(10, true), true],
  ["our rule come", toldRule(10, false), false],
  ["another table's rule gone", toldRule(20, true), false],
  ["a link as it was", toldLink(link(2, "eth0", { operational: false })), false],
  ["a link down", toldLink(link(2, "eth0", { up: false })), true],
  ["a link of another MTU", toldLink(link(2, "eth0", { mtu: 9000 })), true],
  ["a link renamed", toldLink(link(2, "lan0")), true],
  ["a link gone", toldLink(link(2, "eth0"), true), true],
  ["a new link: it has no address yet", toldLink(link(5, "eth1")), false],
  ["a pod's pair down", toldLink(link(70, "rom70", { up: false })), true],
  ["a pod's pair up", toldLink(link(70, "rom70")), false],
  ["a pair down that is no living pod's", toldLink(link(71, "rom71", { up: false })), false],
  ["an address told again", toldAddress(address("192.168.0.1", { flags: 128 })), false],
  ["a new address", toldAddress(address("192.168.0.5")), true],
  ["an address gone", toldAddress(address("192.168.0.1"), true), true],
  ["an address of another length", toldAddress(address("192.168.0.1", { length: 16 })), true],
  ["an address of the link alone", toldAddress(address("fe80::1", { scope: 253 })), false],
  ["forwarding off", { kind: "forwarding", family: 4, index: -1, on: false }, true],
  ["forwarding on", { kind: "forwarding", family: 6, index: -1, on: true }, false],
  [
    "forwarding off on one link, which is the operator's affair",
    { kind: "forwarding", family: 4, index: 2, on: false },
    false,
  ],
  ["notifications lost", { kind: "overrun" }, true],
];
for (const [what, notification, expected] of rows)
  test(`${expected ? "news" : "no news"}: ${what}`, () => {
    assert.equal(concerns(notification, belief), expected);
  });
