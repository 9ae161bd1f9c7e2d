// One client that asks too much is told when to come again; nobody else notices.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import type { FastifyReply, FastifyRequest } from "fastify";
import { startDaemon } from "../../../../test/support/daemon.ts";
import { bearerOf, tokenFile, tokenOf } from "../../../../test/support/tokens.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { type Clock, systemClock } from "../../../base/clock.ts";
import type { RunningDaemon } from "../wire.ts";
import type { Caller } from "./caller.ts";
import { createLimits, WATCHES } from "./limits.ts";

/** Time that passes only when told. */
function stoppedClock(): Clock & { pass(ms: number): void } {
  let now = 0;
  return { ...systemClock, monotonic: () => now, pass: (ms) => void (now += ms) };
}

async function start(t: TestContext, clock: Clock = systemClock): Promise<RunningDaemon> {
  const argv = ["--new-cluster", "--client-rate", "2", "--token-file", tokenFile(t)];
  const running = await startDaemon({ argv, clock });
  t.after(() => running.close());
  return running;
}

test("who asks more often than his bucket allows gets 429 and when to come again; another does not", async (t) => {
  const clock = stoppedClock();
  const { app } = await start(t, clock);
  const ask = async (role: "admin" | "read-only"): Promise<[number, unknown]> => {
    const { statusCode, headers } = await app.inject({
      method: "GET",
      url: "/hosts",
      headers: bearerOf(role),
    });
    return [statusCode, headers["retry-after"]];
  };
  for (let n = 0; n < 8; n++) assert.deepEqual(await ask("admin"), [200, undefined]);
  assert.deepEqual(await ask("admin"), [429, "1"]);
  assert.deepEqual(await ask("read-only"), [200, undefined]);
  assert.equal((await app.inject({ method: "GET", url: "/healthz" })).statusCode, 200);
  clock.pass(500);
  assert.deepEqual(
    [await ask("admin"), await ask("admin")],
    [
      [200, undefined],
      [429, "1"],
    ],
  );
});

test("guesses of a token are counted by address", async (t) => {
  const { app } = await start(t, stoppedClock());
  const guess = async (n: number): Promise<number> => {
    const headers = { authorization: `Bearer ${"x".repeat(40)}${n}` };
    return (await app.inject({ method: "GET", url: "/hosts", headers })).statusCode;
  };
  for (let n = 0; n < 8; n++) assert.equal(await guess(n), 401);
  assert.equal(await guess(9), 429);
  const metrics = await app.inject({ method: "GET", url: "/metrics", headers: bearerOf("admin") });
  assert.match(metrics.body, /romana_daemon_denied_total\{reason="too many"\} 1/);
});

test(`one client has ${WATCHES} watches at most, and another when one of them ends`, async (t) => {
  const clock = stoppedClock();
  const { app } = await start(t, clock);
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const watch = async (role: "admin" | "service"): Promise<IncomingMessage> => {
    clock.pass(1000);
    const sent = get({ host: "127.0.0.1", port, path: "/watch", agent: false, headers: bearerOf(role) });
    const [reply] = (await once(sent, "response")) as [IncomingMessage];
    t.after(() => reply.destroy());
    return reply;
  };
  const open: IncomingMessage[] = [];
  for (let n = 0; n < WATCHES; n++) open.push(await watch("admin"));
  assert.deepEqual(new Set(open.map(({ statusCode }) => statusCode)), new Set([200]));
  const refused = await watch("admin");
  assert.deepEqual([refused.statusCode, refused.headers["retry-after"]], [429, "5"]);
  assert.equal((await watch("service")).statusCode, 200);
  open[0]?.destroy();
  await eventually(async () => assert.equal((await watch("admin")).statusCode, 200));
});

test("a watch ends when its token is taken out of the file; those of others go on", async (t) => {
  const path = tokenFile(t);
  const running = await startDaemon({ argv: ["--new-cluster", "--token-file", path] });
  t.after(() => running.close());
  await running.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = running.app.server.address() as AddressInfo;
  const watch = async (role: "admin" | "service"): Promise<IncomingMessage> => {
    const sent = get({ host: "127.0.0.1", port, path: "/watch", agent: false, headers: bearerOf(role) });
    const [reply] = (await once(sent, "response")) as [IncomingMessage];
    t.after(() => reply.destroy());
    return reply.resume().on("error", () => undefined);
  };
  const [out, stays] = [await watch("service"), await watch("admin")];
  const lines = readFileSync(path, "utf8").split("\n");
  writeFileSync(path, lines.filter((line) => !line.startsWith(tokenOf("service"))).join("\n"));
  await eventually(() => assert.ok(out.destroyed), { within: 20_000 });
  assert.ok(!stays.destroyed);
});

const node = (name: string): Caller => ({ name, role: "node", owns: name, by: "certificate" });
const anyone: Caller = { name: "anyone", role: "admin", owns: "", by: "nothing" };

/** How many of so many requests, all at once, are let in. */
function admitted(
  limit: ReturnType<typeof createLimits>,
  count: number,
  caller: Caller | undefined,
  remoteAddress = "10.0.0.1",
  url = "/address",
): number {
  const routeOptions = { url, config: {} };
  const request = { caller, socket: { remoteAddress }, routeOptions } as unknown as FastifyRequest;
  const reply = { header: () => undefined, raw: new EventEmitter() } as unknown as FastifyReply;
  return Array.from({ length: count }, () => limit(request, reply)).filter((refused) => !refused).length;
}

test("5,000 agents that start together, each with 110 pods to bring up, meet no limit", () => {
  const limit = createLimits(500, stoppedClock());
  for (let n = 0; n < 5000; n++) {
    // Its host, its report, and an address for each pod, asked for twice.
    assert.equal(admitted(limit, 222, node(`node-${n}`)), 222);
    assert.equal(admitted(limit, 2, node(`node-${n}`), "10.0.0.1", "/watch"), 2, "the old one not yet gone");
  }
});

/** Each: two clients at a rate of 2 a second, 8 at once, and how many of 10 requests of each are let in. */
const pairs: readonly (readonly [
  string,
  [Caller | undefined, string],
  [Caller | undefined, string],
  number[],
])[] = [
  ["one name at two addresses", [node("a"), "10.0.0.1"], [node("a"), "10.0.0.2"], [8, 0]],
  ["two names at one address", [node("a"), "10.0.0.1"], [node("b"), "10.0.0.1"], [8, 8]],
  ["nobody at one address, told twice", [undefined, "10.0.0.1"], [undefined, "::ffff:10.0.0.1"], [8, 0]],
  ["nobody at two addresses of one /64", [undefined, "fd00::1"], [undefined, "fd00::2:3"], [8, 0]],
  ["nobody in two /64", [undefined, "fd00::1"], [undefined, "fd00:0:0:1::1"], [8, 8]],
  ["no credentials asked for", [anyone, "10.0.0.1"], [anyone, "10.0.0.2"], [8, 8]],
  ["no credentials asked for, on loopback", [anyone, "127.0.0.1"], [anyone, "::1"], [10, 10]],
];
for (const [what, one, two, expected] of pairs)
  test(`of two clients, ${what}, so many of 10 requests are let in: ${expected.join(" and ")}`, () => {
    const limit = createLimits(2, stoppedClock());
    assert.deepEqual([admitted(limit, 10, ...one), admitted(limit, 10, ...two)], expected);
  });

test("--client-rate 0 limits nobody", () => {
  assert.equal(admitted(createLimits(0, stoppedClock()), 10_000, node("a")), 10_000);
});
