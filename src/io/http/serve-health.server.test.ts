// The listener of a program that is no server: who reads its health and metrics, in plain, over TLS, and with certificates asked for.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { get as getTls } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { Registry } from "prom-client";
import { type CertificateFiles, createAuthority } from "../../../test/support/certificates.ts";
import { systemClock } from "../../base/clock.ts";
import { createHealth } from "../../base/health.ts";
import { silentLog } from "../../base/log.ts";
import { readOptions } from "../../base/options.ts";
import { healthOptions } from "./health-options.ts";
import { serveHealth } from "./serve-health.ts";

const dir = mkdtempSync(join(tmpdir(), "romana-health-"));
after(() => rmSync(dir, { recursive: true }));
const ours = createAuthority(join(dir, "ours"));
const server = ours.issue("server", ["IP:127.0.0.1"]);
const scraper = ours.issue("scraper", []);
const revoked = ours.issue("revoked", []);
const list = ours.revoke(revoked);
const stranger = createAuthority(join(dir, "theirs")).issue("scraper", []);

async function start(t: TestContext, ...argv: string[]): Promise<number> {
  const config = readOptions(healthOptions(""), { argv, env: {}, envPrefix: "TEST" });
  const registry = new Registry();
  const served = await serveHealth(config, { health: createHealth(systemClock), registry, log: silentLog });
  t.after(() => {
    served.close();
    served.closeAllConnections();
  });
  return (served.address() as AddressInfo).port;
}

/** The reply's status. */
async function ask(port: number, path: string, tls?: Partial<CertificateFiles>): Promise<number | undefined> {
  const where = { host: "127.0.0.1", port, path, agent: false } as const;
  const files = Object.fromEntries(
    Object.entries({ ca: ours.ca, ...tls }).map(([part, file]) => [part, readFileSync(file)]),
  );
  const sent = tls ? getTls({ ...where, ...files, ca: readFileSync(ours.ca) }) : get(where);
  const [reply] = (await once(sent, "response")) as [IncomingMessage];
  reply.resume();
  return reply.statusCode;
}

const TLS = ["--tls-cert", server.cert, "--tls-key", server.key];
const CLIENTS = [...TLS, "--tls-client-ca", ours.ca, "--tls-crl", list];

/** Each: how it listens, what is shown, and the status of /metrics and of /healthz. */
const rows: readonly (readonly [
  string,
  readonly string[],
  Partial<CertificateFiles> | undefined,
  number[],
])[] = [
  ["in plain", [], undefined, [200, 200]],
  ["over TLS", TLS, {}, [200, 200]],
  ["to those with a certificate, one that has none", CLIENTS, {}, [401, 200]],
  ["to those with a certificate, one of the CA", CLIENTS, scraper, [200, 200]],
  ["to those with a certificate, one that is revoked", CLIENTS, revoked, [401, 200]],
  ["to those with a certificate, one of a stranger", CLIENTS, stranger, [401, 200]],
];
for (const [what, flags, shown, statuses] of rows)
  test(`${what}: metrics ${statuses[0]}, health ${statuses[1]}`, async (t) => {
    const port = await start(t, "--metrics", "127.0.0.1:0", ...flags);
    assert.deepEqual([await ask(port, "/metrics", shown), await ask(port, "/healthz", shown)], statuses);
    assert.equal(await ask(port, "/other", shown), 404);
  });

test("over TLS it answers nothing in plain", async (t) => {
  await assert.rejects(
    ask(await start(t, "--metrics", "127.0.0.1:0", ...TLS), "/healthz"),
    /hang up|ECONNRESET/,
  );
});
