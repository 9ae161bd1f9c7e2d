// The daemon's REST API through the controller's unix socket, as the daemon lives in a namespace of its own.
import { join } from "node:path";
import { UnavailableError } from "../../base/errors.ts";
import { exchange } from "../../io/daemon/exchange.ts";
import { createTransport } from "../../io/daemon/transport.ts";
import { DAEMON_PORT } from "./lab-processes.ts";
import { accessOf, daemonUrl } from "./lab-tls.ts";
import { API_SOCKET, type LabState } from "./state.ts";

export type Api = {
  /** The reply's JSON. UnavailableError `LAB_API` for anything but 2xx. */
  call<Reply>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Reply>;
};

/** Milliseconds of silence. */
const TIMEOUT = 5000;

export function createApi(state: LabState): Api {
  const base = daemonUrl(state, "127.0.0.1", DAEMON_PORT);
  return {
    async call<Reply>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Reply> {
      // Made when it is used: the certificates are made after the lab.
      const socketPath = join(state.directory, API_SOCKET);
      const transport = createTransport({ access: accessOf(state), socketPath });
      try {
        return await exchange(transport, new URL(path, base), {
          method,
          body,
          timeout: TIMEOUT,
          alone: true,
        });
      } catch (cause) {
        const message = `${method} ${path}: ${(cause as Error).message}`;
        throw new UnavailableError({ code: "LAB_API", message }, { cause });
      }
    },
  };
}
