// The CNI shim against an agent of straw, in both builds.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { SUPPORTED_VERSIONS } from "../src/apps/agent/cni/cni-config.ts";
import { type CniFrame, decodeFrame, encodeReply } from "../src/apps/agent/cni/frame.ts";
import { buildFlavours, SANITIZED } from "./flavours.ts";

const MIB = 1 << 20;
let directory = "";
let socketPath = "";
let server: Server | undefined;
/** What the agent of straw does with a connection whose request is whole. */
let respond: (socket: Socket, frame: CniFrame) => void = (socket) => void socket.destroy();

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "romana-shim-"));
  socketPath = join(directory, "cni.sock");
  server = createServer((socket) => {
    let have = Buffer.alloc(0);
    socket.on("error", () => undefined); // the shim may be gone before it has heard all
    socket.on("data", (chunk: Buffer) => {
      have = Buffer.concat([have, chunk]);
      if (have.length >= 4 && have.length >= 4 + have.readUInt32LE(0))
        respond(socket, decodeFrame(have.subarray(4)));
    });
  }).listen(socketPath);
  await once(server, "listening");
});
after(async () => {
  server?.close();
  await rm(directory, { recursive: true });
});

type Outcome = { readonly code: number | null; readonly stdout: Buffer; readonly stderr: string };

async function shim(path: string, env: Record<string, string>, stdin: string | Buffer): Promise<Outcome> {
  const child = spawn(path, ["cni"], { env });
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on("error", () => undefined); // it may refuse before it has read all
  child.stdin.end(stdin);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout: Buffer.concat(stdout), stderr };
}

type CniJson = {
  cniVersion: string;
  code: number;
  msg: string;
  details: string;
  supportedVersions: string[];
};
const json = ({ stdout }: Outcome): CniJson => JSON.parse(stdout.toString()) as CniJson;
const config = (rest: object = {}): string =>
  JSON.stringify({
    cniVersion: "0.4.0",
    prevResult: { socket: "/nowhere", cniVersion: "9" },
    socket: socketPath,
    ...rest,
  });

for (const { name, path } of buildFlavours()) {
  const run = (stdin: string | Buffer, command = "ADD", env: Record<string, string> = {}): Promise<Outcome> =>
    shim(path, { CNI_COMMAND: command, ...env }, stdin);

  test(`${name}: hands over environment and configuration, and gives back reply and exit code`, async () => {
    const frames: CniFrame[] = [];
    respond = (socket, frame) => {
      frames.push(frame);
      socket.end(encodeReply(7, '{"é":1}'));
    };
    const stdin = config({ text: "\u0000 ü" });
    const outcome = await run(stdin, "ADD", { CNI_ARGS: "a=b;c=d", OTHER: "kept" });
    assert.deepEqual([outcome.code, outcome.stdout.toString(), outcome.stderr], [7, '{"é":1}', ""]);
    const [frame] = frames;
    assert.deepEqual([...(frame?.env ?? [])].sort(), [
      ["CNI_ARGS", "a=b;c=d"],
      ["CNI_COMMAND", "ADD"],
    ]);
    assert.equal(Buffer.from(frame?.stdin ?? []).toString(), stdin);
  });

  test(`${name}: the largest reply comes whole`, async () => {
    respond = (socket) => socket.end(encodeReply(0, "x".repeat(MIB)));
    const { code, stdout } = await run(config());
    assert.deepEqual([code, stdout.length], [0, MIB]);
  });

  test(`${name}: VERSION needs no agent, and says what the agent speaks in the version it was asked in`, async () => {
    const reply = json(await run('{"cniVersion":"0.4.0","socket":"/nowhere"}', "VERSION"));
    assert.deepEqual([reply.cniVersion, reply.supportedVersions], ["0.4.0", SUPPORTED_VERSIONS]);
    assert.equal(json(await run("", "VERSION")).cniVersion, "1.0.0");
  });

  test(`${name}: without an agent a command is tried again later, and the node cannot attach`, async () => {
    for (const [command, code] of [
      ["ADD", 11],
      ["DEL", 11],
      ["CHECK", 11],
      ["GC", 11],
      ["STATUS", 50],
    ] as const) {
      const outcome = await run(config({ socket: "/nowhere/cni.sock" }), command);
      const reply = json(outcome);
      assert.deepEqual([outcome.code, reply.code, reply.cniVersion], [1, code, "0.4.0"], command);
      assert.match(reply.details, /connect \/nowhere\/cni\.sock: No such file/);
    }
  });

  /** Each row: what the agent does, what the error says. */
  const failures: readonly (readonly [string, (socket: Socket) => void, RegExp])[] = [
    ["hangs up", (socket) => socket.destroy(), /did not answer/],
    ["answers half a head", (socket) => socket.end(Buffer.from([0, 0, 0, 0, 9])), /did not answer/],
    [
      "promises more than it sends",
      (socket) => socket.end(encodeReply(0, "abc").subarray(0, 10)),
      /cut short/,
    ],
    [
      "promises more than is allowed",
      (socket) => socket.end(Buffer.from([0, 0, 0, 0, 1, 0, 16, 0])),
      /cut short/,
    ],
  ];
  for (const [what, does, message] of failures)
    test(`${name}: an agent that ${what}`, async () => {
      respond = does;
      const outcome = await run(config());
      assert.deepEqual([outcome.code, json(outcome).code], [1, 11]);
      assert.match(json(outcome).msg, message);
    });

  if (name === SANITIZED)
    test(`${name}: an agent that says nothing is waited for no longer than told`, async () => {
      respond = () => undefined;
      const outcome = await run(config());
      assert.deepEqual([outcome.code, json(outcome).code], [1, 11]);
      assert.match(json(outcome).msg, /did not answer within 1 s/);
    });

  /** Each row: what is wrong, the configuration, the code, what is said. */
  const refused: readonly (readonly [string, string, number, RegExp])[] = [
    ["a relative socket", config({ socket: "cni.sock" }), 7, /socket: expected an absolute path/],
    ["a socket with an escape", config({ socket: "/a\u0001" }), 7, /socket/],
    ["a socket longer than the kernel takes", config({ socket: `/${"x".repeat(107)}` }), 7, /107/],
    ["a socket that is no text", config({ socket: 7 }), 7, /socket/],
    ["a configuration beyond a mebibyte", config({ more: "x".repeat(MIB) }), 5, /cannot be read/],
  ];
  for (const [what, stdin, code, message] of refused)
    test(`${name}: refuses ${what}`, async () => {
      const outcome = await run(stdin);
      assert.deepEqual([outcome.code, json(outcome).code], [1, code]);
      assert.match(json(outcome).msg, message);
    });

  test(`${name}: refuses an environment beyond a mebibyte`, async () => {
    const most = "x".repeat(120_000); // the kernel takes 128 KiB a text
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`CNI_${i}`, most]));
    const outcome = await run(config(), "ADD", many);
    assert.deepEqual([outcome.code, json(outcome).code], [1, 4]);
  });

  test(`${name}: whatever the configuration and the reply, the end is orderly`, async () => {
    const piece = fc.constantFrom(
      '"',
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      "\\",
      "socket",
      "cniVersion",
      "\0",
      " ",
      "1",
      "/a",
      "\xff",
    );
    const text = fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join(""), "latin1"));
    await fc.assert(
      fc.asyncProperty(text, fc.uint8Array({ maxLength: 64 }), async (stdin, reply) => {
        respond = (socket) => socket.end(reply);
        const socket = Buffer.from(`{"socket":${JSON.stringify(socketPath)},"x":`);
        for (const input of [stdin, Buffer.concat([socket, stdin])]) {
          const { code, stderr } = await run(input);
          assert.ok(code !== null, stderr);
          assert.equal(stderr, "");
        }
      }),
      { numRuns: 40 },
    );
  });
}
