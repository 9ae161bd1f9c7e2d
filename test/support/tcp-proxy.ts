// A TCP proxy that loses what a test wants lost: it can hold back either direction, delay both, and cut all connections.
import { setTimeout as delay } from "node:timers/promises";
import { createServer, connect, type Server, type Socket } from "node:net";

export interface TcpProxy {
  /** `HOST:PORT`. */
  readonly address: string;
  /** From now on nothing passes in that direction; what was held is lost. */
  hold(direction: "requests" | "replies"): void;
  /** From now on bytes arrive so many milliseconds late, in their order. */
  delay(milliseconds: number): void;
  /** Cuts every connection; new ones pass everything again. */
  cut(): void;
  close(): Promise<void>;
}

const LISTEN = "127.0.0.1";

export async function startTcpProxy(target: URL): Promise<TcpProxy> {
  const pairs = new Set<readonly [client: Socket, server: Socket]>();
  let held = new Set<string>();
  let late = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const toUpstream = lateWriter(upstream);
    const toClient = lateWriter(client);
    client.on("data", (bytes: Buffer) => held.has("requests") || toUpstream(bytes, late));
    upstream.on("data", (bytes: Buffer) => held.has("replies") || toClient(bytes, late));
    const end = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on("close", end).on("error", end);
  });
  await new Promise<void>((resolve) => server.listen(0, LISTEN, resolve));
  const cut = (): void => {
    held = new Set();
    for (const pair of [...pairs]) for (const socket of pair) socket.destroy();
  };
  return {
    address: `${LISTEN}:${portOf(server)}`,
    delay: (milliseconds) => void (late = milliseconds),
    hold: (direction) => void held.add(direction),
    cut,
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Writes after a delay, never before what was to be written earlier. */
function lateWriter(socket: Socket): (bytes: Buffer, late: number) => void {
  let waiting = 0;
  let last = Promise.resolve();
  return (bytes, late) => {
    if (late === 0 && waiting === 0) return void socket.write(bytes);
    waiting++;
    last = Promise.all([last, delay(late)]).then(() => {
      waiting--;
      if (socket.writable) socket.write(bytes);
    });
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}
