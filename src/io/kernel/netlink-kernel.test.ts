// What the adapter makes of a kernel's answers, with a kernel that a test plays.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { NLM_F, NLMSG } from "../../core/netlink/constants.ts";
import { encodeChange } from "../../core/netlink/encode.ts";
import type { Change, Rule } from "../../core/netlink/types.ts";
import { createWriter } from "../../core/netlink/writer.ts";
import type { ChannelListener, NativePipe } from "./native-pipe.ts";
import { openKernel } from "./netlink-kernel.ts";

const ENOENT = 2;
const EEXIST = 17;

const rule = (priority: number): Rule => ({ family: 4, priority, table: 10, protocol: 82 });
const add = (priority: number): Change => ({ kind: "rule-add", rule: rule(priority) });

/** A datagram with a rule, of a dump with `sequence`. */
function object(sequence: number, flags = 0): Buffer {
  const writer = createWriter();
  encodeChange(writer, add(7), sequence, 0);
  const bytes = Buffer.from(writer.take());
  bytes.writeUInt16LE(NLM_F.multi | flags, 6);
  return bytes;
}

function end(type: number, sequence: number, errno = 0, flags = 0): Buffer {
  const writer = createWriter();
  writer.message(type, flags, sequence, () => {
    writer.u32(-errno >>> 0);
    for (let i = 0; i < 4; i++) writer.u32(0);
  });
  return Buffer.from(writer.take());
}
const done = (sequence: number, errno = 0, flags = 0): Buffer => end(NLMSG.done, sequence, errno, flags);
const error = (sequence: number, errno = 0): Buffer => end(NLMSG.error, sequence, errno);

type Answer = (sequences: readonly number[], kernel: ChannelListener) => void;

/** A kernel that answers each send, by the sequence numbers of its messages, with the next of `answers`; the last one for ever. */
async function kernelThat(...answers: readonly Answer[]) {
  const sends: (readonly number[])[] = [];
  let dead: UnavailableError | undefined;
  const pipe: NativePipe = {
    openChannel: async (_netns, _groups, listener) => ({
      send: (bytes) => {
        sends.push(sequencesOf(bytes));
        const answer = answers[Math.min(sends.length, answers.length) - 1];
        queueMicrotask(() => answer?.(sends.at(-1) ?? [], listener));
      },
      close: () => undefined,
    }),
    readFile: () => assert.fail(),
    writeFile: () => assert.fail(),
    dead: () => dead,
  };
  return {
    kernel: await openKernel(pipe, "ns"),
    sends,
    die: (reason: UnavailableError) => void (dead = reason),
  };
}

function sequencesOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at += (view.getUint32(at, true) + 3) & ~3)
    found.push(view.getUint32(at + 8, true));
  return found;
}

const code = (wanted: string) => (thrown: unknown) =>
  thrown instanceof UnavailableError && thrown.code === wanted;
const whole: Answer = ([sequence = 0], { datagram }) => {
  datagram(object(sequence));
  datagram(done(sequence));
};
const interrupted: Answer = ([sequence = 0], { datagram }) => {
  datagram(object(sequence));
  datagram(done(sequence, 0, NLM_F.dumpInterrupted));
};

test("a dump that changed under way is asked for again", async () => {
  const { kernel, sends } = await kernelThat(interrupted, interrupted, whole);
  assert.deepEqual(await kernel.rules(4), [rule(7)]);
  assert.equal(sends.length, 3);
});

test("one that keeps changing is given up", async () => {
  const { kernel, sends } = await kernelThat(interrupted);
  await assert.rejects(kernel.rules(4), code("NETLINK_DUMP_INTERRUPTED"));
  assert.equal(sends.length, 8);
});

test("a table that was never used is empty", async () => {
  for (const end of [done, error]) {
    const { kernel } = await kernelThat(([sequence = 0], { datagram }) => datagram(end(sequence, ENOENT)));
    assert.deepEqual(await kernel.routes(4, 10), []);
  }
});

test("answers to somebody's earlier question are not taken for this one's", async () => {
  const { kernel } = await kernelThat((sequences, listener) => {
    listener.datagram(object(sequences[0] ?? 0));
    listener.datagram(done((sequences[0] ?? 0) - 1));
    listener.datagram(object((sequences[0] ?? 0) + 1));
    whole(sequences, listener);
  });
  assert.deepEqual(await kernel.rules(4), [rule(7), rule(7)]);
});

const losses: readonly (readonly [string, string, (listener: ChannelListener, sequence: number) => void])[] =
  [
    ["answers were lost", "NETLINK_OVERRUN", ({ overrun }) => overrun()],
    ["an answer is cut short", "NETLINK_MALFORMED", ({ datagram }, n) => datagram(object(n).subarray(0, 30))],
    ["the helper died", "NATIVE_DIED", ({ failed }) => failed(new UnavailableError({ code: "NATIVE_DIED" }))],
  ];
for (const [what, wanted, lose] of losses)
  test(`${wanted} where ${what}; the next question is answered`, async () => {
    const { kernel } = await kernelThat(([sequence = 0], listener) => lose(listener, sequence), whole);
    await assert.rejects(kernel.rules(4), code(wanted));
    assert.deepEqual(await kernel.rules(4), [rule(7)]);
  });

test("questions wait for each other: the kernel refuses a second dump on a socket", async () => {
  const { kernel, sends } = await kernelThat(whole);
  const all = await Promise.all([kernel.rules(4), kernel.rules(6), kernel.apply([])]);
  assert.equal(all.length, 3);
  assert.deepEqual(sends, [[1], [2]]);
});

test("each refusal finds its change; the last alone is acknowledged", async () => {
  const { kernel } = await kernelThat((sequences, { datagram }) => {
    datagram(error(sequences[1] ?? 0, EEXIST));
    datagram(error(sequences[2] ?? 0));
  });
  const results = await kernel.apply([add(1), add(2), add(3)]);
  assert.deepEqual(
    results.map((result) => (result.kind === "failed" ? result.code : result.kind)),
    ["done", "EEXIST", "done"],
  );
});

test("after the death of the helper nothing is asked any more", async () => {
  const { kernel, sends, die } = await kernelThat(whole);
  die(new UnavailableError({ code: "NATIVE_DIED" }));
  await assert.rejects(kernel.rules(4), code("NATIVE_DIED"));
  assert.equal(sends.length, 0);
});
