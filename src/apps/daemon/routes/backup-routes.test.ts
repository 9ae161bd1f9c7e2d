// `GET /backup`: one revision of a store that is written to meanwhile, over a real port; and what a reader gets that cannot have it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, test } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { systemClock } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import { checkBackup, readBackup } from "../../../io/store/backup/read-backup.ts";
import { createMemoryStore } from "../../../io/store/memory-store.ts";

const failing = new Set<string>();
let pages = 0;
const store = createMemoryStore({
  clock: systemClock,
  faults(method) {
    if (failing.has(method) && (method !== "snapshot" || pages++ > 1))
      throw new UnavailableError({ code: "STORE_TIMEOUT" });
  },
});
const running = await startDaemon({ store });
const { call } = running;
after(() => running.close());
await call("POST /topology", twoRacks);
await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
for (let i = 0; i < 1200; i += 60)
  await Promise.all(
    Array.from({ length: 60 }, (_, j) =>
      call("POST /address", { name: `p${i + j}`, host: "h1", tenant: "t" }),
    ),
  );
const root = await running.app.listen({ host: "127.0.0.1", port: 0 });
const fetchBackup = async (): Promise<AsyncIterable<Uint8Array>> => {
  const reply = await fetch(`${root}/backup`);
  assert.deepEqual([reply.status, reply.headers.get("content-type")], [200, "application/x-ndjson"]);
  return reply.body as unknown as AsyncIterable<Uint8Array>;
};

test("a backup is whole and of one revision while addresses come and go", async () => {
  let writing = true;
  const churn = (async () => {
    for (let i = 0; writing; i++) {
      await call("POST /address", { name: `churn-${i}`, host: "h1", tenant: "t" });
      await call(`DELETE /address?addressName=churn-${i}`);
    }
  })();
  const used = new Map<string, string>();
  const held = new Map<string, string>();
  for await (const { pairs } of readBackup(await fetchBackup(), "backup"))
    for (const { key, value } of pairs) {
      const record = JSON.parse(value) as {
        slots?: Record<string, [string, number] | number>;
        name?: string;
      };
      for (const slot of Object.values(record.slots ?? {})) if (Array.isArray(slot)) used.set(slot[0], key);
      if (key.startsWith("/romana/v3/addresses/")) held.set(record.name ?? "", key);
    }
  writing = false;
  await churn;
  assert.ok(held.size >= 1200);
  assert.deepEqual([...used.keys()].sort(), [...held.keys()].sort());
});

test("a store that cannot answer is a 503", async () => {
  failing.add("get");
  const { status, body } = await call("GET /backup");
  failing.clear();
  assert.deepEqual([status, body["code"]], [503, "STORE_TIMEOUT"]);
});

test("a store that fails in the middle ends the stream without a trailer: the reader has no backup", async () => {
  failing.add("snapshot");
  pages = 0;
  await assert.rejects(async () => checkBackup(await fetchBackup(), "backup"));
  failing.clear();
  await checkBackup(await fetchBackup(), "backup");
});

test("a reader that goes away is forgotten", async () => {
  const before = await connections();
  const socket = connect(Number(new URL(root).port), "127.0.0.1");
  socket.write("GET /backup HTTP/1.1\r\nhost: x\r\n\r\n");
  await once(socket, "data");
  socket.destroy();
  await eventually(async () => assert.ok((await connections()) <= before));
});

const connections = (): Promise<number> =>
  new Promise((resolve, reject) =>
    running.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
