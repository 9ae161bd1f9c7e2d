// The daemon as a process: what it says and with which code it ends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

const MAIN = join(import.meta.dirname, "../../main.ts");

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "romana-daemon-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

type Ended = { readonly code: number | null; readonly said: string };

/** Runs until it ends. `onReady`: with the URL it listens on, once it does. */
async function run(
  t: TestContext,
  args: readonly string[],
  onReady?: (url: string, pid: number) => Promise<void>,
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, "daemon", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      const before = said;
      said += chunk.toString();
      const ready = /"listen":"([^"]+)".*"msg":"ready"/.exec(said);
      if (ready && !before.includes('"msg":"ready"')) void onReady?.(`http://${ready[1]}`, child.pid ?? 0);
    });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

test("a corrupt database: it says so with the path, ends with 1, keeps the file and does not start empty", async (t) => {
  const path = join(newFolder(t), "romana.db");
  const content = Buffer.from(`SQLite format 3\0${"x".repeat(5000)}`);
  writeFileSync(path, content);
  const { code, said } = await run(t, ["--store", `sqlite:${path}`, "--listen", "127.0.0.1:0"]);
  assert.equal(code, 1);
  assert.match(said, /^romana: .*romana\.db: .*left as it is: restore a backup$/m);
  assert.ok(!said.includes("    at "), "no stack");
  assert.ok(readFileSync(path).equals(content));
});

test("a port that is taken: it names the address and ends with 1", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const listen = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { code, said } = await run(t, ["--store", "memory", "--listen", listen]);
  assert.equal(code, 1);
  assert.ok(said.includes(listen) && said.includes("EADDRINUSE"), said);
});

/** Arguments that are refused with exit code 2, and what is said of them. */
const refused: readonly [string[], RegExp][] = [
  [["--store", "mysql:x"], /store: "mysql:x": expected memory/],
  [
    ["--store", "sqlite:/proc/x/y"],
    /store: "sqlite:\/proc\/x\/y": expected sqlite:PATH of a file .*\(\/proc\/x/,
  ],
  [["--store", "sqlite:/tmp"], /store: "sqlite:\/tmp": expected sqlite:PATH of a file .*no file/],
  [["--store", "sqlite:/dev/null"], /store: "sqlite:\/dev\/null": expected sqlite:PATH of a file .*no file/],
  [["--store", "etcd:ftp://h:1"], /--store: "ftp:\/\/h:1": expected endpoints as https/],
  [["--listen", "nowhere"], /--listen: "nowhere": expected ADDRESS:PORT/],
  [["--listen", "127.0.0.1:70000"], /--listen/],
  [["--listen", ":0"], /--listen: ":0": expected --tls-cert/],
  [
    ["--tls-cert", "/nowhere", "--tls-key", "/nowhere", "--store", "memory"],
    /--tls-cert: "\/nowhere".*ENOENT/,
  ],
  [["--adoption-window", "soon"], /--adoption-window: "soon"/],
  [["--store", "memory", "--initial-topology", "/nowhere.yaml"], /--initial-topology/],
  [["--store", "memory", "--cloud", "aws", "--region", "moon"], /"aws-moon"|"moon"/],
  [["--no-such-option"], /--no-such-option/],
  [["--config", "/nowhere.yaml"], /--config/],
];
for (const [args, text] of refused)
  test(`${args.join(" ")}: exit code 2 and what was expected`, async (t) => {
    const { code, said } = await run(t, ["--listen", "127.0.0.1:0", ...args]);
    assert.deepEqual([code, text.test(said)], [2, true], said);
    assert.ok(!said.includes("    at "), "no stack");
  });

// Where the end takes more than five seconds the code is 1.
for (const signal of ["SIGTERM", "SIGINT"] as const)
  test(`${signal} ends it with 0, whoever watches`, async (t) => {
    const args = ["--store", "memory", "--new-cluster", "--listen", `127.0.0.1:${await freePort()}`];
    const { code, said } = await run(t, args, async (url, pid) => {
      await Promise.all([fetch(`${url}/watch`), fetch(`${url}/watch`), fetch(`${url}/healthz`)]);
      process.kill(pid, signal);
    });
    assert.deepEqual([code, /"msg":"stopped"/.test(said)], [0, true], said);
  });
