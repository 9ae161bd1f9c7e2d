import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { encodeChange } from "../../core/netlink/encode.ts";
import type { Notification, Rule } from "../../core/netlink/types.ts";
import { createWriter } from "../../core/netlink/writer.ts";
import type { ChannelListener, NativePipe } from "./native-pipe.ts";
import { notifications } from "./notifications.ts";

const rule = (priority: number): Rule => ({ family: 4, priority, table: 10, protocol: 82 });
const datagram = (...priorities: number[]): Buffer => {
  const writer = createWriter();
  for (const priority of priorities) encodeChange(writer, { kind: "rule-add", rule: rule(priority) }, 0, 0);
  return Buffer.from(writer.take());
};

/** A pipe whose channels a test speaks through. */
function fakePipe() {
  const open: ChannelListener[] = [];
  let closed = 0;
  const pipe: NativePipe = {
    openChannel: async (_netns, { groups }, listener) => {
      assert.ok(groups > 0);
      open.push(listener);
      return { send: () => assert.fail("nothing is asked"), close: () => void closed++ };
    },
    readFile: () => assert.fail(),
    writeFile: () => assert.fail(),
    dead: () => undefined,
  };
  return { pipe, open, closed: () => closed };
}

async function start() {
  const { pipe, open, closed } = fakePipe();
  const stop = new AbortController();
  const stream = (await notifications(pipe, "", stop.signal))[Symbol.asyncIterator]();
  const next = async (): Promise<readonly Notification[]> => {
    const result = await stream.next();
    assert.ok(result.done !== true);
    return result.value;
  };
  return { open, closed, stop, stream, next };
}

test("what came before the first read is not lost, and comes at once", async () => {
  const { open, next } = await start();
  open[0]?.datagram(datagram(1, 2));
  open[0]?.datagram(datagram(3));
  assert.deepEqual(
    (await next()).map((each) => (each.kind === "rule" ? each.rule.priority : each.kind)),
    [1, 2, 3],
  );
});

const losses: readonly (readonly [string, (listener: ChannelListener) => void])[] = [
  ["the socket overflowed", (listener) => listener.overrun()],
  ["a message cannot be read", (listener) => listener.datagram(datagram(1).subarray(0, 20))],
  [
    "more waits than is worth reading",
    (listener) => {
      const many = datagram(...Array.from({ length: 10_001 }, (_, i) => i + 1));
      for (let i = 0; i < 10; i++) listener.datagram(many);
    },
  ],
];
for (const [what, lose] of losses)
  test(`an overrun where ${what}: old news goes, a new socket is open before it is told`, async () => {
    const { open, closed, next } = await start();
    open[0]?.datagram(datagram(1));
    const first = open[0];
    if (first) lose(first);
    assert.deepEqual(await next(), [{ kind: "overrun" }]);
    assert.deepEqual([open.length, closed()], [2, 1]);
    open[1]?.datagram(datagram(9));
    assert.equal((await next()).length, 1);
  });

test("the death of the helper ends it with the reason", async () => {
  const { open, stream, closed } = await start();
  open[0]?.failed(new UnavailableError({ code: "NATIVE_DIED" }));
  await assert.rejects(
    stream.next(),
    (error) => error instanceof UnavailableError && error.code === "NATIVE_DIED",
  );
  assert.equal(closed(), 1);
});

test("the signal ends it in silence and closes the socket", async () => {
  const { stop, stream, closed } = await start();
  const waiting = stream.next();
  stop.abort();
  assert.equal((await waiting).done, true);
  assert.equal(closed(), 1);
});
