// Requests of any host reach any daemon, as behind a load balancer. Real etcd.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestStore } from "../../../test/store/etcd.ts";
import { startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { startEtcd } from "../../../test/support/etcd.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { seededRng } from "../../base/clock.ts";
import type { AddressReply, BlockList } from "../../core/api/types.ts";

const DAEMONS = 4;
const HOSTS = 3;
const REQUESTS = 900;
const IN_FLIGHT = 64;
/** Addresses of a block of `twoRacks`, of either family. */
const BLOCK = 8;

test("daemons that fill the blocks of the same hosts grant every request, no address twice, and leave few half-filled", async (t) => {
  const etcd = await startEtcd();
  t.after(() => etcd.dispose());
  const start = async (_: unknown, i: number) => {
    const store = `etcd:${etcd.urls.join()}`;
    const argv = ["--adoption-window", "0", "--store", store, "--listen", `127.0.0.1:${i + 1}`];
    const running = await startDaemon({ argv, store: await openTestStore(etcd.urls) });
    t.after(() => running.close());
    return running;
  };
  const daemons = await Promise.all(Array.from({ length: DAEMONS }, start));
  const [first] = daemons;
  assert.ok(first);
  await first.call("POST /topology", twoRacks);
  for (let i = 0; i < HOSTS; i++)
    await first.call("POST /hosts", { name: `h${i}`, ip: `192.168.0.${i}`, tags: { rack: "a" } });
  await eventually(() => assert.ok(daemons.every(({ daemon }) => daemon.mirror.state.hosts.size === HOSTS)));
  const rng = seededRng(20261130);
  const any = <T>(items: readonly T[]): T => items[Math.floor(rng() * items.length)] as T;
  const ips: string[] = [];
  let asked = 0;
  const client = async (): Promise<void> => {
    while (asked < REQUESTS) {
      const request = { name: `p${asked++}`, host: `h${Math.floor(rng() * HOSTS)}`, tenant: "t" };
      const { status, body } = await any(daemons).call("POST /address", request);
      assert.equal(status, 200, JSON.stringify(body));
      ips.push(...(body as AddressReply).ips);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, client));
  assert.equal(new Set(ips).size, 2 * REQUESTS);
  const { blocks } = (await first.call("GET /blocks")).body as unknown as BlockList;
  const least = (2 * REQUESTS) / BLOCK;
  t.diagnostic(`${blocks.length} blocks, ${least} would do`);
  // A block for each address that met another daemon would be several times as many.
  assert.ok(blocks.length <= 2 * least, `${blocks.length} blocks`);
});
