// The plugin on a real node: shim, agent, daemon and kernel. Each test uses pods of its own and leaves none.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { AddressList, AddressReply } from "../../../core/api/types.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import {
  type CniCall,
  type CniOutput,
  NODE,
  OUTSIDE,
  startNode,
  type TestNode,
} from "../../../../test/support/node.ts";
import { encodeReply } from "./frame.ts";

let node: TestNode;
before(async () => {
  node = await startNode();
});
after(() => node?.close());

const addresses = async (): Promise<readonly AddressReply[]> =>
  (await node.get<AddressList>("/addresses")).addresses;
const links = async (netns = node.netns): Promise<string[]> => {
  const { stdout } = await node.run(["ip", "-json", "link"], netns);
  return (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname);
};
const podLinks = async (): Promise<string[]> => (await links()).filter((name) => name.startsWith("rom"));
const endpointFiles = (): string[] => readdirSync(join(node.bed.dir, "state/endpoints"));

async function add(call: CniCall): Promise<CniOutput> {
  const { code, json } = await node.cni("ADD", call);
  assert.equal(code, 0, JSON.stringify(json));
  assert.ok(json);
  return json;
}
async function done(command: string, call: CniCall): Promise<void> {
  const { code, json } = await node.cni(command, call);
  assert.deepEqual([code, json], [0, undefined]);
}
async function refused(command: string, call: CniCall, code: number, says: RegExp): Promise<void> {
  const { code: exit, json } = await node.cni(command, call);
  assert.deepEqual([exit, json?.code], [1, code], JSON.stringify(json));
  assert.match(`${json?.msg}; ${json?.details ?? ""}`, says);
}
const ipsOf = ({ ips }: CniOutput): string[] => ips.map(({ address }) => address.split("/")[0] ?? "");
async function reaches(from: string, ips: readonly string[]): Promise<void> {
  for (const ip of ips) {
    const { code, stdout } = await node.run(["ping", "-n", "-c1", "-W5", ip], from);
    assert.equal(code, 0, `${ip}: ${stdout}`);
  }
}
async function nothingLeft(): Promise<void> {
  assert.deepEqual([await addresses(), await podLinks(), endpointFiles()], [[], [], []]);
  const { stdout } = await node.run(["ip", "-json", "route", "show", "table", "10"], node.netns);
  const pods = (JSON.parse(stdout) as { dev?: string }[]).filter(({ dev }) => dev?.startsWith("rom"));
  assert.deepEqual(pods, []);
}

for (const cniVersion of ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
  test(`${cniVersion}: ADD gives both families, reached from and reaching node, outside and other pods; DEL takes all`, async () => {
    const config = { cniVersion };
    const [a, b] = ["a", "b"].map((id) => ({
      id: `${id}-${cniVersion}`,
      netns: node.pod(`${id}-${cniVersion}`),
      config,
    }));
    assert.ok(a && b);
    const [first, second] = [await add(a), await add(b)];
    assert.equal(first.cniVersion, cniVersion);
    assert.deepEqual(
      first.ips.map(({ interface: at }) => first.interfaces[at]?.sandbox),
      [a.netns, a.netns],
    );
    await reaches(a.netns, [...ipsOf(second), ...NODE.ips, ...OUTSIDE.ips]);
    await reaches(node.netns, ipsOf(first));
    if (cniVersion !== "0.3.1") await done("CHECK", { ...a, config: { ...config, prevResult: first } });
    for (const call of [a, b]) await done("DEL", call);
    await nothingLeft();
  });

test("the interface is called as the runtime says, with the MTU of the configuration; two in one container are two", async () => {
  const netns = node.pod("names");
  const calls = [
    { id: "names", netns, ifname: "net-é.1", config: { mtu: 1400 } },
    { id: "names", netns, ifname: "eth1", config: { name: "other" } },
  ];
  const [{ interfaces }] = [await add(calls[0] as CniCall), await add(calls[1] as CniCall)];
  assert.equal(interfaces[1]?.name, "net-é.1");
  assert.deepEqual((await links(netns)).sort(), ["eth1", "lo", "net-é.1"]);
  assert.match((await node.run(["ip", "link", "show", "net-é.1"], netns)).stdout, /mtu 1400/);
  for (const call of calls) await done("DEL", call);
  await nothingLeft();
});

test("an ADD that is tried again gets the same addresses, and a DEL that comes again or late frees nobody else's", async () => {
  const netns = node.pod("again");
  const first = await add({ id: "again", netns });
  assert.deepEqual((await add({ id: "again", netns })).ips, first.ips);
  assert.equal((await podLinks()).length, 1);
  for (let i = 0; i < 3; i++) await done("DEL", { id: "again" });
  // Somebody else asks for the freed addresses; the late DEL of the first leaves them to him.
  const config = { args: { cni: { ips: ipsOf(first) } } };
  const heir = { id: "heir", netns: node.pod("heir"), config };
  assert.deepEqual((await add(heir)).ips, first.ips);
  await done("DEL", { id: "again", netns });
  assert.deepEqual(
    (await addresses()).map(({ name }) => name),
    ["romana/heir/eth0"],
  );
  await reaches(heir.netns, NODE.ips);
  await done("DEL", heir);
  await nothingLeft();
});

test("a DEL frees what only the daemon knows of: an ADD that died between the two", async () => {
  const body = JSON.stringify({ name: "romana/died/eth0", host: NODE.name, tenant: "t" });
  const headers = ["-H", "content-type: application/json"];
  await node.run(["curl", "-sSf", ...headers, "-d", body, "http://127.0.0.1:9600/address"], node.netns);
  assert.equal((await addresses()).length, 1);
  await done("DEL", { id: "died" });
  await nothingLeft();
});

/** Each row: how it is asked for; environment and configuration. */
const statics: readonly (readonly [string, Partial<CniCall>])[] = [
  ["runtimeConfig", { config: { runtimeConfig: { ips: ["10.0.7.7/24", "fd00:2::77"] } } }],
  ["args.cni", { config: { args: { cni: { ips: ["10.0.7.7", "fd00:2::77"] } } } }],
  ["CNI_ARGS", { args: "IgnoreUnknown=1;IP=10.0.7.7,fd00:2::77" }],
];
for (const [how, call] of statics)
  test(`static addresses by ${how}; taken ones are refused, and the refused ADD leaves nothing`, async () => {
    const [fixed, rival] = [
      { id: "fixed", netns: node.pod(`fixed-${how}`), ...call },
      { id: "rival", netns: node.pod(`rival-${how}`), ...call },
    ];
    assert.deepEqual(ipsOf(await add(fixed)), ["10.0.7.7", "fd00:2::77"]);
    await refused("ADD", rival, 100, /10\.0\.7\.7.*romana\/fixed\/eth0|belongs/);
    assert.deepEqual(await links(rival.netns), ["lo"]);
    await done("DEL", fixed);
    await nothingLeft();
  });

test("one static address brings another of the other family", async () => {
  const call = { id: "one", netns: node.pod("one"), args: "IP=10.0.9.9" };
  const ips = ipsOf(await add(call));
  assert.deepEqual([ips[0], ips[1]?.includes(":")], ["10.0.9.9", true]);
  await done("DEL", call);
});

/** Each row: what is wrong, the call, the code, what is said. */
const failing: readonly (readonly [string, () => CniCall, number, RegExp])[] = [
  [
    "a namespace that is gone",
    () => ({ id: "x", netns: "/run/netns/rom-nowhere" }),
    3,
    /CNI_NETNS.*rom-nowhere/,
  ],
  ["a namespace that is none", () => ({ id: "x", netns: "/etc/passwd" }), 3, /CNI_NETNS.*passwd/],
  [
    "a name that the container has",
    () => ({ id: "x", netns: node.pod("taken"), ifname: "lo" }),
    4,
    /CNI_IFNAME.*lo/,
  ],
  [
    "an address outside of the network",
    () => ({ id: "x", netns: node.pod("far"), args: "IP=8.8.8.8" }),
    100,
    /8\.8\.8\.8.*10\.0\.0\.0\/16/,
  ],
  [
    "two addresses of one family",
    () => ({ id: "x", netns: node.pod("two"), args: "IP=10.0.1.1,10.0.1.2" }),
    100,
    /one address a family/,
  ],
  [
    "the name of another host",
    () => ({ id: "x", netns: node.pod("host"), config: { romana_host_name: "node-2" } }),
    7,
    /romana_host_name.*node-2.*node-1/,
  ],
  [
    "garbage as configuration",
    () => ({ id: "x", netns: node.pod("garbage"), config: `{"socket":"${node.socket}",\u0000` }),
    6,
    /not JSON/,
  ],
  [
    "a NUL in the network's name",
    () => ({ id: "x", netns: node.pod("nul"), config: { name: "a\u0000b" } }),
    7,
    /name.*\\u0000/,
  ],
];
for (const [what, call, code, says] of failing)
  test(`ADD refuses ${what}, and leaves nothing`, async () => {
    await refused("ADD", call(), code, says);
    await nothingLeft();
  });

test("an ADD that cannot be kept is undone, and tried again later", async () => {
  const endpoints = join(node.bed.dir, "state/endpoints");
  rmSync(endpoints, { recursive: true });
  const call = { id: "unkept", netns: node.pod("unkept") };
  await refused("ADD", call, 11, /STATE_DIR/);
  mkdirSync(endpoints);
  assert.deepEqual(await links(call.netns), ["lo"]);
  await nothingLeft();
});

/** Each row: what is broken, the command that breaks it in the pod or on the node, what CHECK says. */
const broken: readonly (readonly [string, "pod" | "node", (name: string) => string, RegExp])[] = [
  ["an address is gone", "pod", () => "address del 10.0.5.5/32 dev eth0", /address 10\.0\.5\.5 is gone/],
  ["the default route is gone", "pod", () => "-6 route del default", /IPv6 default route is gone/],
  ["the interface is down", "pod", () => "link set eth0 down", /eth0 is down/],
  ["the interface is gone", "pod", () => "link del eth0", /eth0 is gone/],
  ["the pair is gone", "node", (name) => `link del ${name}`, /rom\w+ is gone/],
];
for (const [what, where, command, says] of broken)
  test(`CHECK says that ${what}; DEL works all the same`, async () => {
    const call = { id: "check", netns: node.pod(`check-${what.replaceAll(" ", "-")}`), args: "IP=10.0.5.5" };
    const prevResult = await add(call);
    await done("CHECK", { ...call, config: { prevResult } });
    const argv = ["ip", ...command(prevResult.interfaces[0]?.name ?? "").split(" ")];
    assert.equal((await node.run(argv, where === "pod" ? call.netns : node.netns)).code, 0);
    await refused("CHECK", { ...call, config: { prevResult } }, 101, says);
    await done("DEL", call);
    await nothingLeft();
  });

test("CHECK wants the result of the ADD, and of this one", async () => {
  const call = { id: "prev", netns: node.pod("prev") };
  const prevResult = await add(call);
  await refused("CHECK", call, 7, /prevResult: missing/);
  const other = { ...prevResult, ips: [{ address: "10.0.200.1/32" }] };
  await refused("CHECK", { ...call, config: { prevResult: other } }, 7, /prevResult\.ips/);
  await done("DEL", call);
  await refused("CHECK", { ...call, config: { prevResult } }, 3, /no attachment romana\/prev\/eth0/);
});

test("GC frees what the runtime does not name, and what only the daemon knows of; other networks stay", async () => {
  const named = (id: string, name = "romana") => ({ id, netns: node.pod(`gc-${id}`), config: { name } });
  const [kept, stale, foreign] = [named("kept"), named("stale"), named("foreign", "other")];
  for (const call of [kept, stale, foreign]) await add(call);
  const body = JSON.stringify({ name: "romana/leaked/eth0", host: NODE.name, tenant: "t" });
  const headers = ["-H", "content-type: application/json"];
  await node.run(["curl", "-sSf", ...headers, "-d", body, "http://127.0.0.1:9600/address"], node.netns);
  const gc = (list?: object[]): Promise<void> =>
    done("GC", {
      id: "",
      config: { cniVersion: "1.1.0", ...(list && { "cni.dev/valid-attachments": list }) },
    });
  await gc();
  assert.equal(
    (await addresses()).length,
    4,
    "a runtime that names nothing has not said that nothing is in use",
  );
  await gc([{ containerID: "kept", ifname: "eth0" }]);
  assert.deepEqual((await addresses()).map(({ name }) => name).sort(), [
    "other/foreign/eth0",
    "romana/kept/eth0",
  ]);
  await reaches(kept.netns, NODE.ips);
  for (const call of [kept, stale, foreign]) await done("DEL", call);
  await nothingLeft();
});

test("a hundred ADDs at once, then a hundred DELs, leave nothing behind", async () => {
  const [helper] = await helperOfAgent();
  const openFiles = (): number => readdirSync(`/proc/${helper}/fd`).length;
  const before = openFiles();
  const calls = Array.from({ length: 100 }, (_, i) => ({ id: `many-${i}`, netns: node.pod(`many-${i}`) }));
  const results = await Promise.all(calls.map(add));
  assert.equal(new Set(results.flatMap(ipsOf)).size, 200);
  await reaches(calls[0]?.netns ?? "", ipsOf(results[99] as CniOutput));
  // Half of them at the same time as their own ADD tried once more, as a runtime that lost patience does.
  await Promise.all(
    calls.flatMap((call, i) => (i % 2 ? [done("DEL", call)] : [add(call), done("DEL", call)])),
  );
  await Promise.all(calls.map((call) => done("DEL", call)));
  await nothingLeft();
  await eventually(() => assert.equal(openFiles(), before));
});

async function helperOfAgent(): Promise<string[]> {
  const pid = node.agentPid();
  const { stdout } = await node.run(["cat", `/proc/${pid}/task/${pid}/children`], node.netns);
  return stdout.trim().split(" ");
}

test("garbage on the socket is answered or cut off, and hurts nobody", async () => {
  const speak = (bytes: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const socket = connect(node.socket, () => socket.end(bytes));
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
      socket.on("close", () => resolve(Buffer.concat(chunks)));
    });
  const frame = (text: string): Buffer => Buffer.concat([lengthOf(text.length), Buffer.from(text)]);
  for (const [bytes, code] of [
    [Buffer.from("GET / HTTP/1.1\r\n\r\n"), 6],
    [lengthOf(0xffffffff), 6],
    [lengthOf(1000), 6],
    [Buffer.from([1]), 6],
    [frame("no zero anywhere"), 6],
    [frame("CNI_COMMAND=ADD\0\0{}"), 1],
    [frame("CNI_COMMAND=\x01\0\0{}"), 4],
  ] as const) {
    const reply = await speak(bytes);
    assert.equal((JSON.parse(reply.subarray(8).toString()) as CniOutput).code, code, bytes.toString());
    assert.equal(reply.readUInt32LE(0), 1);
  }
  const silent = connect(node.socket);
  await done("STATUS", { id: "", config: { cniVersion: "1.1.0" } });
  silent.destroy();
});

const lengthOf = (length: number): Buffer => encodeReply(length, "").subarray(0, 4);
