// All that a daemon says while tokens and keys are in use, good ones and wrong ones: no secret is in it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { IncomingMessage } from "node:http";
import { test, type TestContext } from "node:test";
import { type CertificateFiles, createAuthority } from "../../../../test/support/certificates.ts";
import { freePort } from "../../../../test/support/daemon-process.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { tokenFile, tokenOf } from "../../../../test/support/tokens.ts";

const MAIN = join(import.meta.dirname, "../../../main.ts");
/** The machine may be busy. */
const LONG = { within: 30_000 };
const WRONG = "a-wrong-token-that-is-a-secret-elsewhere";
const MISTYPED = "a-secret-in-a-line-that-is-no-good-0123456789";

/** The lines of a key's PEM: what would be recognized of it. */
const keyLines = ({ key }: CertificateFiles): string[] =>
  readFileSync(key, "utf8")
    .split("\n")
    .filter((line) => line.length > 20 && !line.startsWith("-----"));

type Started = {
  readonly pid: number;
  readonly said: () => string;
  readonly ask: (path: string, more?: RequestOptions, body?: string) => Promise<string>;
};

async function start(t: TestContext, ca: string, flags: readonly string[]): Promise<Started> {
  const port = await freePort();
  const argv = [
    "daemon",
    "--listen",
    `127.0.0.1:${port}`,
    "--store",
    "memory",
    "--new-cluster",
    "--log-level",
    "debug",
  ];
  const child = spawn(process.execPath, [MAIN, ...argv, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await eventually(() => assert.match(said, /"msg":"ready"/), LONG);
  const ask: Started["ask"] = async (path, more = {}, body) => {
    const sent = request({ host: "127.0.0.1", port, path, agent: false, ca: readFileSync(ca), ...more });
    sent.end(body);
    const [reply] = (await once(sent, "response")) as [IncomingMessage];
    return `${JSON.stringify(reply.rawHeaders)}\n${await text(reply)}`;
  };
  return { pid: child.pid ?? 0, said: () => said, ask };
}

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });

test(
  "no token and no key in logs, replies, metrics, command line or environment",
  { timeout: 60_000 },
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "romana-secrets-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const authority = createAuthority(join(dir, "ca"));
    const server = authority.issue("daemon", ["IP:127.0.0.1"]);
    const tokens = tokenFile(t);
    const flags = ["--tls-cert", server.cert, "--tls-key", server.key, "--tls-client-ca", authority.ca];
    const { pid, said, ask } = await start(t, authority.ca, [...flags, "--token-file", tokens]);

    const good = bearer(tokenOf("admin"));
    const post = { method: "POST", headers: { ...good, "content-type": "application/json" } };
    const replies = [
      await ask("/hosts", { headers: bearer(WRONG) }),
      await ask(`/hosts?token=${tokenOf("admin")}`, { headers: bearer(tokenOf("node")) }),
      await ask(`/nowhere/${WRONG}`, { headers: bearer(WRONG) }),
      await ask("/backup", { headers: bearer(tokenOf("node")) }),
      await ask("/hosts", post, JSON.stringify({ name: "h1", ip: "192.168.0.1" })),
      await ask("/address", post, "{"),
      await ask("/hosts", { headers: good, auth: `admin:${WRONG}` }),
      await ask("/metrics", { headers: good }),
      await ask("/openapi.json", { headers: good }),
    ];
    writeFileSync(tokens, `${MISTYPED} sudo alice\n`);
    writeFileSync(server.cert, readFileSync(server.key));
    await eventually(async () => {
      replies.push(await ask("/hosts", { headers: bearer(WRONG) }));
      assert.match(said(), /tokens not renewed/);
      assert.match(said(), /certificates not renewed/);
    }, LONG);
    const own = [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`].map((path) => readFileSync(path, "utf8"));
    const all = [said(), ...replies, ...own].join("\n");
    assert.match(all, /"msg":"audit"/);
    assert.match(all, /romana_daemon_denied_total/);

    // What the client itself wrote into a path comes back to it, and nowhere else.
    const secrets = [
      ...["admin", "node"].map((role) => tokenOf(role as "admin")),
      MISTYPED,
      ...keyLines(server),
    ];
    for (const secret of secrets) assert.ok(!all.includes(secret), `${secret} was told`);
    assert.ok(![said(), ...own].join("\n").includes(WRONG));
  },
);
