// What a route may not forget.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fastify, type FastifyInstance } from "fastify";
import { BugError } from "../../../base/errors.ts";
import { createMetrics } from "../metrics.ts";
import type { Caller } from "./caller.ts";
import { guardRoutes, isOwn, ownOf } from "./guard.ts";

const bob: Caller = { name: "bob", role: "tenant", owns: "t1", by: "token" };
const alice: Caller = { name: "alice", role: "admin", owns: "", by: "token" };

function guarded(caller: Caller): FastifyInstance {
  const app = fastify();
  guardRoutes(app, { identify: () => caller, limit: () => undefined, metrics: createMetrics() });
  return app;
}

for (const url of ["/new", "/blocks/", "/Blocks"])
  test(`a route without a row in the table cannot be added: ${url}`, () => {
    const add = (): unknown => guarded(alice).get(url, () => []);
    assert.throws(add, (error) => error instanceof BugError && error.code === "ROUTE_WITHOUT_ACCESS");
  });

test("a route with two methods, or with another one than its row's, cannot be added", () => {
  for (const method of [["GET", "POST"], ["PUT"]])
    assert.throws(
      () => guarded(alice).route({ method, url: "/hosts", handler: () => [] }),
      /ROUTE_WITHOUT_ACCESS/,
    );
});

const blocks = [
  { tenant: "t1", host: "h1" },
  { tenant: "t2", host: "h1" },
];

test("a route that forgets to leave out what is another's tells it nothing, and all to whom all is granted", async () => {
  for (const [caller, status] of [
    [bob, 500],
    [alice, 200],
  ] as const) {
    const app = guarded(caller).get("/blocks", () => blocks);
    const reply = await app.inject({ url: "/blocks" });
    assert.deepEqual([reply.statusCode, reply.body.includes("t2")], [status, status === 200]);
  }
});

test("a route that asks answers", async () => {
  const app = guarded(bob).get("/blocks", (request) =>
    blocks.filter((block) => isOwn(ownOf(request), block)),
  );
  assert.deepEqual((await app.inject({ url: "/blocks" })).json(), [blocks[0]]);
});
