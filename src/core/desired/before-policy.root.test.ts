// What comes before policy, by real packets: false senders, neighbour discovery, replies and errors of flows.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { Bed } from "../../../test/support/bed.ts";
import { craft, sourcePort, tokenBytes, u16s, wrap } from "../../../test/support/policy/craft.ts";
import { OUTSIDE, type ProbeNet, startProbeNet } from "../../../test/support/policy/probe-net.ts";
import type { NodePolicy } from "../model/node-policy.ts";
import { parseIp } from "../net/ip.ts";
import type { Payload } from "../policy/packet.ts";
import { desiredRuleset } from "./node-ruleset.ts";

const IPS = {
  ...{ free: ["10.0.0.1", "fd00::1"], walled: ["10.0.0.2", "fd00::2"] },
  ...{ n1: ["192.0.2.1", "2001:db8:2::1"], [OUTSIDE]: ["203.0.113.5", "2001:db8::5"] },
};
const endpoints = (["free", "walled"] as const).map((name) => ({
  ...{ pod: `a/${name}`, hostInterface: `rom${name}`, ips: IPS[name].map((ip) => parseIp(ip)) },
}));
/** `walled` may send, and nobody may send to it. */
const wall = { ingress: ["policy-wall"], egress: undefined };
const policy: NodePolicy = {
  host: { name: "n1", ips: [], ingress: undefined, egress: undefined },
  pods: new Map([["a/walled", { id: "a/walled", ips: [], ...wall }]]),
  chains: new Map([
    ["policy-wall", { name: "policy-wall", policy: "wall", direction: "ingress", rules: [] }],
  ]),
  sets: new Map(),
};

/** A service whose only endpoint is the pod that is walled off, as kube-proxy translates it: in its own table. */
const SERVICE = "198.51.100.1";
const services = `table ip services {
  chain to { type nat hook prerouting priority dstnat; ip daddr ${SERVICE} dnat to 10.0.0.2; }
  chain own { type nat hook output priority -100; ip daddr ${SERVICE} dnat to 10.0.0.2; }
  chain from { type nat hook postrouting priority srcnat; ip saddr 10.0.0.2 ip daddr 10.0.0.2 masquerade; }
}`;

const bed = new Bed("source");
let net: ProbeNet;
let token = 0;
before(() => {
  net = startProbeNet(bed, ["n1"], ["free", "walled"]);
  const width = (ip: string): number => (ip.includes(":") ? 128 : 32);
  for (const [name, ips] of Object.entries(IPS)) {
    net.ip(name, ["link set lo up", ...ips.map((ip) => `addr add ${ip} dev lo`)]);
    if (name === OUTSIDE) continue;
    net.ip(
      OUTSIDE,
      ips.map((ip) => `route replace ${ip}/${width(ip)} dev n1`),
    );
    if (name === "n1") continue;
    net.ip(
      "n1",
      ips.map((ip) => `route replace ${ip}/${width(ip)} dev rom${name}`),
    );
    net.ip(name, ["route add 0.0.0.0/0 dev n1", "route add ::/0 dev n1"]);
  }
  execFileSync("nsenter", [`--net=${net.paths.get("n1")}`, "nft", "-f", "-"], { input: services });
  net.load("n1", desiredRuleset(policy, { endpoints, families: [], failsafePorts: [] }));
});
after(() => bed.dispose());

/** Whether it came to `at`. */
async function comes(from: string, bytes: Buffer, at: string): Promise<boolean> {
  const arrivals = await net.send([{ from, bytes }]);
  return arrivals.some((each) => each.at === at && each.token === token);
}

const tcp: Payload = { protocol: "tcp", port: 80 };
const icmp6 = (type: number): Payload => ({ protocol: "icmpv6", type, code: 0 });
const rows: [sentence: string, at: string, source: string, to: string, toIp: string, Payload, boolean][] = [
  ["a pod sends from its own address", "free", "10.0.0.1", OUTSIDE, "203.0.113.5", tcp, true],
  ["in both families", "free", "fd00::1", OUTSIDE, "2001:db8::5", tcp, true],
  ["not from another pod's", "free", "10.0.0.2", OUTSIDE, "203.0.113.5", tcp, false],
  ["nor in IPv6", "free", "fd00::2", OUTSIDE, "2001:db8::5", tcp, false],
  ["nor from its host's", "free", "192.0.2.1", "n1", "192.0.2.1", tcp, false],
  [
    "it may solicit neighbours from its link-local address",
    "free",
    "fe80::a",
    "n1",
    "2001:db8:2::1",
    icmp6(135),
    true,
  ],
  ["and answer them", "free", "fe80::a", "n1", "2001:db8:2::1", icmp6(136), true],
  ["but advertise no router", "free", "fe80::a", "n1", "2001:db8:2::1", icmp6(134), false],
  ["nor redirect", "free", "fe80::a", "n1", "2001:db8:2::1", icmp6(137), false],
  ["nor use its link-local address for anything else", "free", "fe80::a", "n1", "2001:db8:2::1", tcp, false],
  ["nobody reaches a pod that is walled off", OUTSIDE, "203.0.113.5", "walled", "10.0.0.2", tcp, false],
  ["but its own host does", "n1", "192.0.2.1", "walled", "10.0.0.2", tcp, true],
  ["in both families", "n1", "2001:db8:2::1", "walled", "fd00::2", tcp, true],
  ["through a service a pod is judged by its own address", "free", "10.0.0.1", "walled", SERVICE, tcp, false],
  ["its own host reaches it through the service too", "n1", "192.0.2.1", "walled", SERVICE, tcp, true],
  ["and it reaches itself through the service", "walled", "10.0.0.2", "walled", SERVICE, tcp, true],
];
for (const [sentence, at, source, to, toIp, payload, expected] of rows)
  test(`${sentence} (${source} to ${toIp})`, async () => {
    const packet = { from: parseIp(source), to: parseIp(toIp), ...payload };
    assert.equal(await comes(at, craft(packet, ++token).bytes, to), expected);
  });

for (const family of [0, 1] as const)
  test(`replies and errors of a flow come to a pod that is walled off, others do not (IPv${family ? 6 : 4})`, async () => {
    const [pod, world] = [parseIp(IPS.walled[family] ?? ""), parseIp(IPS[OUTSIDE][family] ?? "")];
    const back = { from: world, to: pod };
    const out = craft({ from: pod, to: world, protocol: "udp", port: 9 }, ++token).bytes;
    const port = sourcePort(token);
    assert.ok(await comes("walled", out, OUTSIDE));
    const reply = (source: number): Buffer =>
      wrap(back, 17, Buffer.concat([u16s(source, port, 16, 0), tokenBytes(++token)]));
    assert.ok(await comes(OUTSIDE, reply(9), "walled"));
    assert.ok(!(await comes(OUTSIDE, reply(10), "walled")));
    // Packet too big: type and code, checksum, the size, and the packet that it is about.
    const tooBig = (about: Buffer): Buffer => {
      const head = family === 0 ? u16s(0x0304, 0, 0, 1400) : u16s(0x0200, 0, 0, 1400);
      const padded = Buffer.concat([head, about, tokenBytes(++token)]);
      return wrap(back, family === 0 ? 1 : 58, padded);
    };
    assert.ok(await comes(OUTSIDE, tooBig(out), "walled"));
    const unknown = craft({ from: pod, to: world, protocol: "udp", port: 9 }, token + 1000).bytes;
    assert.ok(!(await comes(OUTSIDE, tooBig(unknown), "walled")));
  });
