// ListPodSandbox against a server that answers as it is told. The real one is in src/apps/agent/sandboxes/sandboxes.root.test.ts.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { grpcCall } from "./grpc-call.ts";
import { sandboxIds } from "./sandboxes.ts";

type Answer = (stream: ServerHttp2Stream) => void;

async function serve(t: TestContext, answer: Answer): Promise<{ socket: string; asked: string[] }> {
  const dir = mkdtempSync(join(tmpdir(), "romana-cri-"));
  const socket = join(dir, "cri.sock");
  const asked: string[] = [];
  const server = createServer();
  server.on("stream", (stream, headers) => {
    asked.push(`${headers[":method"]} ${headers[":path"]} ${headers["content-type"]}`);
    stream.on("error", () => undefined); // the caller has gone
    answer(stream);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => {
    server.close();
    rmSync(dir, { recursive: true });
  });
  return { socket, asked };
}

const field = (number: number, bytes: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), Buffer.from(bytes as string)]);

const frame = (message: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

/** In several pieces, with its status after it. */
const reply =
  (bytes: Buffer, trailers: Record<string, string> = { "grpc-status": "0" }): Answer =>
  (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.write(bytes.subarray(0, 3));
    stream.end(bytes.subarray(3));
  };

/** State (a number), creation time (64 bits) and labels are skipped. */
const others = Buffer.concat([
  ...[Buffer.from([3 << 3, 1]), Buffer.from([4 << 3, ...Array<number>(9).fill(0xff), 1])],
  ...[Buffer.from([(9 << 3) | 1, ...Array<number>(8).fill(7)]), Buffer.from([(10 << 3) | 5, 1, 2, 3, 4])],
  field(5, field(1, "labels")),
]);
const sandbox = (id: string): Buffer =>
  field(1, Buffer.concat([field(2, field(1, "name")), field(1, id), others]));

test("ids of all sandboxes, whatever else is told of them", async (t) => {
  const list = Buffer.concat([sandbox("aaa"), field(2, "later versions"), sandbox("bbb")]);
  const { socket, asked } = await serve(t, reply(frame(list)));
  assert.deepEqual([...(await sandboxIds(socket))], ["aaa", "bbb"]);
  assert.deepEqual(asked, ["POST /runtime.v1.RuntimeService/ListPodSandbox application/grpc"]);
});

test("a runtime without sandboxes", async (t) => {
  const { socket } = await serve(t, reply(frame(Buffer.alloc(0))));
  assert.equal((await sandboxIds(socket)).size, 0);
});

const bad: readonly (readonly [string, Answer, RegExp])[] = [
  [
    "that does not know the method, and says so at once",
    (stream) =>
      stream.respond(
        { ":status": 200, "grpc-status": "12", "grpc-message": "unknown service" },
        { endStream: true },
      ),
    /gRPC status 12 unknown service/,
  ],
  [
    "that fails after it began",
    reply(frame(sandbox("a")), { "grpc-status": "14", "grpc-message": "server is not initialized yet" }),
    /status 14 server is not initialized yet/,
  ],
  ["that ends without a status", reply(frame(sandbox("a")), {}), /status none/],
  [
    "that speaks no gRPC",
    (stream) => (stream.respond({ ":status": 404 }), void stream.end("no")),
    /status none/,
  ],
  ["that sends half a message", reply(frame(sandbox("abc")).subarray(0, -1)), /bytes that are no message/],
  ["that sends less than the head of one", reply(Buffer.from([0, 0])), /2 bytes that are no message/],
  ["whose message is none", reply(frame(Buffer.from([0x0a, 0x7f, 1]))), /a field is longer than the bytes/],
  ["whose message ends in a number", reply(frame(Buffer.from([0x18, 0xff]))), /the bytes end amid a number/],
  ["that hangs up", (stream) => stream.close(2), /NGHTTP2|closed|INTERNAL/],
];
for (const [what, answer, message] of bad)
  test(`a runtime ${what} is unavailable`, async (t) => {
    const { socket } = await serve(t, answer);
    await assert.rejects(sandboxIds(socket), (error) => {
      assert.ok(error instanceof UnavailableError, String(error));
      assert.match(error.message, message);
      return true;
    });
  });

test("a runtime that is silent is given up, one that is not there is told by its socket", async (t) => {
  const { socket } = await serve(t, () => undefined);
  const call = { method: "/a.B/C", message: new Uint8Array(), timeout: 50 };
  await assert.rejects(grpcCall(socket, call), /\/a\.B\/C at .*cri\.sock: .*(abort|timeout)/);
  await assert.rejects(sandboxIds("/nowhere.sock"), /ENOENT.*\/nowhere\.sock/);
});
