// A node and a tenant see and touch what is theirs; the rest is to them as if it were not there.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { bearerOf, tokenFile } from "../../../../test/support/tokens.ts";

type Role = Parameters<typeof bearerOf>[0];
type Ask = (role: Role, route: string, body?: object) => Promise<{ status: number; body: never }>;

/** Hosts h1 and h2, each with a pod of tenants t1 and t2. */
async function start(t: TestContext): Promise<Ask> {
  const running = await startDaemon({ argv: ["--new-cluster", "--token-file", tokenFile(t)] });
  t.after(() => running.close());
  const { app } = running;
  const ask: Ask = async (role, route, body) => {
    const [method = "", url = ""] = route.split(" ");
    const payload = body && { payload: body };
    const reply = await app.inject({ method: method as "GET", url, headers: bearerOf(role), ...payload });
    return { status: reply.statusCode, body: reply.json() };
  };
  await ask("admin", "POST /topology", twoRacks);
  for (const host of ["h1", "h2"]) {
    await ask("admin", "POST /hosts", { name: host, ip: `192.168.0.${host.slice(1)}`, tags: { rack: "a" } });
    for (const tenant of ["t1", "t2"])
      assert.equal(
        (await ask("admin", "POST /address", { name: `${host}-${tenant}`, host, tenant })).status,
        200,
      );
  }
  return ask;
}

type Addresses = { addresses: { name: string; ip: string }[] };
type Blocks = { blocks: { tenant: string }[] };
const names = ({ addresses }: Addresses): string[] => addresses.map(({ name }) => name).sort();

test("a node lists the addresses of its host only, asked or not", async (t) => {
  const ask = await start(t);
  for (const query of ["", "?host=h1"])
    assert.deepEqual(names((await ask("node", `GET /addresses${query}`)).body), ["h1-t1", "h1-t2"]);
  assert.deepEqual(names((await ask("node", "GET /addresses?tenant=t2")).body), ["h1-t2"]);
  assert.equal((await ask("node", "GET /addresses?host=h2")).status, 403);
});

test("to a node another's address is unknown, by name, by IP and with any host: the answer is that of none", async (t) => {
  const ask = await start(t);
  const { addresses } = (await ask("admin", "GET /addresses?host=h2")).body as Addresses;
  const [{ name, ip } = { name: "", ip: "" }] = addresses;
  const answer = async (asked: string): Promise<string> => {
    const { status, body } = await ask("node", `DELETE /address?addressName=${asked}`);
    return JSON.stringify({ status, body }).replaceAll(asked.replace(/&.*/, ""), "ASKED");
  };
  for (const there of [name, ip, `${name}&host=h1`, `${name}&sequence=1`, `${ip}&host=h1`])
    assert.equal(await answer(there), await answer(there.replace(/^[^&]*/, "none")), there);
  assert.equal((await ask("node", `DELETE /address?addressName=${name}&host=h2`)).status, 403);
  assert.equal((await ask("node", `DELETE /address?addressName=${name}&host=h1&host=h2`)).status, 400);
  assert.equal(names((await ask("admin", "GET /addresses?host=h2")).body).length, 2, "and it is still there");
  assert.equal((await ask("node", "DELETE /address?addressName=h1-t1")).status, 200);
});

test("a node allocates, registers and reports for itself; a host twice in the body counts as the parser reads it", async (t) => {
  const ask = await start(t);
  assert.equal((await ask("node", "POST /address", { name: "new", host: "h1", tenant: "t1" })).status, 200);
  assert.equal((await ask("node", "POST /hosts", { name: "h1", tags: { rack: "a" } })).status, 200);
  assert.equal((await ask("node", "POST /hosts/h1/report", { endpoints: [] })).status, 200);
  assert.equal((await ask("node", "GET /watch?policy=h2")).status, 403);
  assert.equal((await ask("node", "GET /watch?host=h2&policy=h1")).status, 403);
  assert.equal((await ask("node", "POST /hosts/%681/report", { endpoints: [] })).status, 200);
  assert.equal((await ask("node", "POST /hosts/h1%2f..%2fh2/report", { endpoints: [] })).status, 403);
});

test("a tenant sees its addresses, blocks and segments only", async (t) => {
  const ask = await start(t);
  assert.deepEqual(names((await ask("tenant", "GET /addresses")).body), ["h1-t1", "h2-t1"]);
  assert.deepEqual(names((await ask("tenant", "GET /addresses?host=h2")).body), ["h2-t1"]);
  for (const route of ["GET /blocks", "GET /networks/v4/blocks"]) {
    const { blocks } = (await ask("tenant", route)).body as Blocks;
    assert.deepEqual([...new Set(blocks.map(({ tenant }) => tenant))], ["t1"], route);
  }
  const { tenants } = (await ask("tenant", "GET /tenants")).body as { tenants: { id: string }[] };
  assert.deepEqual(
    tenants.map(({ id }) => id),
    ["t1"],
  );
});

test("who has no credential learns from the probes whether it is well, and nothing more", async (t) => {
  const running = await startDaemon({ argv: ["--new-cluster", "--token-file", tokenFile(t)] });
  t.after(() => running.close());
  const { app } = running;
  for (const url of ["/healthz", "/readyz"]) {
    assert.deepEqual((await app.inject({ url })).json(), { ok: true, parts: {} });
    const { parts } = (await app.inject({ url, headers: bearerOf("read-only") })).json<{ parts: object }>();
    assert.ok(Object.keys(parts).length > 0);
  }
});
