// Pods keep talking, whatever happens to the agent: to each other, and to a pod of another node that only our routes lead to.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { after, before, test } from "node:test";
import { ip, stop } from "../../../test/support/bed.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { startNode, type TestNode } from "../../../test/support/node.ts";

let node: TestNode;
let remote: string;
/** Addresses: of the second pod here, and of the one on the other node. */
let targets: readonly string[];
const podNames = ["one", "two"];

const short = (path: string): string => path.split("/").at(-1) ?? "";
const post = async (path: string, body: unknown): Promise<{ ips: string[] }> => {
  const url = `http://127.0.0.1:9600${path}`;
  const curl = ["curl", "-sSf", "-H", "content-type: application/json", "-d", JSON.stringify(body), url];
  const { code, stdout, stderr } = await node.run(curl, node.netns);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as { ips: string[] };
};

/** A second node, on a link of its own: the default route does not lead there. */
function wireRemote(): void {
  remote = node.bed.netns("remote");
  const [here, there] = [short(node.netns), short(remote)];
  ip("-n", here, "link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", there);
  for (const [ns, last] of [
    [here, 1],
    [there, 2],
  ] as const) {
    ip("-n", ns, "address", "add", `192.168.1.${last}/24`, "dev", "eth1");
    ip("-n", ns, "address", "add", `fd00:9::${last}/64`, "dev", "eth1", "nodad");
    ip("-n", ns, "link", "set", "eth1", "up");
  }
  ip("-n", there, "route", "add", "10.0.0.0/16", "via", "192.168.1.1");
  ip("-n", there, "-6", "route", "add", "fd00:2::/64", "via", "fd00:9::1");
}

before(async () => {
  node = await startNode();
  wireRemote();
  await post("/hosts", { name: "node-2", ips: ["192.168.1.2", "fd00:9::2"] });
  const far = await post("/address", { name: "far", host: "node-2", tenant: "t", segment: "" });
  for (const address of far.ips) ip("-n", short(remote), "address", "add", address, "dev", "lo");
  const near: string[] = [];
  for (const name of podNames) {
    const { json } = await node.cni("ADD", { id: name, netns: node.pod(name) });
    near.push(...(json?.ips ?? []).map(({ address }) => address.replace(/\/.*/, "")));
  }
  targets = [...near.slice(2), ...far.ips];
  for (const target of targets) await eventually(() => pingOnce(target));
});
after(() => node.close());

const podNetns = (name: string): string => `${node.netns.replace(/node$/, "")}${name}`;

async function pingOnce(target: string): Promise<void> {
  const { code, stdout } = await node.run(["ping", "-n", "-c1", "-W0.2", target], podNetns("one"));
  assert.equal(code, 0, stdout);
}

/** Runs `happening` while pod one pings all targets, 100 times a second; what was lost, by target. */
async function lostDuring(happening: () => Promise<void>): Promise<Record<string, number>> {
  const pings = targets.map((target, i): [string, string, ChildProcess] => {
    const name = `ping-${++runs}-${i}`;
    return [target, name, node.bed.start(name, ["ping", "-n", "-q", "-i", "0.01", target], podNetns("one"))];
  });
  await happening();
  const lost: Record<string, number> = {};
  for (const [target, name, ping] of pings) {
    await stop(ping, "SIGINT");
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(node.bed.log(name)) ?? [];
    assert.ok(Number(sent) > 5, `${target}: ${node.bed.log(name)}`);
    // The last may be under way when ping is stopped.
    lost[target] = Math.max(0, Number(sent) - Number(received) - 1);
  }
  return lost;
}
let runs = 0;

const none = (): Record<string, number> => Object.fromEntries(targets.map((target) => [target, 0]));
const untilReadiness = (wanted: RegExp): Promise<void> =>
  eventually(async () => {
    const { stdout } = await node.run(["curl", "-sS", "http://127.0.0.1:9607/readyz"], node.netns);
    assert.match(stdout, wanted);
  });

const deaths: readonly (readonly [string, NodeJS.Signals])[] = [
  ["stopped", "SIGTERM"],
  ["killed", "SIGKILL"],
];
for (const [what, signal] of deaths)
  test(`no packet is lost while the agent is ${what} and started again`, async () => {
    const lost = await lostDuring(async () => {
      await node.stopAgent(signal);
      await node.startAgent();
      await untilReadiness(/"routes":"ok","filter":"ok","daemon":"ok"/);
    });
    assert.deepEqual(lost, none());
  });

test("no packet is lost while the daemon dies, comes again with nothing and waits to be told", async () => {
  const lost = await lostDuring(async () => {
    await node.stopDaemon("SIGKILL");
    await node.startDaemon("--adoption-window", "60s");
    await eventually(async () =>
      assert.equal((await node.get<{ hosts: unknown[] }>("/hosts")).hosts.length, 1),
    );
    await untilReadiness(/STORE_FORGOT/);
  });
  assert.deepEqual(lost, none());
});

test("a pod whose pair goes down and up is reached within a second, without asking for its neighbour", async () => {
  const [near4 = ""] = targets;
  const { stdout } = await node.run(["ip", "-o", "route", "get", near4], node.netns);
  const pair = /dev (rom\S+)/.exec(stdout)?.[1] ?? "";
  ip("-n", short(node.netns), "link", "set", pair, "down");
  ip("-n", short(node.netns), "link", "set", pair, "up");
  await eventually(() => pingOnce(near4), { within: 1000 });
  ip("-n", short(node.netns), "link", "set", pair, "down");
  await eventually(() => pingOnce(near4), { within: 1000 });
  assert.match(
    ip("-n", short(node.netns), "neigh", "show", "dev", pair),
    new RegExp(`${near4} lladdr \\S+ PERMANENT`),
  );
});
