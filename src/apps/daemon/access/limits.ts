// How much one client may ask for: requests a second, and watches at once. So generous that only a client gone wrong meets it.
import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../../base/clock.ts";
import { InputError } from "../../../base/errors.ts";
import { createTokenBuckets } from "../../../base/token-buckets.ts";
import { clientNetwork } from "../../../core/net/client-network.ts";
import { isLoopback } from "../../../core/net/loopback.ts";

/** A full bucket, in seconds of the rate. */
const BURST = 4;
/** Clients whose rate is remembered: twice the connections. */
const MOST = 16_384;
/** An agent has one; a reconnect may overlap, and a person may look on. */
export const WATCHES = 8;
/** Seconds after which a refused watch may try again. */
const WATCH_RETRY = 5;

/** Why the request is not served now, with `retry-after` on the reply; called once who asks is known. */
export type Limit = (request: FastifyRequest, reply: FastifyReply) => InputError | undefined;

/** `perSecond` 0: no limits. */
export function createLimits(perSecond: number, clock: Clock): Limit {
  if (perSecond === 0) return () => undefined;
  const buckets = createTokenBuckets({ perSecond, burst: perSecond * BURST, most: MOST });
  const watches = createWatchCounts();
  return (request, reply) => {
    const key = clientOf(request);
    if (key === undefined || request.rule?.open) return undefined;
    const wait = buckets.take(key, clock.monotonic());
    if (wait > 0) return tooMany(reply, wait / 1000, `${perSecond} requests a second`);
    if (request.rule?.url !== "/watch") return undefined;
    return watches(key, reply) ? undefined : tooMany(reply, WATCH_RETRY, `${WATCHES} watches at once`);
  };
}

/** Counts until the stream's end; `false`: there are enough. */
function createWatchCounts(): (key: string, reply: FastifyReply) => boolean {
  const open = new Map<string, number>();
  return (key, { raw }) => {
    const before = open.get(key) ?? 0;
    if (before >= WATCHES) return false;
    open.set(key, before + 1);
    raw.once("close", () => {
      const left = (open.get(key) ?? 1) - 1;
      if (left > 0) open.set(key, left);
      else open.delete(key);
    });
    return true;
  };
}

/** Who is known by his name, others by their address. `undefined`: on loopback without credentials everybody has the same. */
function clientOf({ caller, socket }: FastifyRequest): string | undefined {
  if (caller && caller.by !== "nothing") return `${caller.by} ${caller.name}`;
  const network = networkOf(socket);
  return caller && network.isHere ? undefined : network.key;
}

type Network = { readonly key: string; readonly isHere: boolean };
/** An address is read once a connection: it takes as long as all else that is asked here. */
const networks = new WeakMap<Socket, Network>();

function networkOf(socket: Socket): Network {
  let network = networks.get(socket);
  if (!network) {
    const name = clientNetwork(socket.remoteAddress ?? "");
    networks.set(socket, (network = { key: `address ${name}`, isHere: isLoopback(name) }));
  }
  return network;
}

function tooMany(reply: FastifyReply, seconds: number, limit: string): InputError {
  void reply.header("retry-after", String(Math.max(1, Math.ceil(seconds))));
  const expected = `no more than ${limit} of one client`;
  return new InputError({ code: "TOO_MANY", field: "client", value: "too many", expected }, 429);
}
