// Our netlink against the real kernel in a namespace of our own, with iproute2 as the witness.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { cidrOf, formatCidr, parseCidr } from "../../core/net/cidr.ts";
import { formatIp, parseIp } from "../../core/net/ip.ts";
import {
  type Change,
  type NextHop,
  type Notification,
  type Route,
  ROMANA_PROTOCOL,
} from "../../core/netlink/types.ts";
import type { Kernel, NativeHelper } from "./kernel.ts";
import { startNativeHelper } from "./native-helper.ts";

const ns = `rom-test-${process.pid}-kernel`;
const peerNs = `${ns}-peer`;
const path = `/run/netns/${ns}`;
const ip = (...words: string[]): string => execFileSync("ip", ["-n", ns, ...words], { encoding: "utf8" });
const json = (...words: string[]): Record<string, unknown>[] =>
  JSON.parse(ip("-json", ...words) || "[]") as Record<string, unknown>[];
let helper: NativeHelper;
let kernel: Kernel;
let index = 0;

before(async () => {
  for (const name of [ns, peerNs]) execFileSync("ip", ["netns", "add", name]);
  ip("link", "set", "lo", "up");
  helper = await startNativeHelper({ log: silentLog });
  kernel = await helper.kernel(path);
});
after(async () => {
  await helper.close();
  for (const name of [ns, peerNs]) execFileSync("ip", ["netns", "del", name]);
});

const hop = (via: string | undefined, onlink = false, weight = 1): NextHop => ({
  via: via === undefined ? undefined : parseIp(via),
  index,
  weight,
  onlink,
});
const route = (dst: string, rest: Partial<Route> = {}): Route => ({
  dst: parseCidr(dst),
  table: 10,
  protocol: ROMANA_PROTOCOL,
  type: "unicast",
  scope: 0,
  metric: dst.includes(":") ? 1024 : 0,
  nextHops: [hop(dst.includes(":") ? "fd00::2" : "192.168.0.2")],
  source: undefined,
  ...rest,
});
async function done(...changes: Change[]): Promise<void> {
  for (const result of await kernel.apply(changes)) assert.deepEqual(result, { kind: "done" });
}

test("a veth pair with chosen indexes, its peer in another namespace", async () => {
  const peer = await helper.openNetns(`/run/netns/${peerNs}`);
  await done({
    kind: "veth-add",
    name: "rom0",
    index: 70001,
    mac: "02:00:00:00:00:01",
    mtu: 1400,
    peerName: "eth0",
    peerIndex: 70002,
    peerMac: "02:00:00:00:00:02",
    peerNetnsFd: peer,
  });
  index = 70001;
  const [shown] = json("link", "show", "rom0");
  assert.deepEqual(
    [shown?.["ifindex"], shown?.["mtu"], shown?.["address"]],
    [70001, 1400, "02:00:00:00:00:01"],
  );
  const link = (await kernel.links()).find(({ name }) => name === "rom0");
  assert.deepEqual(
    [link?.index, link?.kind, link?.mtu, link?.up, link?.mac, link?.peerIndex],
    [70001, "veth", 1400, true, "02:00:00:00:00:01", 70002],
  );
  const inside = await helper.kernel(`/run/netns/${peerNs}`);
  await inside.apply([{ kind: "link-up", index: 70002 }]);
  assert.equal((await inside.links()).find(({ name }) => name === "eth0")?.up, true);
  await inside.close();
  assert.equal((await kernel.link(70001))?.operational, true);
  assert.equal(await kernel.link(4711), undefined);
});

test("links of a group go at once, found by name; others stay", async () => {
  for (const name of ["gone0", "gone1", "stays0"])
    ip("link", "add", name, "type", "veth", "peer", "name", `${name}p`);
  const group = 4711;
  const results = await kernel.apply([
    ...["gone0", "nowhere", "gone1"].map((name): Change => ({ kind: "link-group", name, group })),
    { kind: "group-delete", group },
    { kind: "group-delete", group },
  ]);
  assert.deepEqual(
    results.map((result) => (result.kind === "failed" ? result.code : "done")),
    ["done", "ENODEV", "done", "done", "ENODEV"],
  );
  const names = (await kernel.links()).map(({ name }) => name).filter((name) => /^(gone|stays)/.test(name));
  assert.deepEqual(names.sort(), ["stays0", "stays0p"]);
});

test("addresses of both families, as ip shows them", async () => {
  const add = (text: string, length: number): Change => ({
    kind: "address-add",
    address: { index, ip: parseIp(text), length, label: "", flags: text.includes(":") ? 2 : 0 },
  });
  await done(add("192.168.0.1", 24), add("fd00::1", 64));
  assert.match(
    ip("addr", "show", "rom0"),
    /inet 192\.168\.0\.1\/24[\s\S]*inet6 fd00::1\/64 scope global nodad/,
  );
  const own = (await kernel.addresses()).filter((address) => address.index === index && address.scope === 0);
  assert.deepEqual(own.map((address) => `${formatIp(address.ip)}/${address.length}`).sort(), [
    "192.168.0.1/24",
    "fd00::1/64",
  ]);
});

const kinds: readonly (readonly [string, () => Route])[] = [
  ["IPv4 through a gateway", () => route("10.0.0.0/8")],
  ["IPv6 through a gateway", () => route("fd01::/64")],
  ["unreachable IPv4", () => route("10.1.0.0/16", { type: "unreachable", nextHops: [] })],
  ["unreachable IPv6", () => route("fd02::/64", { type: "unreachable", nextHops: [] })],
  ["throw IPv4", () => route("10.1.128.0/17", { type: "throw", nextHops: [] })],
  ["throw IPv6", () => route("fd02:1::/64", { type: "throw", nextHops: [] })],
  ["blackhole", () => route("10.2.0.0/16", { type: "blackhole", nextHops: [] })],
  ["on-link", () => route("10.3.0.1/32", { scope: 253, nextHops: [hop(undefined)] })],
  ["a table beyond 255 with a metric", () => route("10.4.0.0/16", { table: 1000, metric: 50 })],
  [
    "two weighted next hops",
    () => route("10.5.0.0/16", { nextHops: [hop("192.168.0.2"), hop("192.168.0.3", false, 2)] }),
  ],
  ["a gateway that is on-link by force", () => route("10.6.0.0/16", { nextHops: [hop("172.16.0.1", true)] })],
  ["IPv4 via IPv6", () => route("10.7.0.0/16", { nextHops: [hop("fd00::9")] })],
  ["the IPv4 default", () => route("0.0.0.0/0")],
  ["a preferred source", () => route("10.8.0.0/16", { source: parseIp("192.168.0.1") })],
];
for (const [name, make] of kinds)
  test(`a route: ${name}: what was written is what is read`, async () => {
    const written = make();
    await done({ kind: "route-replace", route: written });
    const read = (await kernel.routes(written.dst.ip.family, written.table)).filter(
      ({ dst }) => formatCidr(dst) === formatCidr(written.dst),
    );
    assert.deepEqual(read, [written]);
    const family = written.dst.ip.family === 4 ? "-4" : "-6";
    assert.equal(
      json(family, "route", "show", "table", String(written.table), "proto", String(ROMANA_PROTOCOL)).filter(
        ({ dst }) =>
          dst === formatCidr(written.dst).replace(/\/32$/, "") ||
          (dst === "default" && written.dst.length === 0),
      ).length,
      1,
    );
    await done({ kind: "route-delete", route: written });
    assert.equal(
      (await kernel.routes(written.dst.ip.family, written.table)).some(
        ({ dst }) => formatCidr(dst) === formatCidr(written.dst),
      ),
      false,
    );
  });

test("a route with an MTU of its own is told from one without, and one that chooses by tos is not seen", async () => {
  ip("route", "add", "10.66.0.0/16", "via", "192.168.0.2", "mtu", "1000", "table", "78");
  ip("-6", "route", "add", "fd66::/64", "via", "fd00::2", "mtu", "1300", "table", "78");
  ip("route", "add", "10.67.0.0/16", "tos", "8", "via", "192.168.0.2", "table", "78");
  const read = [...(await kernel.routes(4, 78)), ...(await kernel.routes(6, 78))];
  assert.deepEqual(
    read.map(({ dst, isTuned }) => [formatCidr(dst), isTuned]),
    [
      ["10.66.0.0/16", true],
      ["fd66::/64", true],
    ],
  );
  for (const family of ["-4", "-6"]) ip(family, "route", "flush", "table", "78");
});

test("rules of both families with our protocol", async () => {
  const rules = ([4, 6] as const).map((family) => ({
    family,
    priority: 10,
    table: 10,
    protocol: ROMANA_PROTOCOL,
  }));
  await done(...rules.map((rule): Change => ({ kind: "rule-add", rule })));
  for (const rule of rules)
    assert.deepEqual(
      (await kernel.rules(rule.family)).filter(({ priority }) => priority === 10),
      [rule],
    );
  assert.match(ip("rule"), /10:\s+from all lookup 10 proto 82/);
  await done(...rules.map((rule): Change => ({ kind: "rule-delete", rule })));
});

test("a failed change names the kernel's reason and stops no other", async () => {
  const results = await kernel.apply([
    { kind: "route-add", route: route("10.9.0.0/16") },
    { kind: "route-add", route: route("10.9.0.0/16") },
    { kind: "route-delete", route: route("10.99.0.0/16") },
    { kind: "route-delete", route: route("10.9.0.0/16") },
  ]);
  assert.deepEqual(
    results.map((result) => (result.kind === "failed" ? result.code : "done")),
    ["done", "EEXIST", "ESRCH", "done"],
  );
});

type Json = Readonly<Record<string, unknown>>;
/** What `ip -json` and we call by other names, side by side. */
const listed: readonly (readonly [string, () => readonly Json[], () => Promise<readonly unknown[]>])[] = [
  [
    "links",
    () =>
      json("link", "show").map(({ ifindex, ifname, mtu, address, flags }) => ({
        ...{ index: ifindex, name: ifname, mtu, mac: address, up: (flags as string[]).includes("UP") },
      })),
    async () =>
      (await kernel.links()).map(({ index: at, name, mtu, mac, up }) => ({ index: at, name, mtu, mac, up })),
  ],
  [
    "addresses",
    () =>
      json("addr", "show").flatMap(({ ifindex, addr_info }) =>
        (addr_info as Json[]).map(({ local, prefixlen, scope }) => ({
          index: ifindex,
          local,
          prefixlen,
          scope,
        })),
      ),
    async () =>
      (await kernel.addresses()).map((each) => ({
        ...{ index: each.index, local: formatIp(each.ip), prefixlen: each.length, scope: SCOPES[each.scope] },
      })),
  ],
  [
    "rules",
    () => json("-N", "rule", "show").map(({ priority, table }) => ({ priority, table: Number(table) })),
    async () => (await kernel.rules(4)).map(({ priority, table }) => ({ priority, table })),
  ],
];
const SCOPES: Readonly<Record<number, string>> = { 0: "global", 253: "link", 254: "host" };
for (const [what, theirs, ours] of listed)
  test(`${what}: all that ip -json lists, and nothing else`, async () => {
    const expected = theirs();
    assert.ok(expected.length > 1);
    const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    assert.deepEqual([...(await ours())].sort(byText), [...expected].sort(byText));
  });

/** As `ip -json route show`, which tells no type but where it is another than unicast. */
const showRoutes = (): string[] =>
  ["-4", "-6"].flatMap((family) =>
    json("-N", family, "route", "show", "table", "77").map((each) =>
      JSON.stringify(each, Object.keys(each).sort()),
    ),
  );

test("what ip -batch writes is read, and written again it is to ip what it was", async () => {
  const [kinds4, kinds6] = [
    [
      "via 192.168.0.2",
      "via 192.168.0.3 metric 7",
      "dev rom0",
      "via 172.16.9.9 dev rom0 onlink",
      "via inet6 fd00::5",
    ],
    ["via fd00::2", "via fd00::3 metric 7", "dev rom0", "via fd00::4 dev rom0 proto bird"],
  ];
  const multipath = "nexthop via 192.168.0.2 weight 3 nexthop via 192.168.0.3 weight 1";
  const lines = Array.from({ length: 400 }, (_, i) => [
    `route add 10.${i >> 6}.${i & 63}.0/24 ${kinds4[i % kinds4.length]} table 77`,
    `route add fd77:${i.toString(16)}::/32 ${kinds6[i % kinds6.length]} table 77`,
    ...["unreachable", "blackhole", "prohibit", "throw"].map(
      (type) => `route add ${type} 10.200.${i & 63}.${i >> 6}/32 table 77`,
    ),
  ]).flatMap((each, i) => [each[0], each[1], each[2 + (i % 4)]]);
  execFileSync("ip", ["-n", ns, "-batch", "-"], {
    input: [...lines, `route add 10.250.0.0/16 table 77 ${multipath}`].join("\n"),
  });
  const written = showRoutes();
  assert.equal(written.length, 1201);
  const read = [...(await kernel.routes(4, 77)), ...(await kernel.routes(6, 77))];
  assert.equal(read.length, 1201);
  for (const family of ["-4", "-6"]) ip(family, "route", "flush", "table", "77");
  await done(...read.map((each): Change => ({ kind: "route-add", route: each })));
  assert.deepEqual(showRoutes(), written);
  await done(...read.map((each): Change => ({ kind: "route-delete", route: each })));
  assert.deepEqual(showRoutes(), []);
});

test("20,000 routes go in and come back", async () => {
  const many = Array.from({ length: 20_000 }, (_, i) => ({
    ...route("0.0.0.0/0"),
    dst: cidrOf({ family: 4, value: (10n << 24n) + BigInt(i * 8) }, 29),
  }));
  const results = await kernel.apply(many.map((each): Change => ({ kind: "route-replace", route: each })));
  assert.equal(results.filter(({ kind }) => kind === "done").length, many.length);
  assert.equal((await kernel.routes(4, 10)).length, many.length);
  await kernel.apply(many.map((each): Change => ({ kind: "route-delete", route: each })));
  assert.equal((await kernel.routes(4, 10)).length, 0);
});

test("what others do is told from the moment that listening began", { timeout: 10_000 }, async () => {
  await kernel.writeFile("/proc/sys/net/ipv4/ip_forward", "0");
  const stop = new AbortController();
  const stream = await kernel.notifications(stop.signal);
  ip("route", "add", "10.77.0.0/16", "via", "192.168.0.2", "table", "10", "proto", "82");
  ip("rule", "add", "priority", "77", "lookup", "10");
  ip("rule", "add", "priority", "78", "fwmark", "1", "lookup", "10");
  ip("link", "set", "rom0", "mtu", "1300");
  ip("addr", "add", "192.168.9.1/24", "dev", "rom0");
  await kernel.writeFile("/proc/sys/net/ipv4/ip_forward", "1");
  await kernel.writeFile("/proc/sys/net/ipv4/ip_forward", "0");
  ip("route", "del", "10.77.0.0/16", "table", "10");
  const seen: Notification[] = [];
  for await (const some of stream) {
    seen.push(...some);
    if (seen.some((each) => each.kind === "route" && each.deleted && each.route.table === 10)) break;
  }
  const told = seen.map((each) => {
    if (each.kind === "route" && each.route.table === 10)
      return `route ${formatCidr(each.route.dst)}${each.deleted ? " gone" : ""}`;
    if (each.kind === "rule") return `rule ${each.rule.priority}`;
    if (each.kind === "link") return `link ${each.link.name} ${each.link.mtu}`;
    if (each.kind === "address") return `address ${formatIp(each.address.ip)}`;
    if (each.kind === "forwarding" && each.index === -1) return `forwarding ${each.on}`;
    return "";
  });
  const wanted = [
    "route 10.77.0.0/16",
    "rule 77",
    "link rom0 1300",
    "address 192.168.9.1",
    "forwarding true",
    "forwarding false",
    "route 10.77.0.0/16 gone",
  ];
  assert.deepEqual(
    told.filter((text) => wanted.includes(text) || text.startsWith("rule")),
    wanted,
  );
  ip("rule", "del", "priority", "78");
});

test("programs run inside, files are read and written inside", async () => {
  const shown = await helper.run(["ip", "-o", "link", "show", "rom0"], { netns: path });
  assert.match(shown.stdout, /rom0/);
  assert.deepEqual(await helper.run(["sh", "-c", "cat; echo oops >&2; exit 3"], { stdin: "hello" }), {
    code: 3,
    stdout: "hello",
    stderr: "oops\n",
  });
  await kernel.writeFile("/proc/sys/net/ipv4/ip_forward", "1");
  assert.equal((await kernel.readFile("/proc/sys/net/ipv4/ip_forward")).trim(), "1");
  assert.equal((await helper.run(["sleep", "30"], { timeout: 50 })).code, 128 + 9);
});

test("what is not there is named", async () => {
  const code = (wanted: string) => (error: unknown) =>
    error instanceof UnavailableError && error.code === wanted;
  await assert.rejects(helper.kernel("/run/netns/nowhere"), code("NETNS_GONE"));
  await assert.rejects(helper.openNetns("/run/netns/nowhere"), code("NETNS_GONE"));
  await assert.rejects(helper.kernel("/etc/passwd"), code("NETNS_GONE"));
  await assert.rejects(helper.run(["no-such-program"]), code("COMMAND"));
  await assert.rejects(kernel.readFile("/proc/sys/net/nowhere"), code("FILE_READ"));
  await assert.rejects(
    startNativeHelper({ path: "/nowhere/native", log: silentLog }),
    code("NATIVE_MISSING"),
  );
});

test("the death of the helper fails what is under way", async () => {
  const other = await startNativeHelper({ log: silentLog });
  const waiting = other.run(["sleep", "30"]);
  await other.close();
  await assert.rejects(waiting, (error) => error instanceof UnavailableError && error.code === "NATIVE_DIED");
  await assert.rejects(
    other.kernel(),
    (error) => error instanceof UnavailableError && error.code === "NATIVE_DIED",
  );
});
