// One line for each write and each denial, with who and what; reads leave none.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { createFakeClock } from "../../../../test/support/fake-clock.ts";
import { bearerOf, tokenFile } from "../../../../test/support/tokens.ts";
import { type Clock, Milliseconds, systemClock } from "../../../base/clock.ts";
import { type Log, silentLog } from "../../../base/log.ts";

type Line = Readonly<Record<string, unknown>>;
type Role = Parameters<typeof bearerOf>[0];

type Bed = {
  /** Lines that a request left. */
  readonly linesOf: (role: Role | undefined, route: string, body?: object) => Promise<Line[]>;
  readonly metrics: () => Promise<string>;
};

async function start(t: TestContext, clock: Clock = systemClock): Promise<Bed> {
  const lines: Line[] = [];
  const note = (msg: string, fields: Line = {}): void =>
    void (fields["audit"] && lines.push({ ...fields, msg }));
  const log: Log = { ...silentLog, info: note, warn: note };
  const argv = ["--new-cluster", "--token-file", tokenFile(t)];
  const running = await startDaemon({ argv, log, clock });
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
  const { linesOf, metrics } = await start(t, clock);
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
