// Watchers on real sockets: one that reads nothing is cut off, one that is slow is not.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { createFakeClock, type FakeClock } from "../../../../test/support/fake-clock.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import type { WatchSink } from "./watch-hub.ts";
import { createWatchSink } from "./watch-sink.ts";

/** More than kernel and socket take in for who does not read. */
const BIG = Buffer.alloc(32 << 20, "x");

type Watcher = { readonly socket: Socket; readonly sink: WatchSink; readonly clock: FakeClock };

/** A watcher that reads nothing yet, and where its lines go. */
async function watch(t: TestContext): Promise<Watcher> {
  const clock = createFakeClock();
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => undefined).pause();
  socket.write("GET /watch HTTP/1.1\r\nhost: x\r\n\r\n");
  const [, response] = (await once(server, "request")) as [unknown, ServerResponse];
  return { socket, sink: createWatchSink(response, clock), clock };
}

test("a watcher that reads nothing for a minute is cut off", { timeout: 10_000 }, async (t) => {
  const { socket, sink, clock } = await watch(t);
  const closed = once(socket, "close");
  sink.write(BIG);
  for (let second = 0; second < 61; second++) {
    await clock.advance(1000);
    sink.write("bookmark\n");
  }
  assert.ok(sink.pending() > 0);
  await clock.advance(1000);
  sink.write("bookmark\n");
  socket.resume();
  await closed;
});

test(
  "a watcher that takes what waits, however late, is not, nor one to whom nothing is said",
  { timeout: 10_000 },
  async (t) => {
    const { socket, sink, clock } = await watch(t);
    sink.write(BIG);
    await clock.advance(50_000);
    socket.resume();
    await eventually(() => assert.equal(sink.pending(), 0));
    await clock.advance(3_600_000);
    sink.write("bookmark\n");
    await once(socket, "data");
    assert.equal(socket.destroyed, false);
  },
);
