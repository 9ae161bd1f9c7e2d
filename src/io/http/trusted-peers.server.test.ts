// Connections that were let in, and whose certificates are no longer to be trusted: cut, and the others are not.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import fc from "fast-check";
import { type CertificateFiles, createAuthority } from "../../../test/support/certificates.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { type Log, silentLog } from "../../base/log.ts";
import { revokedSerials } from "../files/revoked-serials.ts";
import { createLimitedServer, HTTP_LIMITS } from "./server.ts";

const dir = mkdtempSync(join(tmpdir(), "romana-peers-"));
after(() => rmSync(dir, { recursive: true }));
const [ours, theirs] = [createAuthority(join(dir, "ours")), createAuthority(join(dir, "theirs"))];
const daemon = ours.issue("daemon", ["IP:127.0.0.1"]);
const [stays, goes] = [ours.issue("stays", []), ours.issue("goes", [])];
const nobody = readFileSync(ours.revoke());
/** Milliseconds: in operation the server looks each second. */
const limits = { ...HTTP_LIMITS, check: 50 };

type Files = { readonly ca: string; readonly crl: string; readonly port: number };

let servers = 0;
/** A server whose every reply says whether the client is known, and goes on for ever, as a watch. */
async function start(t: TestContext, clock: Clock = systemClock, log: Log = silentLog): Promise<Files> {
  const [ca, crl] = [join(dir, `used-${++servers}-ca.pem`), join(dir, `used-${servers}-crl.pem`)];
  copyFileSync(ours.ca, ca);
  writeFileSync(crl, nobody);
  const tls = {
    ca: { option: "--tls-client-ca", path: ca },
    cert: { option: "--tls-cert", path: daemon.cert },
    key: { option: "--tls-key", path: daemon.key },
    crl: { option: "--tls-crl", path: crl },
  };
  const answer: RequestListener = ({ socket }, response) =>
    void response.write("authorized" in socket && socket.authorized === true ? "known" : "unknown");
  const server = createLimitedServer(answer, limits, tls, { log, clock });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { ca, crl, port: (server.address() as AddressInfo).port };
}

type Watch = { readonly socket: TLSSocket; readonly closed: Promise<unknown>; readonly said: string };

/** A connection with a watch open on it, and what the server says first; "" where it says nothing. */
async function watch(t: TestContext, port: number, who: CertificateFiles, session?: Buffer): Promise<Watch> {
  const own = { cert: readFileSync(who.cert), key: readFileSync(who.key), ca: readFileSync(ours.ca) };
  const socket = connect({ host: "127.0.0.1", port, ...own, ...(session && { session }) });
  socket.on("error", () => undefined);
  t.after(() => socket.destroy());
  const closed = once(socket, "close");
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const first = await Promise.race([once(socket, "data"), closed.then(() => [""])]);
  return { socket, closed, said: /(un)?known/.exec(String(first[0]))?.[0] ?? "" };
}

test("a watch whose certificate is revoked is cut, the others go on, and no session brings it back", async (t) => {
  const { crl, port } = await start(t);
  const [kept, cut] = [await watch(t, port, stays), await watch(t, port, goes)];
  assert.deepEqual([kept.said, cut.said], ["known", "known"]);
  const session = cut.socket.getSession();
  copyFileSync(ours.revoke(goes), crl);
  await cut.closed;
  assert.notEqual((await watch(t, port, goes)).said, "known");
  assert.notEqual((await watch(t, port, goes, session)).said, "known");
  assert.equal((await watch(t, port, stays)).said, "known");
  assert.equal(kept.socket.destroyed, false);
});

test("a watch whose certificate ends is cut", async (t) => {
  let ahead = 0;
  const { port } = await start(t, { ...systemClock, now: () => systemClock.now() + ahead });
  const longer = await watch(t, port, ours.issue("longer", [], { ends: 9 }));
  const { closed } = await watch(t, port, stays);
  ahead = 2 * 86_400_000;
  await closed;
  assert.equal(longer.socket.destroyed, false);
});

test("when another authority takes over, what the old one vouched for is cut", async (t) => {
  const { ca, crl, port } = await start(t);
  const { closed } = await watch(t, port, stays);
  copyFileSync(theirs.revoke(), crl);
  copyFileSync(theirs.ca, ca);
  await closed;
  assert.equal((await watch(t, port, theirs.issue("new", []))).said, "known");
});

test("a list that has ended lets nobody in, and the log says so once", async (t) => {
  const errors: unknown[] = [];
  const log: Log = { ...silentLog, error: (line, fields) => errors.push([line, fields]) };
  const { crl, port } = await start(t, systemClock, log);
  copyFileSync(ours.revoke(undefined, -1), crl);
  for (let n = 0; n < 2; n++) assert.equal((await watch(t, port, stays)).said, "unknown");
  assert.deepEqual(errors, [
    ["no client's certificate is believed: renew --tls-crl", { reason: "CRL_HAS_EXPIRED" }],
  ]);
  copyFileSync(ours.revoke(), crl);
  assert.equal((await watch(t, port, stays)).said, "known");
});

test("the serial numbers in a list are those that openssl reads there", () => {
  for (let n = 0; n < 5; n++) theirs.revoke(theirs.issue(`revoked-${n}`, []));
  const list = theirs.revoke();
  const text = execFileSync("openssl", ["crl", "-in", list, "-noout", "-text"], { encoding: "utf8" });
  const listed = [...text.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, hex]) => BigInt(`0x${hex}`));
  assert.equal(listed.length, 5);
  assert.deepEqual([...revokedSerials([readFileSync(list, "latin1")])].sort(), listed.sort());
  assert.deepEqual([...revokedSerials([nobody.toString("latin1")])], []);
});

test("no bytes make the reader of lists fail", () => {
  const pem = (bytes: Uint8Array): string =>
    `-----BEGIN X509 CRL-----\n${Buffer.from(bytes).toString("base64")}\n-----END X509 CRL-----`;
  const whole = Buffer.from(nobody.toString("latin1").replace(/-----[^-]+-----/g, ""), "base64");
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void revokedSerials([pem(bytes)])));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const altered = Buffer.from(whole);
      altered[at] = byte;
      revokedSerials([pem(altered)]);
    }),
  );
});
