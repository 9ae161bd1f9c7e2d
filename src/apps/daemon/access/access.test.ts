// Every route asked by every role: let in, or 403; and by nobody: 401.
import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { bearerOf, tokenFile } from "../../../../test/support/tokens.ts";
import type { RunningDaemon } from "../wire.ts";
import { ACCESS, type Place } from "./access-table.ts";
import { ROLES } from "./caller.ts";

/** Bodies that the schemas take, where they want one. */
const BODIES: Readonly<Record<string, object>> = {
  "POST /address": { name: "pod", host: "h1", tenant: "t1" },
  "POST /hosts": { name: "h1", ip: "192.168.0.1" },
  "POST /hosts/:name/report": { endpoints: [] },
  "POST /ipam/adopt": { force: false },
  "POST /ipam/gc": {},
  "POST /topology": twoRacks,
};
const QUERIES: Readonly<Record<string, Record<string, string>>> = {
  "DELETE /address": { addressName: "pod" },
  "GET /ipam/address": { of: "10.0.0.1" },
  "DELETE /blackouts": { cidr: "10.0.0.0/24" },
};
/** What is a node's or a tenant's own, and what is not. */
const OWN = { node: "h1", tenant: "t1" } as const;

type Ask = { readonly method: string; readonly path: string; readonly body?: string };

/** The route's request; `at` says `value`. */
function askOf(route: string, at?: Place, value = ""): Ask {
  const [method = "", pattern = ""] = route.split(" ");
  const [part, field = ""] = at?.split(".") ?? [];
  const put = <T extends object>(here: string, into: T): T =>
    part === here ? { ...into, [field]: value } : into;
  const query = new URLSearchParams(put("query", QUERIES[route] ?? {})).toString();
  const path = pattern.replaceAll(/:(\w+)/g, (_, name: string) => (at === `params.${name}` ? value : "x"));
  const body = method === "POST" ? { body: JSON.stringify(put("body", BODIES[route] ?? {})) } : {};
  return { method, path: query === "" ? path : `${path}?${query}`, ...body };
}

let running: RunningDaemon;
let root: string;
before(async (t) => {
  running = await startDaemon({ argv: ["--new-cluster", "--token-file", tokenFile(t as TestContext)] });
  root = await running.app.listen({ host: "127.0.0.1", port: 0 });
});
after(() => running.close());

async function statusOf({ method, path, body }: Ask, headers: Record<string, string>): Promise<number> {
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const init = { method, headers: { ...headers, ...type }, ...(body !== undefined && { body }) };
  const reply = await fetch(root + path, init);
  await reply.body?.cancel();
  return reply.status;
}

test("every row of the table is a route", () => {
  const stale = [...ACCESS.keys()].filter((route) => {
    const [method = "", url = ""] = route.split(" ");
    return !running.app.hasRoute({ method: method, url });
  });
  assert.deepEqual(stale, []);
});

for (const [route, rule] of ACCESS) {
  test(`${route} without a credential: ${rule.open ? "let in" : "401"}`, async () => {
    const status = await statusOf(askOf(route), {});
    assert.equal(status, rule.open ? 200 : 401);
  });
  for (const role of rule.open ? [] : ROLES) {
    const grant = rule.grants[role];
    const own = role === "node" || role === "tenant" ? OWN[role] : "";
    test(`${route} as ${role}: ${grant ? "let in" : "403"}`, async () => {
      const status = await statusOf(askOf(route, grant?.named?.[0], own), bearerOf(role));
      if (grant) assert.ok(status !== 401 && status !== 403, `${status}`);
      else assert.equal(status, 403);
    });
    for (const place of grant?.named ?? [])
      test(`${route} as ${role}, of another's ${place}: 403`, async () => {
        for (const other of ["another", "", `${own}0`, own.toUpperCase()]) {
          const status = await statusOf(askOf(route, place, other), bearerOf(role));
          // An empty name in a path is another route, and in a body no name.
          assert.ok(
            status === 403 || (other === "" && (status === 404 || status === 400)),
            `${other}: ${status}`,
          );
        }
      });
  }
}
