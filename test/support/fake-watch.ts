// A daemon that is nothing but its watch, and fails when told to: for tests of those that follow it.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HostReport, HostReportReply, HostRequest, WatchLine } from "../../src/core/api/types.ts";

export interface FakeWatch {
  readonly url: string;
  /** What it was told, newest last. */
  readonly registered: HostRequest[];
  readonly reports: HostReport[];
  /** Streams that are open. */
  readonly watchers: number;
  /** The world as a new stream gets it, and `lines` to those that are open. */
  tell(...lines: WatchLine[]): void;
  /** From now on a stream begins with these lines instead. */
  begin(...lines: WatchLine[]): void;
  /** Ends all streams in the middle of a line. */
  cut(): void;
  /** Holds everything back from now on, as a process that is paused. */
  pause(): void;
  /** What it says of itself on `/readyz`; true. */
  ready: boolean;
  /** Answers reports with this. */
  answer(reply: Partial<HostReportReply>): void;
  /** Refuses connections. */
  stop(): Promise<void>;
  /** At the same port; fine when it runs. */
  start(): Promise<void>;
}

export async function startFakeWatch(): Promise<FakeWatch> {
  const streams = new Set<ServerResponse>();
  const registered: HostRequest[] = [];
  const reports: HostReport[] = [];
  let first: readonly WatchLine[] = [
    { type: "reset", cluster: "c" },
    { type: "synced", revision: 1 },
  ];
  let reply: HostReportReply = { cluster: "c", revision: 1, state: "ready", waiting_for: [], conflicts: [] };
  const text = (lines: readonly WatchLine[]): string =>
    lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  let isPaused = false;
  let ready = true;
  const server = createServer((request, response) => {
    if (isPaused) return;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString()) as unknown) : undefined;
      if (request.url?.startsWith("/watch")) {
        streams.add(response);
        response.on("close", () => streams.delete(response));
        response.write(text(first));
      } else if (request.url === "/readyz") {
        response.writeHead(ready ? 200 : 503).end("{}");
      } else if (request.url?.endsWith("/report")) {
        reports.push(body as HostReport);
        response.end(JSON.stringify(reply));
      } else {
        registered.push(body as HostRequest);
        response.end("{}");
      }
    });
  });
  let port = 0;
  const start = (): Promise<void> =>
    new Promise((resolve) => {
      if (server.listening) resolve();
      else
        server.listen(port, "127.0.0.1", () => {
          port = (server.address() as AddressInfo).port;
          resolve();
        });
    });
  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    registered,
    reports,
    get watchers() {
      return streams.size;
    },
    tell: (...lines) => {
      for (const stream of streams) stream.write(text(lines));
    },
    begin: (...lines) => void (first = lines),
    cut: () => {
      for (const stream of streams) {
        stream.write('{"type":"put","ki');
        stream.destroy();
      }
    },
    pause: () => void (isPaused = true),
    get ready() {
      return ready;
    },
    set ready(value) {
      ready = value;
    },
    answer: (changes) => void (reply = { ...reply, ...changes }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    start,
  };
}
