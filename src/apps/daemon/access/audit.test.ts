// One line for each write and each denial, with who and what; reads leave none.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { createFakeClock } from "../../../../test/support/fake-clock.ts";
import { storeWith } from "../../../../test/support/store-with.ts";
import { bearerOf, tokenFile } from "../../../../test/support/tokens.ts";
import { type Clock, Milliseconds, systemClock } from "../../../base/clock.ts";
import { type Log, silentLog } from "../../../base/log.ts";
import { createMemoryStore } from "../../../io/store/memory-store.ts";
import type { Store } from "../../../io/store/store.ts";

type Line = Readonly<Record<string, unknown>>;
type Role = Parameters<typeof bearerOf>[0];

type Bed = {
  /** Lines that a request left. */
  readonly linesOf: (role: Role | undefined, route: string, body?: object) => Promise<Line[]>;
  /** Lines that something on the daemon's port left, until one is there. */
  readonly portLines: (happening: (server: Server) => Promise<void>) => Promise<Line[]>;
  readonly metrics: () => Promise<string>;
};

type Setup = { readonly clock?: Clock; readonly store?: Store };

async function start(t: TestContext, setup: Setup = {}): Promise<Bed> {
  const lines: Line[] = [];
  const note = (msg: string, fields: Line = {}): void =>
    void (fields["audit"] && lines.push({ ...fields, msg }));
  const log: Log = { ...silentLog, info: note, warn: note };
  const argv = ["--new-cluster", "--token-file", tokenFile(t)];
  const running = await startDaemon({ argv, log, ...setup });
  t.after(() => running.close());
  const { app } = running;
  const ask = (role: Role | undefined, route: string, body?: object) => {
    const [method = "", url = ""] = route.split(" ");
    const payload = body && { payload: body };
    return app.inject({ method: method as "GET", url, headers: role ? bearerOf(role) : {}, ...payload });
  };
  return {
    linesOf: async (...given) => {
      lines.length = 0;
      await ask(...given);
      return [...lines];
    },
    portLines: async (happening) => {
      await app.listen({ host: "127.0.0.1", port: 0 });
      lines.length = 0;
      await happening(app.server);
      await eventually(() => assert.ok(lines.length > 0));
      return [...lines];
    },
    metrics: async () => (await ask("read-only", "GET /metrics")).body,
  };
}

test("a write leaves who, role, from where, method, route, object, outcome, duration and the request's id", async (t) => {
  const { linesOf } = await start(t);
  const [topology, ...more] = await linesOf("admin", "POST /topology", twoRacks);
  const { ms, id, ...line } = topology ?? {};
  assert.deepEqual(line, {
    ...{ msg: "audit", audit: true, who: "alice", role: "admin", from: "127.0.0.1" },
    ...{ method: "POST", route: "/topology", status: 200 },
  });
  assert.deepEqual([typeof ms, typeof id, more], ["number", "string", []]);
  const [host] = await linesOf("node", "POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
  assert.deepEqual([host?.["who"], host?.["object"], host?.["status"]], ["h1", "h1", 200]);
});

/** Each: who asks what, and the line's object, status and reason. */
const cases: readonly (readonly [
  role: Role | undefined,
  route: string,
  body: object | undefined,
  line: Line,
])[] = [
  [
    "node",
    "POST /address",
    { name: "p", host: "h9", tenant: "t" },
    { object: "p", status: 403, denied: "not its own" },
  ],
  ["admin", "POST /address", { name: "p", host: "h9", tenant: "t" }, { object: "p", status: 404 }],
  ["admin", "DELETE /address?addressName=p", undefined, { object: "p", status: 404 }],
  ["admin", "DELETE /hosts/h9", undefined, { object: "h9", route: "/hosts/:name", status: 404 }],
  ["admin", "POST /blackouts", { cidr: "nonsense" }, { object: "nonsense", status: 400 }],
  ["admin", "POST /address", { name: "x".repeat(9000) }, { object: "x".repeat(253), status: 400 }],
  ["tenant", "POST /topology", {}, { status: 403, denied: "role" }],
  ["read-only", "GET /backup", undefined, { status: 403, denied: "role" }],
  [undefined, "GET /hosts", undefined, { who: "", role: "unknown", status: 401, denied: "no credential" }],
  [undefined, "PUT /nowhere?secret=1", undefined, { route: "unknown", status: 401, denied: "no credential" }],
];
for (const [role, route, body, expected] of cases)
  test(`${role ?? "nobody"}: ${route} leaves ${JSON.stringify(expected).slice(0, 80)}`, async (t) => {
    const { linesOf } = await start(t);
    const [line, ...more] = await linesOf(role, route, body);
    assert.deepEqual(more, []);
    for (const [field, value] of Object.entries(expected)) assert.equal(line?.[field], value, field);
    assert.ok(!JSON.stringify(line).includes("secret="));
  });

test("reads that are allowed leave no line", async (t) => {
  const { linesOf } = await start(t);
  for (const url of ["/hosts", "/addresses", "/metrics", "/healthz", "/nowhere"])
    assert.deepEqual(await linesOf("admin", `GET ${url}`), []);
});

test("denials are all counted, and listed 20 a second: then only how many more there were", async (t) => {
  const clock = createFakeClock();
  const { linesOf, metrics } = await start(t, { clock });
  let listed = 0;
  for (let i = 0; i < 50; i++) listed += (await linesOf(undefined, "GET /hosts")).length;
  assert.equal(listed, 20);
  await clock.advance(Milliseconds(1000));
  const after = await linesOf(undefined, "GET /hosts");
  assert.deepEqual(
    after.map(({ msg, count }) => [msg, count]),
    [
      ["denials not listed", 30],
      ["audit", undefined],
    ],
  );
  assert.match(await metrics(), /^romana_daemon_denied_total\{reason="no credential"\} 51$/m);
});

test("who writes and hangs up before the answer leaves a line all the same, with how it ended", async (t) => {
  const [begun, hungUp] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const memory = createMemoryStore({ clock: systemClock });
  let isSlow = false;
  const txn: Store["txn"] = async (...all) => {
    if (isSlow) {
      begun.resolve();
      await hungUp.promise;
    }
    return memory.txn(...all);
  };
  const { portLines } = await start(t, { store: storeWith(memory, { txn }) });
  const lines = await portLines(async (server) => {
    const { port } = server.address() as AddressInfo;
    const body = JSON.stringify({ cidr: "10.0.0.0/30" });
    const { authorization } = bearerOf("admin");
    const headers = { authorization, "content-type": "application/json" };
    const asked = request({ host: "127.0.0.1", port, method: "POST", path: "/blackouts", headers });
    isSlow = true;
    asked.end(body);
    const [connection] = (await once(server, "connection")) as [Socket];
    await begun.promise;
    asked.on("error", () => undefined).destroy();
    await once(connection, "close");
    hungUp.resolve();
  });
  assert.deepEqual(
    lines.map(({ who, route, object, status }) => [who, route, object, status]),
    [["alice", "/blackouts", "10.0.0.0/30", 200]],
  );
});
