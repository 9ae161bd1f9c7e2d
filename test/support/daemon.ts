// A daemon without a port, on any store, for tests of its API.
import type { FastifyInstance } from "fastify";
import type { TokenReviews } from "../../src/apps/daemon/access/token-review.ts";
import { daemonOptions } from "../../src/apps/daemon/config.ts";
import { createDaemon, type RunningDaemon } from "../../src/apps/daemon/wire.ts";
import { type Clock, systemClock, systemRng } from "../../src/base/clock.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import { readOptions } from "../../src/base/options.ts";
import type { TopologyDocument } from "../../src/core/api/types.ts";
import { createMemoryStore } from "../../src/io/store/memory-store.ts";
import type { Store } from "../../src/io/store/store.ts";

/** Two racks, dual stack. */
export const twoRacks: TopologyDocument = {
  networks: [
    { name: "v4", cidr: "10.0.0.0/16" },
    { name: "v6", cidr: "fd00::/64" },
  ],
  topologies: [
    {
      networks: ["v4", "v6"],
      map: [
        { name: "rack-a", assignment: { rack: "a" }, groups: [] },
        { name: "rack-b", assignment: { rack: "b" }, groups: [] },
      ],
    },
  ],
};

export async function startDaemon({
  argv = ["--new-cluster"],
  clock = systemClock,
  store = createMemoryStore({ clock }),
  log = silentLog,
  reviews,
}: { argv?: string[]; clock?: Clock; store?: Store; log?: Log; reviews?: TokenReviews } = {}): Promise<
  RunningDaemon & { readonly call: Call }
> {
  const config = readOptions(daemonOptions, { argv, env: {}, envPrefix: "TEST" });
  const running = await createDaemon(config, store, { clock, rng: systemRng, log, reviews });
  return { ...running, call: caller(running.app) };
}

export type Reply = { readonly status: number; readonly body: Record<string, unknown> };
/** `POST /hosts` and a body: status and JSON. A text or bytes go as they are. */
export type Call = (route: string, body?: unknown) => Promise<Reply>;

function caller(app: FastifyInstance): Call {
  return async (route, body) => {
    const [method = "", url = ""] = route.split(" ", 2);
    const isRaw = typeof body === "string" || Buffer.isBuffer(body);
    const payload =
      body === undefined ? {} : { payload: isRaw ? body : JSON.stringify(body), headers: JSON_TYPE };
    const reply = await app.inject({ method: method as "GET", url, ...payload });
    return { status: reply.statusCode, body: reply.json() };
  };
}

const JSON_TYPE = { "content-type": "application/json" };
