// The daemon's client over TLS, on real sockets: whom it trusts, what it says of those it does not, and files that change under it.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { type CertificateFiles, createAuthority, type Issuing } from "../../../test/support/certificates.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import { type DaemonAccess, NO_ACCESS } from "./access.ts";
import { createDaemonClient } from "./daemon-client.ts";
import { exchange } from "./exchange.ts";
import { createTransport, type Transport } from "./transport.ts";

const dir = mkdtempSync(join(tmpdir(), "romana-client-"));
after(() => rmSync(dir, { recursive: true }));
const [ours, theirs] = [createAuthority(join(dir, "ours")), createAuthority(join(dir, "theirs"))];
const HERE = ["IP:127.0.0.1"];
const good = ours.issue("daemon", HERE);
const node = ours.issue("node-1", []);

type Serving = Parameters<typeof createServer>[0];
type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const whoIs: Answer = (request, response) => {
  const subject = "getPeerX509Certificate" in request.socket && peerOf(request);
  response.end(JSON.stringify({ subject, token: request.headers.authorization }));
};
const peerOf = ({ socket }: IncomingMessage): string =>
  (
    socket as unknown as { getPeerX509Certificate(): { subject: string } | undefined }
  ).getPeerX509Certificate()?.subject ?? "nobody";

/** A server that shows the certificate. */
async function serve(
  t: TestContext,
  { cert, key }: { cert: string; key: string },
  more: Serving = {},
  answer: Answer = whoIs,
): Promise<URL> {
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key), ...more }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function transportOf(t: TestContext, access: Partial<DaemonAccess> = {}): Transport {
  const transport = createTransport({ access: { ...NO_ACCESS, daemonCa: ours.ca, ...access } });
  t.after(() => transport.close());
  return transport;
}
const ask = (transport: Transport, url: URL): Promise<{ subject: string; token?: string }> =>
  exchange(transport, url, { method: "GET", timeout: 5000 });

const bad = (name: string, issuing: Issuing, names = HERE): CertificateFiles =>
  ours.issue(name, names, issuing);
const revoked = bad("revoked", {});
const list = ours.revoke(revoked);
const alone = { cert: createAuthority(join(dir, "alone")).ca, key: join(dir, "alone", "ca-key.pem") };

/** Each: what the daemon shows, and what the client says of it. */
const distrusted: readonly (readonly [string, { cert: string; key: string }, RegExp, Serving?])[] = [
  ["has ended", bad("late", { starts: -2, ends: -1 }), /certificate has expired: renew --tls-cert/],
  ["is not yet valid", bad("early", { starts: 1, ends: 2 }), /not yet valid: compare the clocks/],
  ["is of a foreign authority", theirs.issue("daemon", HERE), /of an authority that is not in --daemon-ca/],
  ["is self-signed", alone, /self-signed and not the one in --daemon-ca/],
  ["is revoked", revoked, /revoked by --daemon-crl/],
  ["is for another address", bad("other", {}, ["IP:10.0.0.1"]), /not for 127\.0\.0\.1 .*subjectAltName/],
  ["is for another name", bad("named", {}, ["DNS:daemon.example"]), /not for 127\.0\.0\.1 /],
  ["is one for clients", bad("client", { usage: "clientAuth" }), /not one for servers: .* serverAuth/],
  [
    "comes with TLS 1.1",
    good,
    /no TLS 1\.2 or newer/,
    { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" },
  ],
];
for (const [what, shown, message, more] of distrusted)
  test(`a daemon whose certificate ${what} is not spoken to, and the error says so`, async (t) => {
    const requests: string[] = [];
    const url = await serve(t, shown, more, ({ url: path = "" }) => void requests.push(path));
    const transport = transportOf(t, shown === revoked ? { daemonCrl: list } : {});
    await assert.rejects(ask(transport, url), (error) => {
      assert.ok(error instanceof UnavailableError && error.code === "DAEMON_TLS", String(error));
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(requests, []);
  });

const lists: readonly (readonly [string, () => string, RegExp])[] = [
  ["has ended", () => theirs.revoke(undefined, -1), /--daemon-crl has expired: fetch a newer list/],
  ["is another authority's", () => ours.revoke(), /no list of the CA/],
];
for (const [what, given, message] of lists)
  test(`a revocation list that ${what} lets nobody in, and the error says so`, async (t) => {
    const url = await serve(t, theirs.issue("daemon", HERE));
    const transport = transportOf(t, { daemonCa: theirs.ca, daemonCrl: given() });
    await assert.rejects(ask(transport, url), message);
  });

test("a client without the certificate that is asked for is told to give one", async (t) => {
  const url = await serve(t, good, { requestCert: true, ca: readFileSync(ours.ca) });
  await assert.rejects(ask(transportOf(t), url), /asks for a certificate of this side: give --daemon-cert/);
});

test("a client whose certificate is refused is told which, until when it is valid and where to look", async (t) => {
  const url = await serve(t, good, { requestCert: true, ca: readFileSync(ours.ca) });
  const { cert, key } = theirs.issue("node-9", []);
  const transport = transportOf(t, { daemonCert: cert, daemonKey: key });
  await assert.rejects(ask(transport, url), /may have refused .*CN=node-9 .*valid until .* GMT/);
});

/** Each: what a client shows that is answered 401, and what it is told of that. */
const unknown: readonly (readonly [string, Partial<DaemonAccess>, RegExp])[] = [
  [
    "nothing",
    {},
    /who\?; it was shown nothing: give --daemon-cert and --daemon-key, or --daemon-token-file$/,
  ],
  [
    "a certificate",
    { daemonCert: node.cert, daemonKey: node.key },
    /the certificate of CN=node-1 in --daemon-cert, valid until .* GMT, which is ended, revoked/,
  ],
  [
    "a token",
    { daemonTokenFile: wrongToken() },
    /the token in .*wrong-token, which the daemon does not know$/,
  ],
];
function wrongToken(): string {
  const path = join(dir, "wrong-token");
  writeFileSync(path, "secret");
  return path;
}
for (const [what, access, message] of unknown)
  test(`who shows ${what} and is not known is told so`, async (t) => {
    const refuse: Answer = (_, response) => response.writeHead(401).end(JSON.stringify({ details: "who?" }));
    const url = await serve(t, good, {}, refuse);
    await assert.rejects(ask(transportOf(t, access), url), (error) => {
      assert.ok(error instanceof InputError && error.status === 401);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });

test("https to a daemon that speaks http says so, and so does http to one that speaks https", async (t) => {
  const url = await serve(t, good);
  await assert.rejects(
    ask(transportOf(t), new URL(url.href.replace("https", "http"))),
    /no answer.*may want https/,
  );
  const { createServer: createPlain } = await import("node:http");
  const plain = createPlain(whoIs).listen(0, "127.0.0.1");
  t.after(() => plain.close());
  await new Promise((resolve) => plain.once("listening", resolve));
  const { port } = plain.address() as AddressInfo;
  await assert.rejects(ask(transportOf(t), new URL(`https://127.0.0.1:${port}`)), /does not speak TLS/);
});

test("certificate and token are read anew: the next request shows the new ones", async (t) => {
  const url = await serve(t, good, { requestCert: true, ca: readFileSync(ours.ca) });
  const used = { cert: join(dir, "used.pem"), key: join(dir, "used-key.pem"), token: join(dir, "token") };
  const put = ({ cert, key }: CertificateFiles, token: string): void => {
    copyFileSync(cert, used.cert);
    copyFileSync(key, used.key);
    writeFileSync(used.token, `${token}\n`);
  };
  put(node, "one");
  const transport = transportOf(t, {
    daemonCert: used.cert,
    daemonKey: used.key,
    daemonTokenFile: used.token,
  });
  assert.deepEqual(await ask(transport, url), { subject: "CN=node-1", token: "Bearer one" });
  put(ours.issue("node-1-renewed", []), "two");
  assert.deepEqual(await ask(transport, url), { subject: "CN=node-1-renewed", token: "Bearer two" });
  copyFileSync(node.key, used.key);
  assert.equal((await ask(transport, url)).subject, "CN=node-1-renewed", "half renewed, the last good pair");
});

test("an open watch ends when its certificate is renewed, so that the next shows the new one", async (t) => {
  const bookmark = `${JSON.stringify({ type: "bookmark", revision: 1 })}\n`;
  const url = await serve(t, good, { requestCert: true, ca: readFileSync(ours.ca) }, (_, response) => {
    const beat = setInterval(() => response.write(bookmark), 20);
    response.once("close", () => clearInterval(beat));
  });
  const [daemonCert, daemonKey] = [join(dir, "watch.pem"), join(dir, "watch-key.pem")];
  copyFileSync(node.cert, daemonCert);
  copyFileSync(node.key, daemonKey);
  const client = createDaemonClient([url], transportOf(t, { daemonCert, daemonKey }));
  const next = ours.issue("node-1-next", []);
  let seen = 0;
  await assert.rejects(
    async () => {
      for await (const _ of client.replica().watch({}, AbortSignal.timeout(8000)))
        if (++seen === 3) {
          copyFileSync(next.cert, daemonCert);
          copyFileSync(next.key, daemonKey);
        }
    },
    (error) => error instanceof UnavailableError && error.code === "CERTIFICATES_RENEWED",
  );
  assert.ok(seen >= 3 && seen < 50, String(seen));
});

/** Each: files that are refused before anything is sent, and the option that is named. */
const refused: readonly (readonly [string, Partial<DaemonAccess>, string])[] = [
  ["a CA that is not there", { daemonCa: join(dir, "none") }, "--daemon-ca"],
  ["a CA that is none", { daemonCa: node.key }, "--daemon-ca"],
  ["a key of another certificate", { daemonCert: node.cert, daemonKey: good.key }, "--daemon-key"],
  ["a certificate without its key", { daemonCert: node.cert }, "--daemon-key"],
  ["a list that is none", { daemonCrl: node.cert }, "--daemon-crl"],
  ["a token that is not there", { daemonTokenFile: join(dir, "none") }, "--daemon-token-file"],
  ["a token of two words", { daemonTokenFile: ours.ca }, "--daemon-token-file"],
];
for (const [what, access, option] of refused)
  test(`refused, naming ${option}: ${what}`, async (t) => {
    const url = new URL("https://127.0.0.1:9");
    await assert.rejects(
      async () => ask(transportOf(t, access), url),
      (error) => error instanceof InputError && error.faults[0]?.field === option,
    );
  });

test("a token goes over plain http to loopback only", async (t) => {
  const token = join(dir, "plain-token");
  writeFileSync(token, "secret");
  const transport = transportOf(t, { daemonTokenFile: token });
  await assert.rejects(ask(transport, new URL("http://192.0.2.1:9600")), (error) => {
    assert.ok(error instanceof InputError && error.code === "DAEMON_PLAIN");
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});
