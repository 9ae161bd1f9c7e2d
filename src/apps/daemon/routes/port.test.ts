import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, test } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import type { WatchLine } from "../../../core/api/types.ts";

const running = await startDaemon();
const { call, daemon } = running;
after(() => running.close());
await call("POST /topology", twoRacks);
await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
const root = await running.app.listen({ host: "127.0.0.1", port: 0 });
const port = Number(new URL(root).port);

type Stream = {
  /** Lines up to and with the next one of a type. */
  next(type: WatchLine["type"]): Promise<WatchLine[]>;
  /** As `next("bookmark")`, past bookmarks that follow nothing. */
  change(): Promise<WatchLine[]>;
  close(): void;
};
async function watch(query = ""): Promise<Stream> {
  const abort = new AbortController();
  const response = await fetch(`${root}/watch${query}`, { signal: abort.signal });
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  const lines = readLines(response.body ?? new ReadableStream());
  const stream: Stream = {
    async next(type) {
      const read: WatchLine[] = [];
      for (;;) {
        const { value } = await lines.next();
        if (!value) throw new Error(`stream ended before ${type}`);
        read.push(value);
        if (value.type === type) return read;
      }
    },
    async change() {
      for (;;) {
        const read = await stream.next("bookmark");
        if (read.length > 1) return read;
      }
    },
    close: () => abort.abort(),
  };
  return stream;
}
async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<WatchLine, undefined> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) yield JSON.parse(part) as WatchLine;
  }
  return undefined;
}
const kinds = (lines: WatchLine[]): string[] =>
  lines.map((line) => ("kind" in line ? `${line.type} ${line.kind} ${line.key}` : line.type));
const revisionOf = (line: WatchLine | undefined): number => (line && "revision" in line ? line.revision : 0);

test("a watch: reset, all, synced, then changes; it resumes where it was, and is reset where it cannot", async () => {
  const first = await watch();
  const start = await first.next("synced");
  assert.deepEqual(
    kinds(start),
    ["reset", "put host h1", "put topology topology", "synced"].toSorted(order(start)),
  );
  await call("POST /address", { name: "p1", host: "h1", tenant: "t" });
  const change = await first.change();
  assert.deepEqual(kinds(change), ["put block 10.0.0.0/29", "put block fd00::/125", "bookmark"]);
  first.close();

  await call("POST /address", { name: "p2", host: "h1", tenant: "t" });
  await call("POST /hosts", { name: "h2", ip: "192.168.0.2", tags: { rack: "b" } });
  const { clusterId } = daemon.store.identity;
  const since = revisionOf(change.at(-1));
  const resumed = await watch(`?since=${since}&cluster=${clusterId}`);
  const missed = kinds(await resumed.next("synced"));
  assert.deepEqual([missed[0], missed.at(-2), missed.at(-1)], ["resume", "put host h2", "synced"]);
  resumed.close();

  const stranger = await watch(`?since=${since}&cluster=another`);
  assert.equal(kinds(await stranger.next("synced"))[0], "reset");
  stranger.close();
});

/** The order of a reset is free: the test takes the one it got. */
function order(lines: WatchLine[]): (a: string, b: string) => number {
  const got = kinds(lines);
  return (a, b) => got.indexOf(a) - got.indexOf(b);
}

test("an allocation in a known block is no event; a removed host is one", async () => {
  const stream = await watch();
  await stream.next("synced");
  await call("POST /address", { name: "p3", host: "h1", tenant: "t" });
  await call("DELETE /hosts/h2");
  assert.deepEqual(kinds(await stream.change()), ["delete host h2", "bookmark"]);
  stream.close();
});

test("bookmarks come by themselves", { timeout: 6000 }, async () => {
  const stream = await watch();
  await stream.next("synced");
  assert.equal(revisionOf((await stream.next("bookmark")).at(-1)), daemon.mirror.revision);
  stream.close();
});

test("50 MB are refused without being read", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.write(
    "POST /hosts HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 50000000\r\n\r\n",
  );
  const [reply] = (await once(socket, "data")) as [Buffer];
  assert.match(reply.toString(), /^HTTP\/1\.1 413 .*"status_code":413/s);
  socket.destroy();
});

test("50 MB without a length are refused on the way", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(
    "POST /hosts HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
  );
  const chunk = `100000\r\n${"a".repeat(1 << 20)}\r\n`;
  for (let i = 0; i < 6; i++) socket.write(chunk);
  const [reply] = (await once(socket, "data")) as [Buffer];
  assert.match(reply.toString(), /^HTTP\/1\.1 413 /);
  socket.destroy();
});

test("what is no HTTP gets a 400 in the API's form", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.write("\x16\x03\x01 hello\r\n\r\n");
  const [reply] = (await once(socket, "data")) as [Buffer];
  assert.match(reply.toString(), /^HTTP\/1\.1 400 .*"status_code":400/s);
  socket.destroy();
});
