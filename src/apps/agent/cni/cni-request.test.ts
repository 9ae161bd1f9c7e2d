import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatIp } from "../../../core/net/ip.ts";
import { SUPPORTED_VERSIONS, versionOf } from "./cni-config.ts";
import { CniError } from "./cni-error.ts";
import { type CniRequest, parseCniRequest } from "./cni-request.ts";

const goodEnv = { CNI_COMMAND: "ADD", CNI_CONTAINERID: "c1", CNI_NETNS: "/run/netns/x", CNI_IFNAME: "eth0" };
const goodConfig = { cniVersion: "1.0.0", name: "romana", type: "romana" };
const request = (env: Record<string, string>, config: unknown): CniRequest =>
  parseCniRequest(
    new Map(Object.entries({ ...goodEnv, ...env })),
    Buffer.from(typeof config === "string" ? config : JSON.stringify(config)),
  );
const attachment = (env: Record<string, string>, config: object = {}) => {
  const parsed = request(env, { ...goodConfig, ...config });
  assert.ok("attachment" in parsed);
  return parsed.attachment;
};

test("a request is read", () => {
  const { command, config } = request({}, { ...goodConfig, mtu: 1400 });
  const { containerId, netns, ifname, tenant, segment, pod, ips } = attachment({});
  assert.deepEqual(
    [command, config.mtu, containerId, netns, ifname],
    ["ADD", 1400, "c1", "/run/netns/x", "eth0"],
  );
  assert.deepEqual([tenant, segment, pod, ips], ["default", "default", undefined, []]);
});

test("the keys of Romana v2 are taken", () => {
  const { config } = request(
    {},
    {
      ...goodConfig,
      ...{ mtu: 1400, romana_host_name: "node-1", use_policy: true, log_file: "/var/log/romana/cni.log" },
      ...{ segment_label_name: "tier", tenant_label_name: "team", ipam: { type: "romana-ipam" } },
    },
  );
  assert.deepEqual(
    [config.mtu, config.hostName, config.logFile, config.segmentLabel, config.tenantLabel],
    [1400, "node-1", "/var/log/romana/cni.log", "tier", "team"],
  );
});

const kubernetes = { CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0" };
const labels = {
  args: {
    cni: {
      labels: [
        { key: "team", value: "red" },
        { key: "romana.io/segment", value: "front" },
      ],
    },
  },
};
/** Each row: the case, CNI_ARGS, configuration, then tenant, segment and pod. */
const holders: readonly (readonly [string, Record<string, string>, object, (string | undefined)[]])[] = [
  ["a Kubernetes pod", kubernetes, {}, ["shop", "default", "shop/web-0"]],
  ["a label for the segment", kubernetes, labels, ["shop", "front", "shop/web-0"]],
  [
    "a label for the tenant",
    kubernetes,
    { ...labels, tenant_label_name: "team" },
    ["red", "front", "shop/web-0"],
  ],
  [
    "a tenant label that the pod lacks",
    kubernetes,
    { tenant_label_name: "team" },
    ["shop", "default", "shop/web-0"],
  ],
  ["another segment label", {}, { ...labels, segment_label_name: "team" }, ["default", "red", undefined]],
  ["no Kubernetes", { CNI_ARGS: "ROMANA_TENANT=t;ROMANA_SEGMENT=s" }, {}, ["t", "s", undefined]],
  ["empty values", { CNI_ARGS: "K8S_POD_NAMESPACE=;ROMANA_SEGMENT=" }, {}, ["default", "default", undefined]],
];
for (const [what, env, config, expected] of holders)
  test(`tenant, segment and pod of ${what}`, () => {
    const { tenant, segment, pod } = attachment(env, config);
    assert.deepEqual([tenant, segment, pod], expected);
  });

const runtimeConfig = { ips: ["10.0.0.5/24", "fd00::5"] };
const args = { cni: { ips: ["10.0.0.9"] } };
const byArgs = { CNI_ARGS: "IP=10.0.0.7/16,fd00::7" };
const statics: readonly (readonly [string, Record<string, string>, object, string[]])[] = [
  ["runtimeConfig before all", byArgs, { runtimeConfig, args }, ["10.0.0.5", "fd00::5"]],
  ["args before CNI_ARGS", byArgs, { args }, ["10.0.0.9"]],
  ["CNI_ARGS", byArgs, {}, ["10.0.0.7", "fd00::7"]],
  ["an empty list asks for none", byArgs, { args: { cni: { ips: [] } } }, []],
];
for (const [what, env, config, expected] of statics)
  test(`static addresses, without their prefix length: ${what}`, () => {
    assert.deepEqual(attachment(env, config).ips.map(formatIp), expected);
  });

test("DEL comes without a namespace where it is gone", () => {
  assert.equal(attachment({ CNI_COMMAND: "DEL", CNI_NETNS: "" }).netns, "");
});

test("STATUS and GC need no container", () => {
  const list = [{ containerID: "a", ifname: "eth0" }];
  for (const key of ["cni.dev/valid-attachments", "cni.dev/attachments"]) {
    const config = { ...goodConfig, cniVersion: "1.1.0", [key]: list };
    const gc = request({ CNI_COMMAND: "GC", CNI_CONTAINERID: "", CNI_NETNS: "", CNI_IFNAME: "" }, config);
    assert.deepEqual(gc.config.validAttachments, [{ containerId: "a", ifname: "eth0" }]);
  }
  assert.equal(request({ CNI_COMMAND: "STATUS" }, { ...goodConfig, cniVersion: "1.1.0" }).command, "STATUS");
});

test("every version has its commands", () => {
  const speaks = (version: string, command: string): boolean => {
    try {
      return request({ CNI_COMMAND: command }, { ...goodConfig, cniVersion: version }).command === command;
    } catch (error) {
      assert.ok(error instanceof CniError && error.code === 1);
      return false;
    }
  };
  assert.deepEqual(
    SUPPORTED_VERSIONS.map((version) =>
      ["ADD", "DEL", "CHECK", "STATUS", "GC"].filter((command) => speaks(version, command)).join(" "),
    ),
    ["ADD DEL", "ADD DEL", "ADD DEL CHECK", "ADD DEL CHECK", "ADD DEL CHECK STATUS GC"],
  );
});

/** Each row: what is wrong, the environment, the configuration, the CNI error code, what the message names. */
const refused: readonly (readonly [string, Record<string, string>, unknown, number, RegExp])[] = [
  ["an unknown command", { CNI_COMMAND: "NOPE" }, goodConfig, 4, /CNI_COMMAND.*NOPE.*ADD/],
  ["a command of Object's", { CNI_COMMAND: "toString" }, goodConfig, 4, /CNI_COMMAND/],
  ["no container", { CNI_CONTAINERID: "" }, goodConfig, 4, /CNI_CONTAINERID/],
  ["a container id with a slash", { CNI_CONTAINERID: "../x" }, goodConfig, 4, /CNI_CONTAINERID.*\.\.\/x/],
  ["a container id with a NUL", { CNI_CONTAINERID: "a\0b" }, goodConfig, 4, /CNI_CONTAINERID.*a\\u0000b/],
  ["no namespace", { CNI_NETNS: "" }, goodConfig, 4, /CNI_NETNS.*absolute/],
  ["a relative namespace", { CNI_NETNS: "netns/x" }, goodConfig, 4, /CNI_NETNS.*absolute/],
  ["a namespace with a control character", { CNI_NETNS: "/run/\x07" }, goodConfig, 4, /CNI_NETNS.*\\u0007/],
  ["an interface name too long", { CNI_IFNAME: "eth0123456789abc" }, goodConfig, 4, /CNI_IFNAME/],
  ["one too long in bytes", { CNI_IFNAME: "€€€€€€" }, goodConfig, 4, /CNI_IFNAME.*15 bytes/],
  ["an interface name with a slash", { CNI_IFNAME: "a/b" }, goodConfig, 4, /CNI_IFNAME/],
  ["an interface name of dots", { CNI_IFNAME: ".." }, goodConfig, 4, /CNI_IFNAME/],
  [
    "an interface name with a control character",
    { CNI_IFNAME: "e\x1b0" },
    goodConfig,
    4,
    /CNI_IFNAME.*\\u001b/,
  ],
  ["arguments without a value", { CNI_ARGS: "broken" }, goodConfig, 4, /CNI_ARGS.*broken/],
  ["a tenant with a NUL", { CNI_ARGS: "K8S_POD_NAMESPACE=a\0" }, goodConfig, 4, /K8S_POD_NAMESPACE.*\\u0000/],
  ["a static address that is none", { CNI_ARGS: "IP=10.1" }, goodConfig, 7, /CNI_ARGS IP\[0\].*10\.1/],
  ["no JSON", {}, "{", 6, /not JSON/],
  ["a JSON list", {}, "[]", 6, /not a JSON object/],
  ["a version of the future", {}, { ...goodConfig, cniVersion: "9.0.0" }, 1, /cniVersion.*9\.0\.0.*1\.1\.0/],
  ["a version that is no text", {}, { ...goodConfig, cniVersion: { a: 1 } }, 1, /cniVersion: \{"a":1\}/],
  ["no version", {}, { name: "romana" }, 1, /cniVersion.*0\.1\.0/],
  ["CHECK of an old version", { CNI_COMMAND: "CHECK" }, { ...goodConfig, cniVersion: "0.3.1" }, 1, /0\.4\.0/],
  ["no network name", {}, { cniVersion: "1.0.0" }, 7, /name: missing/],
  ["a network name with a NUL", {}, { ...goodConfig, name: "a\0" }, 7, /name.*\\u0000/],
  ["a network name with a slash", {}, { ...goodConfig, name: "a/b" }, 7, /name.*a\/b/],
  ["an mtu below the minimum", {}, { ...goodConfig, mtu: 1279 }, 7, /mtu: 1279.*1280/],
  ["an mtu as text", {}, { ...goodConfig, mtu: "1500" }, 7, /mtu: "1500"/],
  ["another IPAM", {}, { ...goodConfig, ipam: { type: "host-local" } }, 2, /ipam\.type.*host-local/],
  ["an IPAM that is no object", {}, { ...goodConfig, ipam: "x" }, 7, /ipam: "x"/],
  ["a policy that is no toggle", {}, { ...goodConfig, use_policy: "yes" }, 7, /use_policy.*yes/],
  ["a relative log file", {}, { ...goodConfig, log_file: "cni.log" }, 7, /log_file.*absolute/],
  [
    "a label name with a control character",
    {},
    { ...goodConfig, segment_label_name: "a\n" },
    7,
    /segment_label/,
  ],
  ["labels that are no list", {}, { ...goodConfig, args: { cni: { labels: {} } } }, 7, /args\.cni\.labels/],
  [
    "a label without value",
    {},
    { ...goodConfig, args: { cni: { labels: [{ key: "a" }] } } },
    7,
    /labels\[0\]/,
  ],
  [
    "ips that are no list",
    {},
    { ...goodConfig, runtimeConfig: { ips: "10.0.0.1" } },
    7,
    /runtimeConfig\.ips: /,
  ],
  [
    "an address that is none",
    {},
    { ...goodConfig, runtimeConfig: { ips: ["10.1"] } },
    7,
    /\.ips\[0\].*10\.1/,
  ],
  ["an earlier result that is none", {}, { ...goodConfig, prevResult: [] }, 7, /prevResult/],
  ["an earlier result without lists", {}, { ...goodConfig, prevResult: { ips: {} } }, 7, /prevResult\.ips/],
  [
    "attachments that are no list",
    { CNI_COMMAND: "GC" },
    { ...goodConfig, cniVersion: "1.1.0", "cni.dev/valid-attachments": {} },
    7,
    /valid-attachments/,
  ],
  [
    "an attachment without interface",
    { CNI_COMMAND: "GC" },
    { ...goodConfig, cniVersion: "1.1.0", "cni.dev/valid-attachments": [{ containerID: "a" }] },
    7,
    /valid-attachments\[0\]/,
  ],
];

for (const [what, env, config, code, message] of refused)
  test(`refuses ${what}`, () => {
    assert.throws(
      () => request(env, config),
      (error) => {
        assert.ok(error instanceof CniError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      },
    );
  });

test("refuses invalid UTF-8", () => {
  const bytes = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  assert.throws(
    () => parseCniRequest(new Map(Object.entries(goodEnv)), bytes),
    (error) => error instanceof CniError && error.code === 6,
  );
});

test("an error is in the version of the configuration, where it has one", () => {
  const of = (text: string): string => versionOf(Buffer.from(text));
  assert.equal(of('{"prevResult":{"cniVersion":"0.3.1"},"cniVersion":"1.1.0"}'), "1.1.0");
  for (const text of ["", "{", "[]", '{"cniVersion":7}', '{"cniVersion":"\\u0000"}'])
    assert.equal(of(text), "1.0.0");
});

test("whatever comes, the answer is a request or a CniError", () => {
  const keys = ["CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS"];
  const known = [
    "mtu",
    "romana_host_name",
    "log_file",
    "ipam",
    "args",
    "runtimeConfig",
    "prevResult",
    "use_policy",
  ];
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...keys), fc.string()),
      fc.oneof(
        fc.string(),
        fc
          .dictionary(fc.constantFrom(...known), fc.jsonValue())
          .map((keys) => JSON.stringify({ ...goodConfig, ...keys })),
      ),
      (env, config) => {
        try {
          request(env, config);
        } catch (error) {
          assert.ok(error instanceof CniError, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});
