// Who is who by certificate, over TLS and on a real port; and which of two credentials counts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { after, before, test, type TestContext } from "node:test";
import {
  type CertificateFiles,
  createAuthority,
  type Issuing,
} from "../../../../test/support/certificates.ts";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { bearerOf, tokenFile } from "../../../../test/support/tokens.ts";
import type { RunningDaemon } from "../wire.ts";

const dir = mkdtempSync(join(tmpdir(), "romana-access-"));
const [ours, theirs] = [createAuthority(join(dir, "ours")), createAuthority(join(dir, "theirs"))];
const server = ours.issue("daemon", ["IP:127.0.0.1"]);
const of = (name: string, subject: string, more: Issuing = {}): CertificateFiles =>
  ours.issue(name, [], subject === "" ? more : { organisation: subject, ...more });

let running: RunningDaemon;
before(async (t) => {
  const tls = ["--tls-cert", server.cert, "--tls-key", server.key, "--tls-client-ca", ours.ca];
  const argv = ["--new-cluster", ...tls, "--token-file", tokenFile(t as TestContext)];
  running = await startDaemon({ argv });
  await running.app.listen({ host: "127.0.0.1", port: 0 });
  await ask(admin, "POST /topology", twoRacks);
});
after(async () => {
  await running.close();
  rmSync(dir, { recursive: true });
});

type Reply = {
  readonly status: number;
  readonly body: { readonly code?: string; readonly details?: string };
};

async function ask(
  shown: CertificateFiles | undefined,
  route: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const [method, path] = route.split(" ");
  const { port } = running.app.server.address() as AddressInfo;
  const own = shown ? { cert: readFileSync(shown.cert), key: readFileSync(shown.key) } : {};
  const type = body ? { "content-type": "application/json" } : {};
  const to = { host: "127.0.0.1", port, method, path, agent: false, ca: readFileSync(ours.ca), ...own };
  const sent = request({ ...to, headers: { ...type, ...headers } });
  sent.end(body && JSON.stringify(body));
  const [reply] = (await once(sent, "response")) as [IncomingMessage];
  return { status: reply.statusCode ?? 0, body: (await json(reply)) as Reply["body"] };
}

const admin = of("alice", "romana:admins");
const node = of("h1", "romana:nodes");

/** Each: a certificate, a request, and how it is answered. */
const asked: readonly (readonly [
  who: string,
  shown: CertificateFiles | undefined,
  route: string,
  status: number,
  body?: object,
])[] = [
  ["an administrator", admin, "GET /blackouts", 200],
  ["a service", of("listener", "romana:services"), "GET /blackouts", 200],
  ["a service", of("listener-2", "romana:services"), "POST /ipam/adopt", 403, { force: true }],
  ["a reader", of("prometheus", "romana:readers"), "GET /topology", 200],
  ["a reader", of("grafana", "romana:readers"), "POST /topology", 403, twoRacks],
  ["a node", node, "POST /hosts", 200, { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } }],
  ["a node, for another", node, "POST /hosts", 403, { name: "h2", ip: "192.168.0.2" }],
  ["a tenant", of("bob", "romana:tenants/OU=t1"), "GET /tenants", 200],
  ["a tenant without its name", of("bob-2", "romana:tenants"), "GET /tenants", 403],
  [
    "a certificate of two organisations, one of them ours",
    of("h3", "example/O=romana:nodes"),
    "GET /hosts",
    200,
  ],
  ["a certificate of two roles", of("h4", "romana:nodes/O=romana:admins"), "GET /hosts", 403],
  ["a certificate without a role", of("who", ""), "GET /hosts", 403],
  ["the daemon's own certificate", server, "GET /hosts", 403],
  ["nobody", undefined, "GET /hosts", 401],
  ["nobody, for a probe", undefined, "GET /healthz", 200],
  [
    "an administrator of a foreign authority",
    theirs.issue("alice", [], { organisation: "romana:admins" }),
    "GET /hosts",
    401,
  ],
  ["a certificate that has ended", of("late", "romana:admins", { starts: -2, ends: -1 }), "GET /hosts", 401],
  [
    "a certificate that has not begun",
    of("early", "romana:admins", { starts: 1, ends: 2 }),
    "GET /hosts",
    401,
  ],
  ["a certificate for servers", of("web", "romana:admins", { usage: "serverAuth" }), "GET /hosts", 401],
];
for (const [who, shown, route, status, body] of asked)
  test(`${who}: ${route} is answered ${status}`, async () => {
    const reply = await ask(shown, route, body);
    assert.equal(reply.status, status, JSON.stringify(reply.body));
  });

test("403 says who one is, with which role, and what was needed", async () => {
  const { body } = await ask(node, "GET /backup");
  assert.equal(body.details, 'caller: "node h1": expected role admin, for GET /backup');
  const none = await ask(server, "POST /hosts", {});
  assert.equal(
    none.body.details,
    'caller: "daemon, without a role": expected role admin, service or node, for POST /hosts',
  );
  const other = await ask(node, "POST /hosts", { name: "h2", ip: "192.168.0.2" });
  assert.equal(other.body.details, 'caller: "node h1": expected body.name "h1", for POST /hosts');
});

test("a token beside a certificate decides, and a wrong one is not made good by it", async () => {
  const route = "GET /blackouts";
  assert.equal((await ask(node, route)).status, 403);
  assert.equal((await ask(node, route, undefined, bearerOf("admin"))).status, 200);
  assert.equal((await ask(admin, route, undefined, bearerOf("node"))).status, 403);
  assert.equal((await ask(admin, route, undefined, { authorization: "Bearer wrong" })).status, 401);
  assert.equal((await ask(undefined, "GET /hosts", undefined, bearerOf("read-only"))).status, 200);
});
