// The shipped configuration list, executed as a runtime does, with Debian's portmap and bandwidth after Romana's plugin: real packets
// come through a port of the host, and no faster than they may.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nativePath } from "../../../../test/support/bed.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import type { CniCall, CniOutput } from "../../../../test/support/cni-plugin.ts";
import { NODE, OUTSIDE, startNode, type TestNode } from "../../../../test/support/node.ts";

type Plugin = { readonly type: string; readonly capabilities?: Readonly<Record<string, boolean>> };
type List = { readonly cniVersion: string; readonly name: string; readonly plugins: readonly Plugin[] };
const shipped = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../../deploy/cni/10-romana.conflist"), "utf8"),
) as List;
const WITHIN = { within: 20_000 };

let node: TestNode;
before(async () => {
  node = await startNode();
});
after(() => node?.close());

/** Section 3 of the specification: each plugin with the result of the one before; DEL in reverse, with the last. */
async function execute(
  command: "ADD" | "CHECK" | "DEL",
  call: CniCall,
  runtime: Readonly<Record<string, unknown>>,
  last?: CniOutput,
): Promise<CniOutput | undefined> {
  let prevResult = last;
  for (const plugin of command === "DEL" ? shipped.plugins.toReversed() : shipped.plugins) {
    const { capabilities = {}, ...own } = plugin;
    const runtimeConfig = Object.fromEntries(Object.entries(runtime).filter(([name]) => capabilities[name]));
    const romana = plugin.type === "romana";
    const config = {
      ...{ ...own, name: shipped.name, cniVersion: shipped.cniVersion, runtimeConfig, prevResult },
      ...(romana ? { socket: node.socket } : {}),
    };
    const argv = romana ? [nativePath, "cni"] : [`/usr/lib/cni/${plugin.type}`];
    const { code, json } = await node.plugin(argv, command, call, JSON.stringify(config));
    assert.equal(code, 0, `${command} ${plugin.type}: ${JSON.stringify(json)}`);
    if (command === "ADD") prevResult = json;
  }
  return prevResult;
}

test("the list is of version 1.0.0, which containerd 1.6 takes, and Romana's plugin comes first", () => {
  assert.deepEqual([shipped.cniVersion, shipped.plugins[0]?.type], ["1.0.0", "romana"]);
});

test("a port of the host leads to the pod, in both families, until the DEL", async () => {
  const call = { id: "web", netns: node.pod("web") };
  const runtime = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] };
  const result = await execute("ADD", call, runtime);
  node.bed.start("httpd", ["busybox", "httpd", "-f", "-p", "80", "-h", node.bed.dir], call.netns);
  const fetchFile = async (host: string): Promise<string> =>
    (await node.run(["curl", "-sS", "-g", "-m", "2", `http://${host}:8080/topology.json`], node.outside))
      .stdout;
  const hosts = [NODE.ips[0], `[${NODE.ips[1]}]`];
  for (const host of hosts)
    await eventually(async () => assert.match(await fetchFile(host), /topologies/), WITHIN);
  // No CHECK: portmap 1.1.1 looks for the IPv4 rules among those of IPv6.
  await execute("DEL", call, runtime, result);
  await execute("DEL", call, runtime, result);
  for (const host of hosts) assert.equal(await fetchFile(host), "");
});

const LIMIT = 20e6; // bit/s

/** bit/s of TCP from outside into the pod and back out. */
async function throughput(ip: string): Promise<number[]> {
  const measure = (...flags: string[]): Promise<number> =>
    eventually(async () => {
      const argv = ["iperf3", "-c", ip, "-t", "1", "-J", "--connect-timeout", "2000", ...flags];
      const { code, stdout } = await node.run(argv, node.outside);
      assert.equal(code, 0, stdout);
      return (JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } }).end.sum_received
        .bits_per_second;
    }, WITHIN);
  return [await measure(), await measure("-R")];
}

test("a pod with a bandwidth gets it, in both directions, and its neighbour is not slowed", async () => {
  const burst = 1e6; // bit
  const bandwidth = { ingressRate: LIMIT, ingressBurst: burst, egressRate: LIMIT, egressBurst: burst };
  const slow = { id: "slow", netns: node.pod("slow") };
  const fast = { id: "fast", netns: node.pod("fast") };
  const results = [await execute("ADD", slow, { bandwidth }), await execute("ADD", fast, {})] as const;
  for (const { id, netns } of [slow, fast]) node.bed.start(`iperf-${id}`, ["iperf3", "-s"], netns);
  const [slowIps, fastIps] = results.map((result) =>
    (result?.ips ?? []).map(({ address }) => address.split("/")[0] ?? ""),
  );
  for (const ip of slowIps ?? [])
    for (const rate of await throughput(ip)) assert.ok(rate < 1.5 * LIMIT, `${ip}: ${rate / 1e6} Mbit/s`);
  for (const rate of await throughput(fastIps?.[0] ?? ""))
    assert.ok(rate > 3 * LIMIT, `${rate / 1e6} Mbit/s`);
  await execute("CHECK", slow, { bandwidth }, results[0]);
  await execute("DEL", slow, { bandwidth }, results[0]);
  await execute("DEL", fast, {}, results[1]);
  const { stdout } = await node.run(["ip", "-json", "link"], node.netns);
  const left = (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname);
  assert.deepEqual(
    left.filter((name) => name !== "lo" && name !== "eth0"),
    [],
  );
});

test("a static address that the runtime was asked for comes through the list", async () => {
  const call = { id: "fixed", netns: node.pod("fixed") };
  const result = await execute("ADD", call, { ips: ["10.0.3.3/16"] });
  assert.equal(result?.ips[0]?.address, "10.0.3.3/32");
  const { code } = await node.run(["ping", "-n", "-c1", "-W5", OUTSIDE.ips[0]], call.netns);
  assert.equal(code, 0);
  await execute("DEL", call, {}, result);
});
