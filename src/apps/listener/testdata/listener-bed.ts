// A listener between an API server that fails when told to and a real daemon on a store in memory.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Call, startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { type FakeKube, startFakeKube } from "../../../../test/support/fake-kube.ts";
import { silentLog } from "../../../base/log.ts";
import { readOptions } from "../../../base/options.ts";
import type { HostList } from "../../../core/api/types.ts";
import { listenerOptions } from "../config.ts";
import { type Listener, startListener } from "../wire.ts";

export type Bed = {
  readonly kube: FakeKube;
  /** Of the daemon. */
  readonly call: Call;
  readonly start: () => Promise<Listener>;
  /** What the listener that was started last says of itself. */
  readonly ready: () => Promise<{ status: number; body: unknown }>;
  /** Waits until the daemon knows just these hosts: by name, address and group. */
  readonly know: (hosts: Record<string, string>) => Promise<void>;
};

export async function setUp(t: TestContext): Promise<Bed> {
  const kube = await startFakeKube();
  const daemon = await startDaemon();
  await daemon.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = daemon.app.server.address() as AddressInfo;
  const dir = mkdtempSync(join(tmpdir(), "romana-listener-"));
  const kubeconfig = join(dir, "config");
  writeFileSync(kubeconfig, kubeconfigOf(kube));
  await daemon.call("POST /topology", twoRacks);
  const listeners: Listener[] = [];
  let metrics = "";
  t.after(async () => {
    for (const listener of listeners) await listener.close();
    kube.close();
    await daemon.close();
    rmSync(dir, { recursive: true });
  });
  const argv = ["--daemon", `http://127.0.0.1:${port}`, "--kubeconfig", kubeconfig, "--resync", "1s"];
  return {
    kube,
    call: daemon.call,
    async start() {
      metrics = `127.0.0.1:${await freePort()}`;
      const config = readOptions(listenerOptions, {
        argv: [...argv, "--metrics", metrics],
        ...{ env: {}, envPrefix: "TEST" },
      });
      const listener = await startListener(config, { env: {}, log: silentLog });
      listeners.push(listener);
      return listener;
    },
    async ready() {
      const reply = await fetch(`http://${metrics}/readyz`);
      return { status: reply.status, body: await reply.json() };
    },
    know: (wanted) => eventually(async () => assert.deepEqual(await hosts(daemon.call), wanted)),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const kubeconfigOf = ({ access }: FakeKube): string =>
  JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server: access.server.href } }],
    users: [{ name: "u", user: { token: "secret" } }],
  });

/** With an address of the other family too. */
export const putNode = (
  kube: FakeKube,
  name: string,
  address: string,
  labels: Record<string, string> = {},
): void =>
  kube.put("/api/v1/nodes", {
    metadata: { name, labels },
    status: {
      addresses: [address, `fd00:9::${address.replaceAll(".", ":")}`].map((each) => ({ type: "InternalIP", address: each })),
      conditions: [{ type: "Ready", status: "True" }],
    },
  });

export async function hosts(call: Call): Promise<Record<string, string>> {
  const { body } = await call("GET /hosts");
  const list = body as unknown as HostList;
  return Object.fromEntries(list.hosts.map(({ name, ip, groups }) => [name, `${ip} ${groups[0]}`]));
}
