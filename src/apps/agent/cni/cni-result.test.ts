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
  interfaces: { mtu?: number; sandbox?: string }[];
  ips: { version?: string; address: string; interface: number }[];
};
const rendered = (version: string) => JSON.parse(renderAddResult(result, version)) as Rendered;

test("addresses are the pod's own: /32 and /128 on the second interface", () => {
  assert.deepEqual(
    rendered("1.0.0").ips.map(({ address, interface: index }) => [address, index]),
    [
      ["10.0.0.5/32", 1],
      ["fd00::5/128", 1],
    ],
  );
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
