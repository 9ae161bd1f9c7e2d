// An agent whose replica of the daemon is taken away while pods come and go: it goes on at another, and neither route nor address is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AddressList } from "../../src/core/api/types.ts";
import { parseIp } from "../../src/core/net/ip.ts";
import { Bed } from "../../test/support/bed.ts";
import { eventually } from "../../test/support/eventually.ts";
import { waysOf } from "../../test/support/route-monitor.ts";
import type { DaemonProcess } from "./bed/daemon-process.ts";
import { type FaultBed, startFaultBed } from "./bed/fault-bed.ts";
import { type FaultNode, giveFar, startFaultNode } from "./bed/fault-node.ts";
import { startChurn } from "./churn.ts";
import { FAILOVERS } from "./failovers.ts";

const TENANT = "tenant-0";
/** What a daemon gave that was parted from etcd, and nobody heard of, is found soon. */
const LEAK_GRACE = "--leak-grace=3s";
const bed = new Bed("built");
let faultBed: FaultBed;
let node: FaultNode;
/** By address that leads somewhere: all ways that it went until it did. */
const routed = new Map<string, string[]>();
const namespaces = ["one", "two", "three"].map((name) => bed.netns(name));

before(async () => {
  faultBed = await startFaultBed(bed, { members: 3, daemons: 3, clients: 1 }, [LEAK_GRACE]);
  for (const place of faultBed.clients) node = await startFaultNode(faultBed, place);
  const { code, json } = await node.cni("ADD", {
    ...{ id: "stays", netns: bed.netns("stays"), args: `ROMANA_TENANT=${TENANT}` },
  });
  assert.equal(code, 0, JSON.stringify(json));
  for (const { address } of json?.ips ?? []) await untilRouted(address.replace(/\/.*/, ""), /^dev rom/);
});
after(() => bed.dispose());

const waysTo = (ip: string): string[] => waysOf(parseIp(ip), node.routes).map(({ to }) => to);

async function untilRouted(ip: string, way: RegExp): Promise<void> {
  await eventually(() => assert.match(waysTo(ip).at(-1) ?? "", way), { within: 15_000 });
  routed.set(ip, waysTo(ip));
}

/** An address far away, given by `daemon`: resolves when the node's kernel leads there. */
async function routeFrom(daemon: DaemonProcess): Promise<void> {
  const { ip, to } = await giveFar(daemon, TENANT, routed.size);
  await untilRouted(ip, new RegExp(`^${to}$`));
}

async function checkNothingLost(daemon: DaemonProcess): Promise<void> {
  for (const [ip, ways] of routed) assert.deepEqual(waysTo(ip), ways, `${ip} led elsewhere meanwhile`);
  const told = node.routes.lines.map(({ text }) => text);
  assert.deepEqual(
    told.filter((text) => /^Deleted .* lookup /.test(text)),
    [],
  );
  await eventually(
    async () => {
      const { addresses } = await daemon.get<AddressList>(`/addresses?host=${node.name}`);
      assert.deepEqual(
        addresses.map(({ name }) => name),
        ["romana/stays/eth0"],
      );
    },
    { within: 30_000, every: 500 },
  );
}

test("an agent that loses nobody routes what it is told of", async () => {
  await routeFrom(await node.followed());
});

for (const [what, strike] of Object.entries(FAILOVERS))
  test(`when ${what}, an agent goes on at another; no route is lost, and pods come and go without an error`, async () => {
    const daemon = await node.followed();
    const other = faultBed.daemons.find((each) => each !== daemon);
    assert.ok(other);
    const churn = startChurn(node, TENANT, namespaces);
    const heal = await strike(faultBed, node.place, daemon);
    await routeFrom(other);
    await churn.pass();
    await heal();
    const { pods, faults } = await churn.stop();
    assert.deepEqual(faults, []);
    assert.ok(pods > 0);
    await checkNothingLost(other);
  });
