// One unary gRPC call over a unix socket, by node's own HTTP/2: a gRPC library costs every agent some 15 MB more than that, for one call a minute.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect as connectSocket } from "node:net";
import { UnavailableError } from "../../base/errors.ts";

export type GrpcCall = {
  /** As `/package.Service/Method`. */
  readonly method: string;
  /** In protobuf's wire format. */
  readonly message: Uint8Array;
  /** Milliseconds. */
  readonly timeout: number;
};

const MOST_BYTES = 64 << 20;
const HEAD_BYTES = 5;

/** The reply's message. UnavailableError `GRPC`. */
export async function grpcCall(socket: string, { method, message, timeout }: GrpcCall): Promise<Buffer> {
  const session = connect("http://localhost", { createConnection: () => connectSocket(socket) });
  try {
    const broken = new Promise<never>((_, reject) => session.once("error", reject));
    return await Promise.race([broken, exchange(session, { method, message, timeout })]);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new UnavailableError({ code: "GRPC", message: `${method} at ${socket}: ${found}` }, { cause });
  } finally {
    session.destroy();
  }
}

async function exchange(
  session: ClientHttp2Session,
  { method, message, timeout }: GrpcCall,
): Promise<Buffer> {
  const headers = { ":method": "POST", ":path": method, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(headers, { signal: AbortSignal.timeout(timeout) });
  const head = Buffer.alloc(HEAD_BYTES); // not compressed
  head.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([head, message]));
  return messageOf(await succeeded(stream));
}

/** Bytes of a stream that ended with status 0. */
async function succeeded(stream: ClientHttp2Stream): Promise<Buffer> {
  // A call that failed at once has its status in the headers.
  let told: IncomingHttpHeaders = {};
  const hear = (headers: IncomingHttpHeaders): void => void (told = { ...told, ...headers });
  stream.on("response", hear).on("trailers", hear);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if ((size += chunk.length) > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
  }
  const { "grpc-status": code, "grpc-message": words } = told;
  if (code !== "0") throw new Error(`gRPC status ${String(code ?? "none")} ${String(words ?? "")}`.trimEnd());
  return Buffer.concat(chunks);
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: flags, length, message. */
function messageOf(frame: Buffer): Buffer {
  const isWhole =
    frame.length >= HEAD_BYTES && frame[0] === 0 && frame.readUInt32BE(1) === frame.length - HEAD_BYTES;
  if (!isWhole) throw new Error(`${frame.length} bytes that are no message`);
  return frame.subarray(HEAD_BYTES);
}
