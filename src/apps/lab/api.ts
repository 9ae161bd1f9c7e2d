// The daemon's REST API through the controller's unix socket, as the daemon lives in a namespace of its own.
import { request } from "node:http";
import { UnavailableError } from "../../base/errors.ts";

export type Api = {
  /** The reply's JSON. UnavailableError `LAB_API` with status and text for anything but 2xx. */
  call<Reply>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Reply>;
};

const TIMEOUT_MS = 5000;

export function createApi(socketPath: string): Api {
  return {
    async call<Reply>(method: string, path: string, body?: unknown): Promise<Reply> {
      const { status, text } = await exchange(socketPath, method, path, body);
      if (status >= 200 && status < 300) return (text === "" ? undefined : JSON.parse(text)) as Reply;
      throw new UnavailableError({
        code: "LAB_API",
        message: `${method} ${path}: ${status} ${text.slice(0, 300)}`,
        status,
      });
    },
  };
}

function exchange(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; text: string }> {
  const content = body === undefined ? "" : JSON.stringify(body);
  const headers =
    body === undefined
      ? {}
      : { "content-type": "application/json", "content-length": Buffer.byteLength(content) };
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      reject(
        new UnavailableError({ code: "LAB_API", message: `${method} ${path}: ${cause.message}` }, { cause }),
      );
    };
    const call = request({
      socketPath,
      method,
      path,
      headers: { ...headers, host: "daemon" },
      agent: false,
      timeout: TIMEOUT_MS,
    });
    call.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", fail);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") });
      });
    });
    call.on("timeout", () => call.destroy(new Error("no answer in time")));
    call.on("error", fail);
    call.end(content);
  });
}
