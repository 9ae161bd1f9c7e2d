// The native helper as a child process: requests by id, channels by id. Its death fails everything under way; nobody restarts it here.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { encodeFrame, type Frame, frameReader, OP, texts, u32 } from "./frames.ts";
import type { CommandResult, NativeHelper } from "./kernel.ts";
import {
  type Channel,
  type ChannelListener,
  errnoName,
  type NativePipe,
  type NetlinkFamily,
} from "./native-pipe.ts";
import { openKernel } from "./netlink-kernel.ts";
import { openNftables } from "./nftables.ts";

type Pending = {
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: UnavailableError) => void;
};
type Wire = {
  readonly child: ChildProcessWithoutNullStreams;
  readonly pending: Map<number, Pending>;
  readonly channels: Map<number, ChannelListener>;
  nextId: number;
  dead: UnavailableError | undefined;
};

const DEFAULT_RUN_TIMEOUT = 30_000;
const builtPath = join(import.meta.dirname, "../../../build/native/romana-native");

/** Starts the helper. UnavailableError `NATIVE_MISSING` says how to build it. */
export async function startNativeHelper({
  path = builtPath,
  log,
}: {
  path?: string;
  log: Log;
}): Promise<NativeHelper> {
  try {
    accessSync(path, constants.X_OK);
  } catch (cause) {
    throw new UnavailableError(
      {
        code: "NATIVE_MISSING",
        message: `the native helper is not at ${path}: build it with native/build.sh`,
      },
      { cause },
    );
  }
  const wire = startWire(path, log);
  const pipe: NativePipe = {
    openChannel: (netns, family, listener) => openChannel(wire, netns, family, listener),
    readFile: (netns, path) => readFile(wire, netns, path),
    writeFile: (netns, path, text) => writeFile(wire, netns, path, text),
    dead: () => wire.dead,
  };
  return {
    kernel: (netns = "") => openKernel(pipe, netns),
    nftables: (netns = "") => openNftables(pipe, netns),
    openNetns: (netns = "/proc/self/ns/net") => openNetns(wire, netns),
    run: (argv, options = {}) => runCommand(wire, argv, options),
    close: () => closeWire(wire),
  };
}

function startWire(path: string, log: Log): Wire {
  // A session of its own: a terminal's Ctrl-C must not end it while its asker still cleans up. It ends with its stdin.
  const child = spawn(path, ["pipe"], { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const wire: Wire = { child, pending: new Map(), channels: new Map(), nextId: 1, dead: undefined };
  const read = frameReader((frame) => {
    dispatch(wire, frame);
  });
  child.stdout.on("data", read);
  child.stderr.on("data", (chunk: Buffer) => {
    log.warn("native helper says", { text: chunk.toString().trim() });
  });
  // A write after the child's death fails here; "exit" tells everybody.
  child.stdin.on("error", () => undefined);
  child.on("error", (cause) => {
    bury(wire, new UnavailableError({ code: "NATIVE_DIED", path }, { cause }));
  });
  child.on("exit", (status, signal) => {
    bury(wire, new UnavailableError({ code: "NATIVE_DIED", status, signal }));
  });
  return wire;
}

function dispatch({ pending, channels }: Wire, { op, id, payload }: Frame): void {
  const channel = channels.get(id);
  if (op === OP.recv) channel?.datagram(payload);
  else if (op === OP.overrun) channel?.overrun();
  else if (op === OP.send)
    channel?.failed(new UnavailableError({ code: "NETLINK_SEND", errno: errnoName(payload.readInt32LE(0)) }));
  else {
    pending.get(id)?.resolve(payload);
    pending.delete(id);
  }
}

function bury(wire: Wire, error: UnavailableError): void {
  wire.dead ??= error;
  for (const { reject } of wire.pending.values()) reject(error);
  for (const { failed } of wire.channels.values()) failed(error);
  wire.pending.clear();
  wire.channels.clear();
}

function send({ child: { stdin } }: Wire, op: number, id: number, ...parts: readonly Uint8Array[]): void {
  stdin.write(encodeFrame(op, id, ...parts));
}

/** The reply's payload to one request; with `listener`, its id stays as a channel. */
function request(
  wire: Wire,
  op: number,
  parts: readonly Uint8Array[],
  listener?: ChannelListener,
): Promise<{ id: number; payload: Buffer }> {
  if (wire.dead) return Promise.reject(wire.dead);
  const id = wire.nextId++;
  return new Promise((resolve, reject) => {
    if (listener) wire.channels.set(id, listener);
    wire.pending.set(id, {
      resolve: (payload) => {
        resolve({ id, payload });
      },
      reject,
    });
    send(wire, op, id, ...parts);
  });
}

async function openChannel(
  wire: Wire,
  netns: string,
  { protocol, groups }: NetlinkFamily,
  listener: ChannelListener,
): Promise<Channel> {
  const { id, payload } = await request(wire, OP.open, [u32(protocol, groups), Buffer.from(netns)], listener);
  const errno = payload.readInt32LE(0);
  if (errno !== 0) {
    wire.channels.delete(id);
    throw netnsError(netns, errno, "NETLINK_OPEN");
  }
  return {
    send: (bytes) => send(wire, OP.send, id, bytes),
    close: () => {
      wire.channels.delete(id);
      send(wire, OP.close, id);
    },
  };
}

/** A path that does not name a namespace is `NETNS_GONE`, whichever way it does not. */
function netnsError(netns: string, errno: number, otherwise: string): UnavailableError {
  const name = errnoName(errno);
  const gone = ["ENOENT", "EINVAL", "ENOTDIR", "EACCES", "ESTALE", "ENXIO"].includes(name);
  return new UnavailableError({ code: gone ? "NETNS_GONE" : otherwise, netns, errno: name });
}

async function openNetns(wire: Wire, netns: string): Promise<number> {
  const { payload } = await request(wire, OP.netns, [Buffer.from(netns)]);
  const errno = payload.readInt32LE(0);
  if (errno !== 0) throw netnsError(netns, errno, "NETNS_OPEN");
  return payload.readInt32LE(4);
}

async function writeFile(wire: Wire, netns: string, file: string, text: string): Promise<void> {
  const { payload } = await request(wire, OP.writeFile, [texts(netns, file), Buffer.from(text)]);
  const errno = payload.readInt32LE(0);
  if (errno !== 0) throw new UnavailableError({ code: "FILE_WRITE", file, netns, errno: errnoName(errno) });
}

async function readFile(wire: Wire, netns: string, file: string): Promise<string> {
  const { payload } = await request(wire, OP.readFile, [texts(netns), Buffer.from(file)]);
  const errno = payload.readInt32LE(0);
  if (errno !== 0) throw new UnavailableError({ code: "FILE_READ", file, netns, errno: errnoName(errno) });
  return payload.subarray(4).toString("utf8");
}

type RunOptions = { readonly netns?: string; readonly stdin?: string; readonly timeout?: number };

async function runCommand(
  wire: Wire,
  argv: readonly string[],
  { netns = "", stdin = "", timeout = DEFAULT_RUN_TIMEOUT }: RunOptions,
): Promise<CommandResult> {
  const { payload } = await request(wire, OP.run, [
    u32(timeout, argv.length),
    texts(netns, ...argv),
    Buffer.from(stdin),
  ]);
  const code = payload.readInt32LE(0);
  if (code < 0)
    throw new UnavailableError({ code: "COMMAND", command: argv[0] ?? "", netns, errno: errnoName(-code) });
  const split = 8 + payload.readUInt32LE(4);
  return { code, stdout: payload.toString("utf8", 8, split), stderr: payload.toString("utf8", split) };
}

/** Ends stdin, at which the helper ends. */
async function closeWire({ child }: Wire): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once("exit", () => {
      resolve();
    });
    child.stdin.end();
  });
}
