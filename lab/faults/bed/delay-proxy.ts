// Proxies in a daemon's own place, between it and etcd: a program for `startDelay`. Told the targets first, then delays.
import { startTcpProxy, type TcpProxy } from "../../../test/support/tcp-proxy.ts";

export type ToProxy = { readonly targets: readonly string[] } | { readonly delay: number };

let proxies: TcpProxy[] = [];

process.on("message", (message: ToProxy) => {
  if ("delay" in message) for (const proxy of proxies) proxy.delay(message.delay);
  else void open(message.targets);
});
process.on("disconnect", () => process.exit(0));

async function open(targets: readonly string[]): Promise<void> {
  proxies = await Promise.all(targets.map((target) => startTcpProxy(new URL(target))));
  process.send?.(proxies.map(({ address }) => `http://${address}`));
}
