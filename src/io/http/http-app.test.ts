// The server's manners towards clients that are slow, many, or send what is no request.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import type { FastifyInstance } from "fastify";
import { eventually } from "../../../test/support/eventually.ts";
import { BugError, InputError, UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { createHttpApp } from "./http-app.ts";
import { HTTP_LIMITS, type HttpLimits } from "./server.ts";

/** Milliseconds instead of the seconds of `HTTP_LIMITS`. */
const limits = { ...HTTP_LIMITS, connections: 5, request: 200, check: 50, stalled: 300, idle: 200 };
/** More than the kernel takes in for a client that does not read. */
const BIG = "x".repeat(64 * 2 ** 20);

async function startApp(t: TestContext, given: HttpLimits = limits): Promise<FastifyInstance> {
  const app = await createHttpApp({ title: "Test", version: "1", limits: given }, { log: silentLog });
  app.post("/echo", (request) => request.body);
  app.get("/big", () => BIG);
  t.after(() => app.close());
  await app.listen({ host: "127.0.0.1", port: 0 });
  return app;
}
const portOf = (app: FastifyInstance): number => (app.server.address() as AddressInfo).port;
const start = async (t: TestContext, given?: HttpLimits): Promise<number> => portOf(await startApp(t, given));

function open(t: TestContext, port: number, localAddress = "127.0.0.1"): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  socket.on("error", () => undefined);
  t.after(() => socket.destroy());
  return socket;
}

/** All that comes until the other side ends. */
async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, "close");
  return text;
}

const HEAD = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n";

/** What a slow client sends, a piece each 20 ms. */
const slow: readonly [string, string][] = [
  ["headers byte by byte", HEAD],
  ["a body that never ends", `${HEAD}{"a"`],
  ["nothing after the first line", "POST /echo HTTP/1.1\r\n"],
];
for (const [name, text] of slow)
  test(`a client that sends ${name} is cut off with 408`, { timeout: 10_000 }, async (t) => {
    const socket = open(t, await start(t));
    const reply = readAll(socket);
    const [first = "", ...rest] = text === HEAD ? text : [text];
    socket.write(first);
    const drip = setInterval(() => socket.writable && socket.write(rest.shift() ?? ""), 20);
    t.after(() => clearInterval(drip));
    assert.match(await reply, /^HTTP\/1\.1 408 .*"status_code":408/s);
  });

test("a client that ends its side is answered, and the connection ends", { timeout: 10_000 }, async (t) => {
  const socket = open(t, await start(t));
  socket.end(`${HEAD}{"a":"b"}`);
  assert.match(await readAll(socket), /^HTTP\/1\.1 200 /);
});

test(
  "of one address no more connections are taken than its share, and another's are",
  { timeout: 10_000 },
  async (t) => {
    const isShared = (address: string): boolean => address === "127.0.0.2";
    const port = await start(t, { ...limits, connectionsOfOne: 2, isShared });
    const from = (localAddress: string): Socket => open(t, port, localAddress);
    const held = [from("127.0.0.1"), from("127.0.0.1")];
    await Promise.all(held.map((socket) => once(socket, "connect")));
    assert.equal(await readAll(from("127.0.0.1")), "");
    const another = from("127.0.0.2");
    another.write(`${HEAD}{"a":"b"}`);
    assert.match(String((await once(another, "data"))[0]), /^HTTP\/1\.1 200 /);
    held[0]?.destroy();
    await eventually(async () => {
      const again = from("127.0.0.1");
      again.write(`${HEAD}{"a":"b"}`);
      assert.match(
        String((await once(again, "data", { signal: AbortSignal.timeout(200) }))[0]),
        /^HTTP\/1\.1 200 /,
      );
    });
  },
);

test("while slow clients hold what they may, another is served at once", { timeout: 10_000 }, async (t) => {
  const port = await start(t, { ...limits, connections: 100 });
  const drips = Array.from({ length: 60 }, (_, n) => {
    const socket = open(t, port);
    socket.write(slow[n % slow.length]?.[1].slice(0, 60) ?? "");
    return socket;
  });
  await Promise.all(drips.map((socket) => once(socket, "connect")));
  const asked = open(t, port);
  const begun = performance.now();
  asked.write(`${HEAD}{"a":"b"}`);
  assert.match(String((await once(asked, "data"))[0]), /^HTTP\/1\.1 200 /);
  assert.ok(performance.now() - begun < limits.request, "sooner than the slow ones are cut off");
});

test("a client that does not read its answer is cut off", { timeout: 10_000 }, async (t) => {
  const app = await startApp(t);
  const connected = once(app.server, "connection") as Promise<[Socket]>;
  const socket = open(t, portOf(app));
  socket.pause();
  socket.write("GET /big HTTP/1.1\r\nhost: x\r\n\r\n");
  const [accepted] = await connected;
  await once(accepted, "close");
});

test("a client that says nothing is cut off", { timeout: 10_000 }, async (t) => {
  const socket = open(t, await start(t));
  await readAll(socket);
});

test("more connections than allowed are closed at once, and others go on", { timeout: 10_000 }, async (t) => {
  const port = await start(t);
  const held = Array.from({ length: limits.connections }, () => open(t, port));
  await Promise.all(held.map((socket) => once(socket, "connect")));
  assert.equal(await readAll(open(t, port)), "");
  held[0]?.write(`${HEAD}{"a":"b"}`);
  assert.match(String((await once(held[0] as Socket, "data"))[0]), /^HTTP\/1\.1 200 /);
});

/** Bytes on the socket, and the status that they are answered with. */
const garbage: readonly [string, string, number][] = [
  ["what is no HTTP", "\x16\x03\x01\x02\r\n\r\n", 400],
  ["20 kB of headers", `GET / HTTP/1.1\r\nhost: x\r\na: ${"b".repeat(20_000)}\r\n\r\n`, 431],
  ["two lengths", "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na", 400],
  [
    "a length and chunks",
    "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\na",
    400,
  ],
];
for (const [name, bytes, status] of garbage)
  test(`${name}: ${status} in the API's form`, { timeout: 10_000 }, async (t) => {
    const socket = open(t, await start(t));
    socket.write(bytes);
    const reply = await readAll(socket);
    assert.match(reply, new RegExp(`^HTTP/1\\.1 ${status} .*"status_code":${status}`, "s"));
  });

test("errors are answered by their family: input with its status, the world 503, a bug 500 without its text", async (t) => {
  const app = await createHttpApp({ title: "Test", version: "1" }, { log: silentLog });
  t.after(() => app.close());
  const errors = {
    input: new InputError({ code: "TAKEN", field: "host", value: "h1", expected: "a free name" }, 409),
    world: new UnavailableError({ code: "STORE_FULL", message: "no space" }),
    bug: new BugError({ code: "SECRET", password: "hidden" }),
  };
  for (const [name, error] of Object.entries(errors))
    app.get(`/${name}`, () => {
      throw error;
    });
  const ask = async (url: string): Promise<unknown> => (await app.inject({ method: "GET", url })).json();
  assert.deepEqual(await ask("/input"), {
    ...{ status_code: 409, code: "TAKEN", resource_id: "h1", resource_type: "host" },
    details: 'host: "h1": expected a free name',
    faults: [{ code: "TAKEN", field: "host", expected: "a free name" }],
  });
  assert.deepEqual(await ask("/world"), { status_code: 503, code: "STORE_FULL", details: "no space" });
  assert.deepEqual(await ask("/bug"), {
    ...{ status_code: 500, code: "BUG" },
    details: "internal error; see the daemon's log",
  });
});
