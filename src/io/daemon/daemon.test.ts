// The daemon's client and its watch against a server that misbehaves.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { InputError, UnavailableError } from "../../base/errors.ts";
import type { WatchLine } from "../../core/api/types.ts";
import { createDaemonClient } from "./daemon-client.ts";
import { parseCidr } from "../../core/net/cidr.ts";
import { createTransport } from "./transport.ts";
import { watchDaemon } from "./watch-daemon.ts";

/** A server on loopback until the test ends. */
async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<URL> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const never = new AbortController().signal;
const code = (wanted: string) => (error: unknown) =>
  error instanceof UnavailableError && error.code === wanted;

async function collect(url: URL, options: Parameters<typeof watchDaemon>[2] = {}): Promise<WatchLine[]> {
  const all: WatchLine[] = [];
  for await (const lines of watchDaemon(createTransport(), url, options, never)) all.push(...lines);
  return all;
}

const synced: WatchLine = { type: "synced", revision: 3 };
const reset: WatchLine = { type: "reset", cluster: "ü" };

test("lines are lines, wherever the stream is cut, in the middle of a character too", async (t) => {
  const bytes = Buffer.from(`${JSON.stringify(reset)}\n\n${JSON.stringify(synced)}\n`);
  const url = await serve(t, (_, response) => {
    const writeFrom = (at: number): void => {
      if (at < bytes.length) response.write(bytes.subarray(at, at + 1), () => writeFrom(at + 1));
      else response.end();
    };
    writeFrom(0);
  });
  assert.deepEqual(await collect(url), [reset, synced]);
});

test("it asks for what it has not seen, of the store it has seen", async (t) => {
  const asked: (string | undefined)[] = [];
  const url = await serve(t, ({ url: path }, response) => {
    asked.push(path);
    response.end();
  });
  await collect(url);
  await collect(url, { from: { cluster: "a&b", revision: 7 } });
  await collect(url, { from: { cluster: "c", revision: 7, anew: true } });
  await collect(url, { scope: { host: "h", subnets: [parseCidr("10.0.0.0/8"), parseCidr("fd00::/64")] } });
  assert.deepEqual(asked, [
    "/watch",
    "/watch?since=7&cluster=a%26b",
    "/watch?since=7&cluster=c&anew=true",
    "/watch?host=h&subnets=10.0.0.0%2F8%2Cfd00%3A%3A%2F64",
  ]);
});

const broken: readonly (readonly [string, string, (response: ServerResponse) => void])[] = [
  ["a status that is none of a stream", "WATCH_REFUSED", (response) => response.writeHead(503).end("{}")],
  ["garbage", "WATCH_GARBAGE", (response) => response.end("<html>\n")],
  [
    "an end in the middle",
    "WATCH_ENDED",
    (response) => response.write(`${JSON.stringify(reset)}\n`, () => response.destroy()),
  ],
];
for (const [what, wanted, answer] of broken)
  test(`a watch that meets ${what} fails with ${wanted}`, async (t) => {
    const url = await serve(t, (_, response) => answer(response));
    await assert.rejects(collect(url), code(wanted));
  });

test("a watch of nobody fails, and an aborted one ends in silence", async (t) => {
  await assert.rejects(collect(new URL("http://127.0.0.1:9")), code("DAEMON_UNREACHABLE"));
  const stop = new AbortController();
  const url = await serve(t, (_, response) => response.write(`${JSON.stringify(reset)}\n`));
  for await (const lines of watchDaemon(createTransport(), url, {}, stop.signal)) {
    assert.deepEqual(lines, [reset]);
    stop.abort();
  }
});

const request = { name: "n", host: "h", tenant: "t" };
const replies: readonly (readonly [string, number, string, (error: unknown) => boolean])[] = [
  [
    "a refusal is the caller's input, with the daemon's words",
    409,
    JSON.stringify({ status_code: 409, details: "the name is alive elsewhere", code: "NAME_ALIVE" }),
    (error) =>
      error instanceof InputError &&
      error.code === "NAME_ALIVE" &&
      error.status === 409 &&
      error.message === "the name is alive elsewhere",
  ],
  [
    "each fault is kept",
    400,
    JSON.stringify({ details: "x", faults: [{ code: "NAME", field: "body.name", expected: "a name" }] }),
    (error) => error instanceof InputError && error.faults[0]?.field === "body.name",
  ],
  [
    "a failure of the daemon's keeps its code, and may be tried again",
    503,
    JSON.stringify({ details: "no store", code: "STORE_TIMEOUT" }),
    (error) => code("STORE_TIMEOUT")(error) && (error as Error).message === "no store",
  ],
  ["an error without words is told by its status", 500, "", code("HTTP_500")],
  ["what is no JSON is not understood", 200, "<html>", code("DAEMON_REPLY")],
];
for (const [what, status, text, check] of replies)
  test(what, async (t) => {
    const client = createDaemonClient([
      await serve(t, (_, response) => response.writeHead(status).end(text)),
    ]);
    t.after(() => client.close());
    await assert.rejects(client.allocate(request), check);
  });

type Answer = Parameters<typeof serve>[1];
const answering: Answer = (_, response) => response.end(JSON.stringify({ id: "n" }));
const says =
  (status: number, text: string): Answer =>
  (_, response) =>
    response.writeHead(status).end(JSON.stringify({ code: text }));
const NOBODY = new URL("http://127.0.0.1:9");

const elsewhere: readonly (readonly [string, Answer | undefined])[] = [
  ["is not there", undefined],
  ["does not reach its store", says(503, "STORE_TIMEOUT")],
  ["stops in the middle of its answer", (_, response) => response.write("{", () => response.destroy())],
];
for (const [what, answer] of elsewhere)
  test(`the next replica is asked where one ${what}`, async (t) => {
    const first = answer ? await serve(t, answer) : NOBODY;
    const client = createDaemonClient([first, await serve(t, answering)]);
    t.after(() => client.close());
    assert.deepEqual(await client.allocate(request), { id: "n" });
  });

test("a replica that is not there is left by all, one that only says 503 is not", async (t) => {
  const busy = await serve(t, says(503, "QUEUE_FULL"));
  const good = await serve(t, answering);
  const client = createDaemonClient([NOBODY, busy, good]);
  t.after(() => client.close());
  await client.allocate(request);
  assert.equal(client.replicas.current, busy);
});

for (const [status, text] of [
  [503, "STORE_FORGOT"],
  [429, "RATE"],
  [409, "NAME_TAKEN"],
] as const)
  test(`${text} is an answer that no other replica is asked to better`, async (t) => {
    let others = 0;
    const counting: Answer = (incoming, response) => (others++, answering(incoming, response));
    const client = createDaemonClient([await serve(t, says(status, text)), await serve(t, counting)]);
    t.after(() => client.close());
    await assert.rejects(client.allocate(request), { code: text });
    assert.equal(others, 0);
  });

test("of replicas that all fail, what one of them said is told", async (t) => {
  const said = await serve(t, says(503, "STORE_NO_LEADER"));
  const client = createDaemonClient([NOBODY, said, NOBODY]);
  t.after(() => client.close());
  await assert.rejects(client.allocate(request), { code: "STORE_NO_LEADER" });
});

test("a request to a silent replica goes on at the next when somebody leaves it, and its watch ends", async (t) => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const silent = await serve(t, ({ url }, response) => {
    if (url?.startsWith("/watch")) response.write(`${JSON.stringify(reset)}\n`);
    else resolve();
  });
  const client = createDaemonClient([silent, await serve(t, answering)]);
  t.after(() => client.close());
  const replica = client.replica();
  const lines: WatchLine[] = [];
  const watching = (async () => {
    for await (const some of replica.watch({}, never)) lines.push(...some);
  })();
  const call = client.allocate(request);
  await asked;
  client.replicas.leave(silent);
  // Late: it is left already, and the next one stays.
  client.replicas.leave(silent);
  assert.deepEqual(await call, { id: "n" });
  await watching;
  await assert.rejects(replica.register({ name: "n" }, never), code("DAEMON_UNREACHABLE"));
});

test("replicas that were all left for being slow are asked again, a bounded number of times", async (t) => {
  let [asked, leavings] = [0, 3];
  const slow: Answer = (incoming, response) => {
    if (++asked > leavings) answering(incoming, response);
    else client.replicas.leave(client.replicas.current);
  };
  const client = createDaemonClient([await serve(t, slow), await serve(t, slow)]);
  t.after(() => client.close());
  assert.deepEqual(await client.allocate(request), { id: "n" });
  [asked, leavings] = [0, Infinity];
  await assert.rejects(client.allocate(request), code("DAEMON_UNREACHABLE"));
  assert.equal(asked, 6);
});

test("a single replica is not left, and what it has begun goes on", async (t) => {
  const only = await serve(t, (_, response) => setImmediate(() => response.end(JSON.stringify({ id: "n" }))));
  const client = createDaemonClient([only]);
  t.after(() => client.close());
  const call = client.allocate(request);
  client.replicas.leave(only);
  assert.deepEqual(await call, { id: "n" });
});

test("a replica that is silent for longer than one is patient is dead", async (t) => {
  const client = createDaemonClient([await serve(t, () => undefined), NOBODY]);
  t.after(() => client.close());
  const start = performance.now();
  await assert.rejects(client.replica(100).register({ name: "n" }, never), code("DAEMON_UNREACHABLE"));
  assert.ok(performance.now() - start < 2000);
  assert.equal(await client.isReady(NOBODY), false);
});

test("a call that is aborted ends at once", async (t) => {
  const client = createDaemonClient([await serve(t, () => undefined)]);
  t.after(() => client.close());
  const stop = new AbortController();
  const call = client.replica().register({ name: "n" }, stop.signal);
  stop.abort();
  await assert.rejects(call, code("DAEMON_UNREACHABLE"));
});
