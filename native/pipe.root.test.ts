// The pipe, spoken to in frames and through the program's own adapter, in both builds.
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { Log } from "../src/base/log.ts";
import { silentLog } from "../src/base/log.ts";
import { cidrOf } from "../src/core/net/cidr.ts";
import { type Change, ROMANA_PROTOCOL, type Route } from "../src/core/netlink/types.ts";
import type { Kernel } from "../src/io/kernel/kernel.ts";
import { encodeFrame, type Frame, frameReader, OP, texts, u32 } from "../src/io/kernel/frames.ts";
import { startNativeHelper } from "../src/io/kernel/native-helper.ts";
import { eventually } from "../test/support/eventually.ts";
import { buildFlavours } from "./flavours.ts";

const [ENOENT, EBADF, EAGAIN, EINVAL] = [2, 9, 11, 22];
const SIGKILL = 9;
const MIB = 1 << 20;
const namespace = `rom-test-${process.pid}-pipe`;
const netns = `/run/netns/${namespace}`;

before(() => void execFileSync("ip", ["netns", "add", namespace]));
after(() => void execFileSync("ip", ["netns", "del", namespace]));

class Pipe {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<unknown[]>;
  readonly frames: Frame[] = [];
  stderr = "";
  #nextId = 1;

  constructor(path: string) {
    this.child = spawn(path, ["pipe"]);
    this.exited = once(this.child, "close");
    this.child.stdout.on(
      "data",
      frameReader((frame) => void this.frames.push(frame)),
    );
    this.child.stderr.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.child.stdin.on("error", () => undefined); // it may have ended of what it was told before
  }

  send(op: number, ...parts: Uint8Array[]): number {
    const id = this.#nextId++;
    this.child.stdin.write(encodeFrame(op, id, ...parts));
    return id;
  }

  /** The payload of the reply. */
  async ask(op: number, ...parts: Uint8Array[]): Promise<Buffer> {
    const id = this.send(op, ...parts);
    return eventually(
      () => {
        const found = this.frames.find((frame) => frame.op === op && frame.id === id);
        assert.ok(found, `no reply to ${op}; ${this.stderr}`);
        return found.payload;
      },
      { every: 2, within: 20_000 },
    );
  }

  async close(): Promise<number | null> {
    this.child.stdin.end();
    return ((await this.exited) as [number | null])[0];
  }
}

/** `u32 timeout, u32 argc`, namespace and argv, stdin. */
const program = (timeout: number, argv: string[], stdin = ""): Uint8Array[] => [
  u32(timeout, argv.length),
  texts("", ...argv),
  Buffer.from(stdin),
];
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

for (const { name, path } of buildFlavours()) {
  const withPipe = (sentence: string, body: (pipe: Pipe) => Promise<void>): void =>
    void test(`${name}: ${sentence}`, { timeout: 60_000 }, async () => {
      const pipe = new Pipe(path);
      try {
        await body(pipe);
        assert.equal(await pipe.close(), 0);
        assert.equal(pipe.stderr, "");
      } finally {
        pipe.child.kill("SIGKILL");
      }
    });

  withPipe("namespaces that are none are refused, without waiting", async (pipe) => {
    for (const [where, errno] of [
      ["/run/netns/nowhere", ENOENT],
      ["/etc/passwd", EINVAL],
      ["/dev/tty0", EINVAL],
    ] as const) {
      const errors = [
        (await pipe.ask(OP.netns, Buffer.from(where))).readInt32LE(0),
        (await pipe.ask(OP.open, u32(0, 0), Buffer.from(where))).readInt32LE(0),
      ];
      // Where there is no such device, there is no such file either.
      for (const error of errors) assert.ok(error === errno || error === ENOENT, `${where}: ${error}`);
    }
  });

  withPipe("a channel that is not open takes nothing", async (pipe) => {
    assert.equal((await pipe.ask(OP.send, u32(1, 2, 3))).readInt32LE(0), EBADF);
    pipe.send(OP.close);
  });

  withPipe("what is not well-formed is refused", async (pipe) => {
    const status = async (...parts: Uint8Array[]): Promise<number> =>
      (await pipe.ask(OP.run, ...parts)).readInt32LE(0);
    assert.equal(await status(), -EINVAL);
    assert.equal(await status(u32(1000, 0), texts("")), -EINVAL);
    assert.equal(await status(u32(1000, 3), texts("", "true")), -EINVAL);
    assert.equal(await status(u32(1000, 100_000), texts("", "true")), -EINVAL);
    assert.equal((await pipe.ask(OP.open)).readInt32LE(0), EINVAL);
    assert.equal((await pipe.ask(OP.readFile)).readInt32LE(0), EINVAL);
    assert.equal((await pipe.ask(OP.writeFile, texts(""))).readInt32LE(0), ENOENT);
    assert.equal(await status(...program(1000, ["no-such-program"])), -ENOENT);
  });

  withPipe("a program's output is cut at a mebibyte, and it does not hang", async (pipe) => {
    const reply = await pipe.ask(
      OP.run,
      ...program(20_000, ["sh", "-c", "yes | head -c 3000000; yes | head -c 3000000 >&2"]),
    );
    assert.deepEqual([reply.readInt32LE(0), reply.readUInt32LE(4), reply.length - 8], [0, MIB, 2 * MIB]);
  });

  withPipe("a program takes more input than a pipe holds, and may leave it", async (pipe) => {
    const reply = await pipe.ask(OP.run, ...program(20_000, ["wc", "-c"], "x".repeat(MIB)));
    assert.equal(reply.toString("latin1", 8).trim(), String(MIB));
    assert.equal((await pipe.ask(OP.run, ...program(20_000, ["true"], "x".repeat(MIB)))).readInt32LE(0), 0);
  });

  withPipe("at the deadline a program ends with what it started", async (pipe) => {
    const reply = await pipe.ask(OP.run, ...program(200, ["sh", "-c", "sleep 60 & echo $!; wait"]));
    assert.equal(reply.readInt32LE(0), 128 + SIGKILL);
    const grandchild = Number(reply.toString("latin1", 8));
    await eventually(() => assert.ok(!isAlive(grandchild)), { within: 20_000 });
  });

  withPipe("many programs at once; one too many is told to come again", async (pipe) => {
    const most = 256; // MAX_RUNS
    const replies = await Promise.all(
      Array.from({ length: most + 1 }, (_, i) =>
        pipe.ask(OP.run, ...program(20_000, ["sh", "-c", `read x; echo ${i}`])),
      ),
    );
    const status = replies.map((reply) => reply.readInt32LE(0));
    // How many are under way together depends on the machine; none is lost.
    for (const [i, reply] of replies.entries())
      if (status[i] !== -EAGAIN) assert.equal(reply.toString("latin1", 8).trim(), String(i));
  });

  withPipe("a signal to the whole group is Node's to answer", async (pipe) => {
    await pipe.ask(OP.netns, Buffer.from(netns));
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) pipe.child.kill(signal);
    assert.equal((await pipe.ask(OP.run, ...program(5000, ["true"]))).readInt32LE(0), 0);
  });

  withPipe("when its input ends, so does what it runs", async (pipe) => {
    pipe.send(OP.run, ...program(60_000, ["sh", "-c", "echo $$; exec sleep 60"]));
    const children = `/proc/${pipe.child.pid}/task/${pipe.child.pid}/children`;
    const pid = await eventually(
      () => {
        const found = Number(readFileSync(children, "utf8"));
        assert.ok(found > 0);
        return found;
      },
      { within: 20_000 },
    );
    await pipe.close();
    await eventually(() => assert.ok(!isAlive(pid)), { within: 20_000 });
  });

  const lost: readonly (readonly [string, Uint8Array])[] = [
    ["a length too short", u32(4, 1)],
    ["a length too long", u32((16 << 20) + 1, 1)],
    ["an unknown op", encodeFrame(99, 1)],
    ["text", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ];
  for (const [what, bytes] of lost)
    test(`${name}: ends at ${what}: after that no byte can be trusted`, async () => {
      const pipe = new Pipe(path);
      pipe.child.stdin.end(bytes);
      assert.equal(((await pipe.exited) as [number])[0], 4);
      assert.equal(pipe.stderr, "");
    });

  test(`${name}: whatever the payloads, it answers or ends in order`, { timeout: 60_000 }, async () => {
    // Nothing that starts a program or writes a file by accident: those have their rows above.
    const op = fc.constantFrom(OP.open, OP.send, OP.close, OP.netns, OP.readFile);
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(Buffer.from(netns), u32(0, 0), texts(netns, "/proc/self/stat")),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(op, fc.array(payload, { maxLength: 3 })), { maxLength: 30 }),
        async (frames) => {
          const pipe = new Pipe(path);
          for (const [each, parts] of frames) pipe.send(each, ...parts);
          assert.equal(await pipe.close(), 0, pipe.stderr);
          assert.equal(pipe.stderr, "");
        },
      ),
      { numRuns: 30 },
    );
  });

  test(`${name}: carries the program's whole conversation with a kernel`, { timeout: 60_000 }, async () => {
    const said: unknown[] = [];
    const log: Log = { ...silentLog, warn: (...words) => void said.push(words) };
    const helper = await startNativeHelper({ path, log });
    try {
      await converse(await helper.kernel(netns));
    } finally {
      await helper.close();
    }
    assert.deepEqual(said, []);
  });
}

async function converse(kernel: Kernel): Promise<void> {
  const stop = new AbortController();
  const notifications = await kernel.notifications(stop.signal);
  const routes = Array.from({ length: 5000 }, (_, i) => unreachable(i));
  await kernel.apply(routes.map((route): Change => ({ kind: "route-replace", route })));
  for await (const told of notifications) if (told.some(({ kind }) => kind === "route")) stop.abort();
  assert.equal((await kernel.routes(4, 10)).length, routes.length);
  assert.ok((await kernel.links()).some((link) => link.name === "lo"));
  const failed = await kernel.apply(routes.map((route): Change => ({ kind: "route-add", route })));
  assert.ok(failed.every((result) => result.kind === "failed" && result.code === "EEXIST"));
  // A route that is replaced by its like is told to nobody: the next build finds none.
  await kernel.apply(routes.map((route): Change => ({ kind: "route-delete", route })));
  await kernel.close();
}

const unreachable = (i: number): Route => ({
  ...{
    dst: cidrOf({ family: 4, value: (10n << 24n) + BigInt(i * 8) }, 29),
    table: 10,
    protocol: ROMANA_PROTOCOL,
  },
  ...{ type: "unreachable", scope: 0, metric: 0, nextHops: [], source: undefined },
});
