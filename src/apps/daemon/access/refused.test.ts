// What is no credential, shown over a real port: always the same 401, and never another route.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { after, before, test, type TestContext } from "node:test";
import { startDaemon } from "../../../../test/support/daemon.ts";
import { bearerOf, tokenFile, tokenOf } from "../../../../test/support/tokens.ts";
import type { RunningDaemon } from "../wire.ts";

let running: RunningDaemon;
let port: number;
before(async (t) => {
  running = await startDaemon({ argv: ["--new-cluster", "--token-file", tokenFile(t as TestContext)] });
  await running.app.listen({ host: "127.0.0.1", port: 0 });
  ({ port } = running.app.server.address() as AddressInfo);
});
after(() => running.close());

/** All that is answered to these bytes, until the other side closes. */
async function send(bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let said = "";
  socket.on("data", (chunk: Buffer) => (said += chunk.toString()));
  socket.on("error", () => undefined);
  socket.end(bytes, "latin1");
  await once(socket, "close");
  return said;
}
const statuses = (said: string): number[] =>
  [...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
const request = (line: string, headers: readonly string[] = [], body = ""): string =>
  [`${line} HTTP/1.1`, "Host: 127.0.0.1", ...headers, "", body].join("\r\n");
const withoutDate = (said: string): string => said.replace(/^date: .*$/gim, "");

const AS_ADMIN = `Authorization: ${bearerOf("admin").authorization}`;
const AS_NODE = `Authorization: ${bearerOf("node").authorization}`;
const JSON_TYPE = "Content-Type: application/json";

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
/** RFC 7515, signed by a key that nobody gave us. */
function jwt(header: object, claims: object, key = "key"): string {
  const text = `${base64(header)}.${base64(claims)}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}
const claims = { sub: "system:serviceaccount:romana:agent", aud: "romana", exp: 4_102_444_800 };
const HS256 = { alg: "HS256", typ: "JWT" };
const token = tokenOf("admin");

/** Headers that say nobody. */
const strangers: readonly (readonly [what: string, headers: readonly string[]])[] = [
  ["an empty Authorization", ["Authorization:"]],
  ["a scheme without a token", ["Authorization: Bearer"]],
  ["a token without a scheme", [`Authorization: ${token}`]],
  ["two spaces", [`Authorization: Bearer  ${token}`]],
  ["something after the token", [`Authorization: Bearer ${token} x`]],
  ["a token cut short", [`Authorization: Bearer ${token.slice(0, -1)}`]],
  ["a token and a character", [`Authorization: Bearer ${token}0`]],
  ["a token in capitals", [`Authorization: Bearer ${token.toUpperCase()}`]],
  ["the word undefined", ["Authorization: Bearer undefined"]],
  ["a JWT with a foreign signature", [`Authorization: Bearer ${jwt(HS256, claims)}`]],
  ["a JWT of another audience", [`Authorization: Bearer ${jwt(HS256, { ...claims, aud: "other" })}`]],
  ["a JWT that has ended", [`Authorization: Bearer ${jwt(HS256, { ...claims, exp: 1 })}`]],
  ["a JWT of alg none", [`Authorization: Bearer ${base64({ alg: "none" })}.${base64(claims)}.`]],
  ["15 kB of token", [`Authorization: Bearer ${"a".repeat(15_000)}`]],
  ["a good token, and another", [AS_ADMIN, AS_NODE]],
  ["a good token twice", [AS_ADMIN, AS_ADMIN]],
  ["a bad token, then a good one", ["Authorization: Bearer x", `authorization: Bearer ${token}`]],
  ["two tokens in one header", [`Authorization: Bearer ${token}, Bearer ${token}`]],
  ["Basic", [`Authorization: Basic ${Buffer.from(`admin:${token}`).toString("base64")}`]],
  ["Negotiate", ["Authorization: Negotiate YII="]],
  [
    "a good token in another header",
    [`X-Authorization: Bearer ${token}`, `Proxy-Authorization: Bearer ${token}`],
  ],
  ["a cookie", [`Cookie: token=${token}`]],
  [
    "what proxies say",
    [
      "X-Forwarded-For: 127.0.0.1",
      "X-Remote-User: alice",
      'X-Forwarded-Client-Cert: Subject="O=romana:admins"',
    ],
  ],
];
for (const [what, headers] of strangers)
  test(`${what}: the 401 that everybody gets`, async () => {
    const anonymous = withoutDate(await send(request("GET /hosts")));
    assert.match(
      anonymous,
      /^HTTP\/1\.1 401 Unauthorized\r\n.*www-authenticate: Bearer realm="romana"\r\n/is,
    );
    assert.equal(withoutDate(await send(request("GET /hosts", headers))), anonymous);
  });

test("a token in the URL is none", async () => {
  const said = await send(request(`GET /hosts?access_token=${token}&authorization=Bearer+${token}`));
  assert.deepEqual([statuses(said), said.includes(token)], [[401], false]);
});

test("what is no route is 401 too, for who has no credential", async () => {
  assert.deepEqual(statuses(await send(request("GET /nowhere"))), [401]);
  assert.deepEqual(statuses(await send(request("GET /nowhere", [AS_NODE, "Connection: close"]))), [404]);
});

/** Paths that lead a careless server to `/backup`, which a node may not read. None may answer 200, and none may be the backup. */
const paths: readonly string[] = [
  "/backup",
  "/backup/",
  "//backup",
  "/./backup",
  "/hosts/../backup",
  "/hosts/%2e%2e/backup",
  "/hosts/..%2fbackup",
  "/hosts/%2e%2e%2fbackup",
  "/%2e/backup",
  "/hosts/h1/report/../../../backup",
  "/hosts;/../backup",
  "/BACKUP",
  "/back%75p",
  "/backup%00",
  "/backup?x=/hosts",
  "/backup#/hosts",
  "\\backup",
  "/hosts\\..\\backup",
  "http://127.0.0.1/backup",
  "http://evil.example/backup",
  "/hosts/%",
  "/hosts/%c0%ae%c0%ae/backup",
];
for (const path of paths)
  test(`a node asks for ${JSON.stringify(path)}: no backup`, async () => {
    const said = await send(request(`GET ${path}`, [AS_NODE, "Connection: close"]));
    const [status = 0, ...more] = statuses(said);
    assert.ok([400, 403, 404].includes(status) && more.length === 0, said);
    assert.ok(!said.includes("ndjson"));
  });

test("a method in a header is no method", async () => {
  const override = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"].map(
    (name) => `${name}: DELETE`,
  );
  for (const line of ["GET /hosts/h1", "GET /hosts/h1?_method=DELETE"])
    assert.deepEqual(statuses(await send(request(line, [AS_NODE, ...override, "Connection: close"]))), [404]);
  assert.deepEqual(
    statuses(await send(request("DELETE /hosts/h1", [AS_NODE, "X-HTTP-Method-Override: GET"]))),
    [403],
  );
});

/** Answered 200 if it is ever taken for a request. */
const HIDDEN = request("GET /hosts", [AS_NODE]);
const CHUNKED = "Transfer-Encoding: chunked";
const length = (n: number): string => `Content-Length: ${n}`;
const post = (headers: readonly string[], body: string): string =>
  request("POST /ipam/adopt", [AS_NODE, JSON_TYPE, ...headers], body);

/** Requests that two parsers may cut differently: one answer at most before the connection ends, and never a 200. */
const smuggled: readonly (readonly [what: string, bytes: string])[] = [
  ["a length and chunks", post([length(6), CHUNKED], `0\r\n\r\n${HIDDEN}`)],
  ["chunks and a length", post([CHUNKED, length(6)], `0\r\n\r\n${HIDDEN}`)],
  ["two lengths", post([length(0), length(HIDDEN.length)], HIDDEN)],
  ["two equal lengths", post([length(2), length(2)], "{}")],
  ["lengths in a list", post(["Content-Length: 0, 5"], HIDDEN)],
  ["a length with a sign", post(["Content-Length: +5"], HIDDEN)],
  ["a length in hex", post(["Content-Length: 0x5"], HIDDEN)],
  ["a negative length", post(["Content-Length: -1"], HIDDEN)],
  ["a space before the colon", post(["Content-Length : 5"], HIDDEN)],
  ["a folded header", post(["Content-Length:", "\t5"], HIDDEN)],
  ["chunks that are not last", post(["Transfer-Encoding: chunked, identity"], `0\r\n\r\n${HIDDEN}`)],
  ["chunks in other letters", post(["Transfer-Encoding: xchunked"], `0\r\n\r\n${HIDDEN}`)],
  ["chunks said twice", post([CHUNKED, CHUNKED, length(3)], `0\r\n\r\n${HIDDEN}`)],
  ["a chunk's size that is none", post([CHUNKED], `zz\r\n{}\r\n0\r\n\r\n${HIDDEN}`)],
  ["a header without a name", post([": x"], HIDDEN)],
  ["a bare CR in a header", post(["X-A: a\rAuthorization: Bearer x"], "")],
  ["a NUL in a header", post(["X-A: a\0b"], "")],
  ["no host", `GET /backup HTTP/1.1\r\n${AS_NODE}\r\n\r\n`],
  ["a version that is none", `GET /backup HTTP/9.9\r\n${AS_NODE}\r\n\r\n`],
  ["no version", "GET /backup\r\n\r\n"],
];
for (const [what, bytes] of smuggled)
  test(`${what}: at most one answer, and no 200`, { timeout: 10_000 }, async () => {
    const answers = statuses(await send(bytes));
    assert.ok(answers.length <= 2 && answers.every((status) => status >= 400), String(answers));
    assert.ok(!answers.includes(200));
  });

test("bare line feeds end no header: refused", async () => {
  const bytes = `GET /hosts HTTP/1.1\nHost: 127.0.0.1\n${AS_NODE}\nConnection: close\n\n`;
  assert.deepEqual(statuses(await send(bytes)), [400]);
});

test("requests in one connection are each judged by their own credential", async () => {
  const bytes =
    request("GET /backup", [AS_ADMIN]) + request("GET /backup", [AS_NODE]) + request("GET /hosts");
  assert.deepEqual(statuses(await send(bytes)), [200, 403, 401]);
});
