// A unix socket that leads to a TCP port of this process's namespace: how the lab outside reaches the daemon inside.
import { rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";

export type Relay = { close(): Promise<void> };

/** Listens on `path`; every connection is joined to `port` on the loopback. Bytes only. */
export async function startRelay(path: string, port: number): Promise<Relay> {
  await rm(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: "127.0.0.1", port });
    open.add(near);
    near.on("close", () => open.delete(near));
    // A refused or broken side ends the other: the asker sees a closed connection and tries again.
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
