import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatIp } from "../../../core/net/ip.ts";
import { CniError } from "./cni-error.ts";
import { parseCniRequest } from "./cni-request.ts";

const goodEnv = { CNI_COMMAND: "ADD", CNI_CONTAINERID: "c1", CNI_NETNS: "/run/netns/x", CNI_IFNAME: "eth0" };
const goodConfig = { cniVersion: "1.0.0", name: "romana", type: "romana" };
const request = (env: Record<string, string>, config: unknown) =>
  parseCniRequest(
    new Map(Object.entries({ ...goodEnv, ...env })),
    Buffer.from(typeof config === "string" ? config : JSON.stringify(config)),
  );

test("a request is read", () => {
  const { command, containerId, netns, ifname, args, config } = request(
    { CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAME=a=b" },
    { ...goodConfig, mtu: 1400 },
  );
  assert.deepEqual(
    [command, containerId, netns, ifname, config.mtu, args.get("K8S_POD_NAME")],
    ["ADD", "c1", "/run/netns/x", "eth0", 1400, "a=b"],
  );
});

test("static addresses come from runtimeConfig before args, without their prefix length", () => {
  const ips = (config: object) => request({}, { ...goodConfig, ...config }).config.ips.map(formatIp);
  assert.deepEqual(
    ips({ runtimeConfig: { ips: ["10.0.0.5/24", "fd00::5"] }, args: { cni: { ips: ["10.0.0.9"] } } }),
    ["10.0.0.5", "fd00::5"],
  );
  assert.deepEqual(ips({ args: { cni: { ips: ["10.0.0.9"] } } }), ["10.0.0.9"]);
});

/** Each row: what is wrong, the environment, the configuration, the CNI error code, what the message names. */
const refused: readonly (readonly [string, Record<string, string>, unknown, number, RegExp])[] = [
  ["an unknown command", { CNI_COMMAND: "NOPE" }, goodConfig, 4, /CNI_COMMAND.*NOPE/],
  ["no container", { CNI_CONTAINERID: "" }, goodConfig, 4, /CNI_CONTAINERID/],
  ["a container id with a slash", { CNI_CONTAINERID: "../x" }, goodConfig, 4, /CNI_CONTAINERID/],
  ["no namespace", { CNI_NETNS: "" }, goodConfig, 4, /CNI_NETNS/],
  ["an interface name too long", { CNI_IFNAME: "eth0123456789abcdef" }, goodConfig, 4, /CNI_IFNAME/],
  ["an interface name with a slash", { CNI_IFNAME: "a/b" }, goodConfig, 4, /CNI_IFNAME/],
  ["arguments without a value", { CNI_ARGS: "broken" }, goodConfig, 4, /CNI_ARGS/],
  ["no JSON", {}, "{", 6, /not JSON/],
  ["a JSON list", {}, "[]", 6, /not a JSON object/],
  ["invalid UTF-8", {}, Buffer.from([0x7b, 0xff]).toString("latin1"), 6, /not JSON/],
  ["a version of the future", {}, { ...goodConfig, cniVersion: "9.0.0" }, 1, /cniVersion.*9\.0\.0/],
  ["no network name", {}, { cniVersion: "1.0.0" }, 7, /name/],
  ["an mtu below the minimum", {}, { ...goodConfig, mtu: 20 }, 7, /mtu.*20/],
  ["an mtu as text", {}, { ...goodConfig, mtu: "1500" }, 7, /mtu/],
  [
    "an address that is none",
    {},
    { ...goodConfig, runtimeConfig: { ips: ["10.1"] } },
    7,
    /runtimeConfig\.ips\[0\].*10\.1/,
  ],
];

for (const [what, env, config, code, message] of refused)
  test(`refuses ${what}`, () => {
    assert.throws(
      () => request(env, config),
      (error) => error instanceof CniError && error.code === code && message.test(error.message),
    );
  });

test("whatever comes, the answer is a request or a CniError", () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom("CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS"),
        fc.string(),
      ),
      fc.oneof(fc.json(), fc.string()),
      (env, config) => {
        try {
          request(env, config);
        } catch (error) {
          assert.ok(error instanceof CniError);
        }
      },
    ),
    { numRuns: 300 },
  );
});
