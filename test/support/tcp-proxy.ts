// A TCP proxy that loses what a test wants lost: it can hold back either direction, and cut all connections.
import { createServer, connect, type Server, type Socket } from "node:net";

export interface TcpProxy {
  /** `HOST:PORT`. */
  readonly address: string;
  /** From now on nothing passes in that direction; what was held is lost. */
  hold(direction: "requests" | "replies"): void;
  /** Cuts every connection; new ones pass everything again. */
  cut(): void;
  close(): Promise<void>;
}

const LISTEN = "127.0.0.1";

export async function startTcpProxy(target: URL): Promise<TcpProxy> {
  const pairs = new Set<readonly [client: Socket, server: Socket]>();
  let held = new Set<string>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.on("data", (bytes) => held.has("requests") || upstream.write(bytes));
    upstream.on("data", (bytes) => held.has("replies") || client.write(bytes));
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
    hold: (direction) => void held.add(direction),
    cut,
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}
