// HTTPS: who gets in, who does not, and certificates that change while the server runs.
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { type AddressInfo, connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test, type TestContext } from "node:test";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { type CertificateFiles, createAuthority } from "../../../test/support/certificates.ts";
import { InputError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { silentLog } from "../../base/log.ts";
import type { PemFiles } from "../files/pem-files.ts";
import { createHttpApp } from "./http-app.ts";
import { HTTP_LIMITS } from "./server.ts";

const dir = mkdtempSync(join(tmpdir(), "romana-https-"));
after(() => rmSync(dir, { recursive: true }));
const [ours, theirs] = [createAuthority(join(dir, "ours")), createAuthority(join(dir, "theirs"))];
const HERE = ["IP:127.0.0.1"];
const server = ours.issue("daemon", HERE);
const client = ours.issue("node-1", []);
const revoked = ours.issue("revoked", []);
const list = ours.revoke(revoked);

const filesOf = ({ cert, key }: CertificateFiles, ca = ""): PemFiles => ({
  ca: { option: "--tls-client-ca", path: ca },
  cert: { option: "--tls-cert", path: cert },
  key: { option: "--tls-key", path: key },
});

async function start(t: TestContext, tls: PemFiles, log: Log = silentLog): Promise<number> {
  const limits = { ...HTTP_LIMITS, request: 300, check: 50 };
  const app = await createHttpApp({ title: "Test", version: "1", limits, tls }, { log });
  app.get("/", ({ socket }) => ("authorized" in socket && socket.authorized ? "known" : "here"));
  t.after(() => app.close());
  await app.listen({ host: "127.0.0.1", port: 0 });
  return (app.server.address() as AddressInfo).port;
}

type Shown = { readonly ca: string; readonly cert?: string; readonly key?: string };

/** "known" with a certificate that the server takes, "here" without; rejects with why there is no reply. */
async function ask(port: number, { ca, cert, key }: Shown, more: ConnectionOptions = {}): Promise<string> {
  const own = cert && key ? { cert: readFileSync(cert), key: readFileSync(key) } : {};
  const sent = request({ host: "127.0.0.1", port, agent: false, ca: readFileSync(ca), ...own, ...more });
  sent.end();
  const [reply] = (await once(sent, "response")) as [IncomingMessage];
  return text(reply);
}

/** The serial number of the certificate that a new connection is shown. */
async function shown(port: number): Promise<string> {
  const socket: TLSSocket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

test("it answers over TLS 1.2 and 1.3, and to nothing older", async (t) => {
  const port = await start(t, filesOf(server));
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const)
    assert.equal(await ask(port, { ca: ours.ca }, { maxVersion }), "here");
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" } as const;
  await assert.rejects(ask(port, { ca: ours.ca }, old), /protocol version/);
});

/** Each: who asks a server that wants certificates of `ours`, with what, and how that ends. */
const strangers: readonly (readonly [who: string, shown: Shown])[] = [
  ["without a certificate", { ca: ours.ca }],
  ["of a foreign authority", { ...theirs.issue("node-1", []), ca: ours.ca }],
  ["whose certificate has ended", ours.issue("late", [], { starts: -2, ends: -1 })],
  ["whose certificate is not yet valid", ours.issue("early", [], { starts: 1, ends: 2 })],
  ["whose certificate is its own authority", selfSigned()],
  ["whose certificate is one for servers", ours.issue("server", [], { usage: "serverAuth" })],
  ["whose certificate is revoked", revoked],
];

function selfSigned(): Shown {
  const folder = join(dir, "self");
  return { ca: ours.ca, cert: createAuthority(folder).ca, key: join(folder, "ca-key.pem") };
}

for (const crl of ["", list])
  test(`with a CA for clients ${crl && "and its list "}a certificate of it is known`, async (t) => {
    const tls = { ...filesOf(server, ours.ca), crl: { option: "--tls-crl", path: crl } };
    assert.equal(await ask(await start(t, tls), client), "known");
  });
for (const [who, given] of strangers)
  test(`with a CA for clients, a client ${who} is not known`, async (t) => {
    const tls = filesOf(server, ours.ca);
    assert.equal(
      await ask(await start(t, { ...tls, crl: { option: "--tls-crl", path: list } }), given),
      "here",
    );
  });

test("plain HTTP, and a handshake that does not go on, are cut off", { timeout: 10_000 }, async (t) => {
  const port = await start(t, filesOf(server));
  const open = async (bytes: string): Promise<string> => {
    const socket = connectPlain(port, "127.0.0.1");
    let said = "";
    socket.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
    socket.on("error", () => undefined);
    socket.write(bytes);
    await once(socket, "close");
    return said;
  };
  const said = await Promise.all([open("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), open("\x16\x03\x01")]);
  assert.ok(!said.join("").includes("here"));
  assert.equal(await ask(port, { ca: ours.ca }), "here", "and the others are served");
});

test("files that are missing, no certificates or of another key are told by option", async () => {
  const garbage = join(dir, "garbage.pem");
  writeFileSync(garbage, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
  /** Each: the files, the code and the option. */
  const wrong: readonly [PemFiles, string, string][] = [
    [filesOf({ ...server, cert: join(dir, "none") }), "FILE", "--tls-cert"],
    [filesOf({ ...server, key: join(dir, "none") }), "FILE", "--tls-key"],
    [filesOf(server, join(dir, "none")), "FILE", "--tls-client-ca"],
    [filesOf({ ...server, cert: garbage }), "PEM", "--tls-cert"],
    [filesOf({ ...server, key: client.key }), "PEM", "--tls-key"],
    [filesOf(server, garbage), "PEM", "--tls-client-ca"],
  ];
  for (const [tls, code, field] of wrong)
    await assert.rejects(
      createHttpApp({ title: "Test", version: "1", tls }, { log: silentLog }),
      (error) => error instanceof InputError && error.code === code && error.faults[0]?.field === field,
      field,
    );
});

test("files that change serve the next connection; half changed, the last good ones do", async (t) => {
  const used = { ca: "", cert: join(dir, "used.pem"), key: join(dir, "used-key.pem") };
  const put = (part: "cert" | "key", from: CertificateFiles): void => copyFileSync(from[part], used[part]);
  put("cert", server);
  put("key", server);
  const lines: string[] = [];
  const log: Log = { ...silentLog, info: (line) => lines.push(line), warn: (line) => lines.push(line) };
  const port = await start(t, filesOf(used), log);
  const first = await shown(port);
  const next = ours.issue("renewed", HERE);
  put("cert", next);
  assert.deepEqual([await shown(port), await shown(port)], [first, first]);
  put("key", next);
  assert.notEqual(await shown(port), first);
  assert.equal(await ask(port, { ca: ours.ca }), "here");
  assert.deepEqual(lines, ["certificates not renewed: the last good ones serve", "certificates renewed"]);
});

test("a CA for clients that changes knows its own, and no longer the others", async (t) => {
  const used = join(dir, "used-ca.pem");
  copyFileSync(ours.ca, used);
  const port = await start(t, filesOf(server, used));
  const stranger = { ...theirs.issue("node-2", []), ca: ours.ca };
  assert.equal(await ask(port, client), "known");
  copyFileSync(theirs.ca, used);
  assert.equal(await ask(port, stranger), "known");
  assert.equal(await ask(port, client), "here");
});
