// The frames between the native shim and the agent (native/README.md). Pure bytes; never trusts a length.
import { CNI_CODE, CniError } from "./cni-error.ts";

/** A request is this long at most: network configuration and environment. */
export const MAX_REQUEST_BYTES = 1 << 20;
const ZERO = 0;

export type CniFrame = { readonly env: ReadonlyMap<string, string>; readonly stdin: Uint8Array };

/** u32 little-endian: bytes that follow. */
export function frameLength(head: Buffer): number {
  const length = head.readUInt32LE(0);
  if (length > MAX_REQUEST_BYTES)
    throw new CniError(
      CNI_CODE.decodeFailure,
      `a request of ${length} bytes: expected at most ${MAX_REQUEST_BYTES}`,
    );
  return length;
}

/** `KEY=VALUE\0` for each CNI_ variable, one more `\0`, then the runtime's stdin. */
export function decodeFrame(payload: Uint8Array): CniFrame {
  const env = new Map<string, string>();
  let at = 0;
  while (payload[at] !== ZERO) {
    const end = payload.indexOf(ZERO, at);
    if (end < 0) throw new CniError(CNI_CODE.decodeFailure, "not a request of Romana's CNI plugin");
    const pair = Buffer.from(payload.subarray(at, end)).toString("utf8");
    const equals = pair.indexOf("=");
    if (equals > 0) env.set(pair.slice(0, equals), pair.slice(equals + 1));
    at = end + 1;
  }
  return { env, stdin: payload.subarray(at + 1) };
}

/** u32 exit code, u32 length, then what the shim prints. */
export function encodeReply(exitCode: number, stdout: string): Buffer {
  const body = Buffer.from(stdout, "utf8");
  const head = Buffer.alloc(8);
  head.writeUInt32LE(exitCode, 0);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}
