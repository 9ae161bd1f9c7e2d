// A process of agents' streams: `node watch-clients.ts PORT FROM TO`, one for each host from FROM to TO. Tells its parent "ready" when all
// are synced, and when it is asked, the milliseconds that each change took to arrive.
import { once } from "node:events";
import { connect } from "node:net";
import { subnetOf } from "./stored-cluster.ts";

const [port = 0, from = 0, to = 0] = process.argv.slice(2).map(Number);
let times: number[] = [];

/** A change says when it was asked for: the tenant of its block is `t-` and CLOCK_MONOTONIC in nanoseconds, which all processes share. */
function hear(text: string): void {
  const now = process.hrtime.bigint();
  for (const [, sent = "0"] of text.matchAll(/"tenant":"t-(\d+)"/g))
    times.push(Number(now - BigInt(sent)) / 1e6);
}

async function watch(host: number): Promise<void> {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  await once(socket, "connect");
  const query = `host=node-${host}&subnets=${encodeURIComponent(subnetOf(host))}`;
  socket.write(`GET /watch?${query} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);
  socket.on("close", () => process.exit(1));
  let rest = "";
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk: string) => {
      const whole = rest + chunk;
      const end = whole.lastIndexOf("\n") + 1;
      rest = whole.slice(end);
      if (whole.includes('{"type":"synced"')) resolve();
      else hear(whole.slice(0, end));
    });
  });
}

for (let host = from; host < to; host += 50)
  await Promise.all(Array.from({ length: Math.min(50, to - host) }, (_, i) => watch(host + i)));
process.on("message", () => {
  process.send?.(times);
  times = [];
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
