import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../../core/net/ip.ts";
import { renderAddResult } from "./cni-result.ts";

const result = {
  hostInterface: { name: "rom0", mac: "02:00:00:00:00:01" },
  podInterface: { name: "eth0", mac: "02:00:00:00:00:02", netns: "/run/netns/x", mtu: 1450 },
  ips: [parseIp("10.0.0.5"), parseIp("fd00::5")],
  gateways: { 4: "169.254.1.1", 6: "fe80::1" },
};
type Rendered = {
  cniVersion: string;
  interfaces: { name: string; mtu?: number; sandbox?: string }[];
  ips: { version?: string; address: string; interface: number }[];
  routes: { dst: string; gw?: string }[];
  dns: unknown;
};
const rendered = (version: string, previous?: Record<string, unknown>) =>
  JSON.parse(renderAddResult(result, version, previous)) as Rendered;

test("addresses are the pod's own: /32 and /128 on the second interface", () => {
  assert.deepEqual(
    rendered("1.0.0").ips.map(({ address, interface: index }) => [address, index]),
    [
      ["10.0.0.5/32", 1],
      ["fd00::5/128", 1],
    ],
  );
});

test("what earlier plugins of the chain made stays, before ours", () => {
  const previous = {
    cniVersion: "1.0.0",
    interfaces: [{ name: "lo", sandbox: "/run/netns/x" }],
    ips: [{ address: "127.0.0.1/8", interface: 0 }],
    routes: [{ dst: "127.0.0.0/8" }],
    dns: { nameservers: ["10.0.0.10"] },
  };
  const { interfaces, ips, routes, dns } = rendered("1.0.0", previous);
  assert.deepEqual(
    interfaces.map(({ name }) => name),
    ["lo", "rom0", "eth0"],
  );
  assert.deepEqual(
    ips.map(({ address, interface: index }) => [address, index]),
    [
      ["127.0.0.1/8", 0],
      ["10.0.0.5/32", 2],
      ["fd00::5/128", 2],
    ],
  );
  assert.deepEqual(
    routes.map(({ dst }) => dst),
    ["127.0.0.0/8", "0.0.0.0/0", "::/0"],
  );
  assert.deepEqual(dns, previous.dns);
  assert.equal(rendered("1.0.0", { ips: null }).ips.length, 2);
});

for (const [version, ipVersions, mtu] of [
  ["0.3.1", ["4", "6"], undefined],
  ["0.4.0", ["4", "6"], undefined],
  ["1.0.0", [undefined, undefined], undefined],
  ["1.1.0", [undefined, undefined], 1450],
] as const)
  test(`${version} has the fields of its version`, () => {
    const { cniVersion, ips, interfaces } = rendered(version);
    assert.equal(cniVersion, version);
    assert.deepEqual(
      ips.map((ip) => ip.version),
      ipVersions,
    );
    assert.equal(interfaces[1]?.mtu, mtu);
    assert.deepEqual(
      interfaces.map(({ sandbox }) => sandbox),
      [undefined, "/run/netns/x"],
    );
  });
