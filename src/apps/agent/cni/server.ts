// The CNI server: a unix socket on which the native shim hands over what a runtime asked. One connection, one request, one reply.
import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { type Clock, Seconds } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import { asCniError, CNI_CODE, CniError, renderCniError } from "./cni-error.ts";
import { parseCniRequest } from "./cni-request.ts";
import { type CniDeps, runCniCommand } from "./commands.ts";
import { type CniFrame, decodeFrame, encodeReply, frameLength } from "./frame.ts";

const IDLE_TIMEOUT = Seconds(10);
const MAX_CONNECTIONS = 512;

export type CniServerDeps = CniDeps & {
  readonly log: Log;
  readonly clock: Clock;
  /** Called once a request: the command, whether it succeeded, seconds it took. */
  readonly observe: (command: string, ok: boolean, seconds: number) => void;
};

export interface CniServer {
  /** Stops accepting and resolves when the requests under way are answered. */
  close(): Promise<void>;
}

/** Listens on `path` with mode 0600; a socket that a dead agent left is replaced. UnavailableError `CNI_SOCKET`. */
export async function startCniServer(path: string, deps: CniServerDeps): Promise<CniServer> {
  const server = createServer({ allowHalfOpen: true }, (socket) => void serve(socket, deps));
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, path);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

async function listen(server: Server, path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    await chmod(path, 0o600);
  } catch (cause) {
    throw new UnavailableError({ code: "CNI_SOCKET", path }, { cause });
  }
}

async function serve(socket: Socket, deps: CniServerDeps): Promise<void> {
  socket.setTimeout(IDLE_TIMEOUT, () => socket.destroy());
  socket.on("error", (error) => {
    deps.log.debug("cni connection failed", { error: error.message });
  });
  let frame: CniFrame;
  try {
    frame = await readFrame(socket);
  } catch (error) {
    deps.log.warn("cni request refused", { error: String(error) });
    socket.end(encodeReply(1, renderCniError(asCniError(error), "1.0.0")));
    return;
  }
  socket.setTimeout(0);
  socket.end(await answer(frame, deps));
}

async function readFrame(socket: Socket): Promise<CniFrame> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size < 4) continue;
    const all = Buffer.concat(chunks);
    const wanted = 4 + frameLength(all);
    if (size >= wanted) return decodeFrame(all.subarray(4, wanted));
  }
  throw new CniError(CNI_CODE.decodeFailure, `the request ended after ${size} bytes`);
}

async function answer({ env, stdin }: CniFrame, deps: CniServerDeps): Promise<Buffer> {
  const command = env.get("CNI_COMMAND") ?? "";
  const start = deps.clock.monotonic();
  const fields = {
    command,
    container: env.get("CNI_CONTAINERID") ?? "",
    ifname: env.get("CNI_IFNAME") ?? "",
  };
  try {
    const stdout = await runCniCommand(parseCniRequest(env, stdin), deps);
    const seconds = (deps.clock.monotonic() - start) / 1000;
    deps.observe(command, true, seconds);
    deps.log.info("cni request done", { ...fields, ms: Math.round(seconds * 1e4) / 10 });
    return encodeReply(0, stdout);
  } catch (error) {
    const failure = asCniError(error);
    deps.observe(command, false, (deps.clock.monotonic() - start) / 1000);
    deps.log.warn("cni request failed", {
      ...fields,
      code: failure.code,
      error: failure.message,
      details: failure.details,
    });
    return encodeReply(1, renderCniError(failure, versionOf(stdin)));
  }
}

/** The version to answer an error in; the configuration itself may be what is wrong. */
function versionOf(stdin: Uint8Array): string {
  const match = /"cniVersion"\s*:\s*"([0-9.]{1,10})"/.exec(Buffer.from(stdin).toString("latin1"));
  return match?.[1] ?? "1.0.0";
}
