// The CNI server: a unix socket on which the native shim hands over what a runtime asked. One connection, one request, one reply.
import { appendFile, chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { type Clock, Seconds } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import { versionOf } from "./cni-config.ts";
import { asCniError, CNI_CODE, CniError, renderCniError } from "./cni-error.ts";
import { type CniRequest, parseCniRequest } from "./cni-request.ts";
import { type CniFrame, decodeFrame, encodeReply, frameLength } from "./frame.ts";

const IDLE_TIMEOUT = Seconds(10);
const MAX_CONNECTIONS = 512;

export type CniServerDeps = {
  /** Runs a request; resolves with what goes to the runtime's stdout. */
  readonly run: (request: CniRequest) => Promise<string>;
  readonly log: Log;
  readonly clock: Clock;
  /** Called once a request: its command ("invalid": none of ours), whether it succeeded, seconds it took. */
  readonly observe: (command: string, ok: boolean, seconds: number) => void;
};

export interface CniServer {
  /** Stops accepting and resolves when the requests under way are answered. Who has not sent one yet is cut off. */
  close(): Promise<void>;
}

/** Listens on `path` with mode 0600; a socket that a dead agent left is replaced. UnavailableError `CNI_SOCKET`. */
export async function startCniServer(path: string, deps: CniServerDeps): Promise<CniServer> {
  const reading = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => void serve(socket, reading, deps));
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, path);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of reading) socket.destroy();
      }),
  };
}

async function listen(server: Server, path: string): Promise<void> {
  try {
    // Closed to others from the start: the socket's own mode comes a moment after the socket.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    await chmod(path, 0o600);
  } catch (cause) {
    throw new UnavailableError({ code: "CNI_SOCKET", path, error: String(cause) }, { cause });
  }
}

async function serve(socket: Socket, reading: Set<Socket>, deps: CniServerDeps): Promise<void> {
  reading.add(socket);
  socket.setTimeout(IDLE_TIMEOUT, () => socket.destroy());
  socket.on("error", (error) => {
    deps.log.debug("cni connection failed", { error: error.message });
  });
  try {
    const frame = await readFrame(socket);
    reading.delete(socket);
    socket.setTimeout(0);
    await answer(socket, frame, deps);
  } catch (error) {
    reading.delete(socket);
    deps.log.warn("cni request refused", { error: String(error) });
    socket.end(encodeReply(1, renderCniError(asCniError(error), "1.0.0")));
  }
}

function readFrame(socket: Socket): Promise<CniFrame> {
  const chunks: Buffer[] = [];
  let size = 0;
  let wanted = Infinity;
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => {
      if (size >= wanted) return; // what comes after a request is nobody's
      chunks.push(chunk);
      size += chunk.length;
      try {
        if (wanted === Infinity && size >= 4) wanted = 4 + frameLength(Buffer.concat(chunks));
        if (size >= wanted) resolve(decodeFrame(Buffer.concat(chunks).subarray(4, wanted)));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    const ended = (): void => {
      if (size >= wanted) return; // as it should: an error made for nothing costs more than reading the request
      reject(new CniError(CNI_CODE.decodeFailure, `the request ended after ${size} bytes`));
    };
    socket.on("end", ended).on("close", ended);
  });
}

type Outcome = {
  readonly request: CniRequest | undefined;
  readonly stdout: string;
  readonly error: CniError | undefined;
};

async function answer(socket: Socket, frame: CniFrame, deps: CniServerDeps): Promise<void> {
  const start = deps.clock.monotonic();
  const { request, stdout, error } = await outcomeOf(frame, deps);
  const ms = deps.clock.monotonic() - start;
  socket.end(error ? encodeReply(1, renderCniError(error, versionOf(frame.stdin))) : encodeReply(0, stdout));
  // The runtime waits for none of this.
  deps.observe(request?.command ?? "invalid", error === undefined, ms / 1000);
  const fields = { ...describe(frame, error), ms: Math.round(ms * 10) / 10 };
  if (error) deps.log.warn("cni request failed", fields);
  else deps.log.info("cni request done", fields);
  if (request?.config.logFile !== undefined) await keep(request.config.logFile, fields, deps);
}

async function outcomeOf({ env, stdin }: CniFrame, { run }: CniServerDeps): Promise<Outcome> {
  let request: CniRequest | undefined;
  try {
    request = parseCniRequest(env, stdin);
    return { request, stdout: await run(request), error: undefined };
  } catch (error) {
    return { request, stdout: "", error: asCniError(error) };
  }
}

function describe({ env }: CniFrame, error: CniError | undefined): Record<string, unknown> {
  const value = (key: string): string => env.get(key) ?? "";
  return {
    command: value("CNI_COMMAND"),
    container: value("CNI_CONTAINERID"),
    ifname: value("CNI_IFNAME"),
    ...(error ? { code: error.code, error: error.message, details: error.details } : {}),
  };
}

/** `log_file`: a line of JSON a request. */
async function keep(
  path: string,
  fields: Record<string, unknown>,
  { clock, log }: CniServerDeps,
): Promise<void> {
  const line = JSON.stringify({ time: new Date(clock.now()).toISOString(), ...fields });
  await appendFile(path, `${line}\n`, { mode: 0o600 }).catch((error: unknown) => {
    log.warn("log_file of the network configuration is not written", { path, error: String(error) });
  });
}
