// The program as processes: daemons on a port and an sqlite file of their own, killed and started again.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

const execute = promisify(execFile);

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

export type DaemonBed = {
  readonly dir: string;
  /** Where daemons listen, as ADDRESS:PORT. */
  readonly listen: string;
  readonly start: (...flags: string[]) => Promise<ChildProcess>;
  readonly ask: Ask;
  /** What all daemons have said so far. */
  readonly log: () => string;
  /** Runs another of the program's words to its end, which must be a good one; its stdout. */
  readonly romana: (...argv: string[]) => Promise<string>;
};
export type Ask = <T>(method: string, path: string, body?: unknown) => Promise<T & { code?: string }>;

/** A directory, a port, and daemons on them; all gone after the test. */
export async function daemonBed(t: TestContext): Promise<DaemonBed> {
  const dir = await mkdtemp(join(tmpdir(), "romana-daemon-"));
  const children: ChildProcess[] = [];
  t.after(async () => {
    for (const child of children) await kill(child, "SIGKILL");
    await rm(dir, { recursive: true });
  });
  let log = "";
  const listen = `127.0.0.1:${await freePort()}`;
  const start = async (...flags: string[]): Promise<ChildProcess> => {
    const args = ["daemon", "--listen", listen, "--store", `sqlite:${join(dir, "romana.db")}`, ...flags];
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    children.push(child);
    const before = log.length;
    const isReady = (): boolean => log.includes('"msg":"ready"', before);
    child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
    while (!isReady() && child.exitCode === null)
      await Promise.race([once(child.stderr, "data"), once(child, "close")]);
    assert.ok(isReady(), log.slice(before));
    return child;
  };
  const ask: Ask = async (method, path, body) => {
    const content = { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const reply = await fetch(`http://${listen}${path}`, { method, ...(body === undefined ? {} : content) });
    return (await reply.json()) as never;
  };
  const romana = async (...argv: string[]): Promise<string> => {
    const env = { ...process.env, ROMANA_ROOT_URL: `http://${listen}` };
    return (await execute(process.execPath, [MAIN, ...argv], { env })).stdout;
  };
  return { dir, listen, start, ask, log: () => log, romana };
}

export async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, "exit");
  child.kill(signal);
  return ((await exit) as [number | null])[0];
}
