// The whole listener between an API server that fails when told to and a real daemon on a store in memory.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type Call, startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { type FakeKube, startFakeKube } from "../../../test/support/fake-kube.ts";
import { silentLog } from "../../base/log.ts";
import { readOptions } from "../../base/options.ts";
import type { HostList } from "../../core/api/types.ts";
import { listenerOptions } from "./config.ts";
import { type Listener, startListener } from "./wire.ts";

const NODES = "/api/v1/nodes";

type Bed = { readonly kube: FakeKube; readonly call: Call; readonly start: () => Promise<Listener> };

async function setUp(t: TestContext): Promise<Bed> {
  const kube = await startFakeKube();
  const daemon = await startDaemon();
  await daemon.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = daemon.app.server.address() as AddressInfo;
  const dir = mkdtempSync(join(tmpdir(), "romana-listener-"));
  const kubeconfig = join(dir, "config");
  writeFileSync(kubeconfig, kubeconfigOf(kube));
  await daemon.call("POST /topology", twoRacks);
  const listeners: Listener[] = [];
  t.after(async () => {
    for (const listener of listeners) await listener.close();
    kube.close();
    await daemon.close();
    rmSync(dir, { recursive: true });
  });
  const argv = ["--daemon", `http://127.0.0.1:${port}`, "--kubeconfig", kubeconfig, "--metrics", "0"];
  return {
    kube,
    call: daemon.call,
    async start() {
      const config = readOptions(listenerOptions, { argv, env: {}, envPrefix: "TEST" });
      const listener = await startListener(config, { env: {}, log: silentLog });
      listeners.push(listener);
      return listener;
    },
  };
}

const kubeconfigOf = ({ access }: FakeKube): string =>
  JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server: access.server.href } }],
    users: [{ name: "u", user: { token: "secret" } }],
  });

const putNode = (kube: FakeKube, name: string, address: string, labels: Record<string, string> = {}): void =>
  kube.put(NODES, {
    metadata: { name, labels },
    status: { addresses: [{ type: "InternalIP", address }], conditions: [{ type: "Ready", status: "True" }] },
  });

/** By name: address and group. */
async function hosts(call: Call): Promise<Record<string, string>> {
  const { body } = await call("GET /hosts");
  const list = body as unknown as HostList;
  return Object.fromEntries(list.hosts.map(({ name, ip, groups }) => [name, `${ip} ${groups[0]}`]));
}

const know = (call: Call, wanted: Record<string, string>): Promise<void> =>
  eventually(async () => assert.deepEqual(await hosts(call), wanted));

test("nodes that are there, come, change and go are the daemon's hosts, each in the group of its labels", async (t) => {
  const { kube, call, start } = await setUp(t);
  putNode(kube, "a", "192.168.0.1", { rack: "a" });
  await start();
  await know(call, { a: "192.168.0.1 rack-a" });
  putNode(kube, "b", "192.168.0.2", { rack: "b" });
  await know(call, { a: "192.168.0.1 rack-a", b: "192.168.0.2 rack-b" });
  putNode(kube, "b", "192.168.0.3", { rack: "a" });
  await know(call, { a: "192.168.0.1 rack-a", b: "192.168.0.3 rack-a" });
  kube.remove(NODES, "a");
  await know(call, { b: "192.168.0.3 rack-a" });
});

test("a listener that was away finds what it missed, and leaves what others made", async (t) => {
  const { kube, call, start } = await setUp(t);
  putNode(kube, "a", "192.168.0.1", { rack: "a" });
  putNode(kube, "b", "192.168.0.2", { rack: "b" });
  await call("POST /hosts", { name: "by-hand", ip: "192.168.0.9", tags: { rack: "a" } });
  const first = await start();
  await eventually(async () => assert.equal(Object.keys(await hosts(call)).length, 3));
  await first.close();
  kube.remove(NODES, "a");
  putNode(kube, "c", "192.168.0.1", { rack: "b" });
  await start();
  const others = { "by-hand": "192.168.0.9 rack-a", b: "192.168.0.2 rack-b" };
  await know(call, { ...others, c: "192.168.0.1 rack-b" });
});

test("a node that was renamed gets the address that its old name had", async (t) => {
  const { kube, call, start } = await setUp(t);
  putNode(kube, "old", "192.168.0.1", { rack: "a" });
  await start();
  await know(call, { old: "192.168.0.1 rack-a" });
  putNode(kube, "new", "192.168.0.1", { rack: "a" });
  kube.remove(NODES, "old");
  await know(call, { new: "192.168.0.1 rack-a" });
});

test("an address that moves from one node to another", async (t) => {
  const { kube, call, start } = await setUp(t);
  putNode(kube, "a", "192.168.0.1", { rack: "a" });
  putNode(kube, "b", "192.168.0.2", { rack: "a" });
  const first = await start();
  await know(call, { a: "192.168.0.1 rack-a", b: "192.168.0.2 rack-a" });
  await first.close();
  putNode(kube, "b", "192.168.0.3", { rack: "a" });
  putNode(kube, "a", "192.168.0.2", { rack: "a" });
  await start();
  await know(call, { a: "192.168.0.2 rack-a", b: "192.168.0.3 rack-a" });
});
