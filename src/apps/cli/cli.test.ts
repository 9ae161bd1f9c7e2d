// The CLI against a small HTTP server that answers as the daemon does.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "./main.ts";

const host = {
  ip: "10.0.0.1",
  ips: ["10.0.0.1", "fd00::1"],
  name: "node-1",
  agent_port: 9607,
  tags: { zone: "a" },
  k8s_info: {},
  groups: ["a/r1", null],
};
const finding = {
  kind: "doubled",
  subject: "pod-2",
  host: "node-2",
  ips: ["10.0.0.9"],
  details: "pod-1 on node-1 has it too",
  evidence: [{ key: "/romana/v3/addresses/pod-1", revision: 4 }],
};
const replies: Record<string, [status: number, body: unknown]> = {
  "GET /hosts": [200, { hosts: [host], revision: 7 }],
  "GET /hosts/nobody": [
    404,
    { status_code: 404, details: 'host: "nobody": expected a known host', code: "HOST_UNKNOWN" },
  ],
  "POST /hosts": [200, host],
  "GET /networks": [200, []],
  "POST /address": [503, { status_code: 503, details: "the store does not answer", code: "STORE_TIMEOUT" }],
  "GET /ipam/check?limit=1000": [200, { revision: 9, total: 1, counts: { doubled: 1 }, findings: [finding] }],
  "GET /ipam/check?limit=5": [200, { revision: 9, total: 0, counts: { doubled: 0 }, findings: [] }],
  "GET /blocks": [200, "<html>"],
  "POST /topology/plan?limit=5000": [200, planPage(7, "10.0.0.8", "10.0.0.8")],
  "POST /topology/plan?limit=5000&continue=10.0.0.8": [200, planPage(8, "10.0.0.9")],
};
function planPage(revision: number, ip: string, next?: string): object {
  const conflicts = [{ name: `pod-${ip}`, ip, reason: "in use on h" }];
  const changes = { groups: [], hosts: [], blocks: [], warnings: [] };
  return { ...changes, conflicts: { revision, total: 2, conflicts, ...(next && { continue: next }) } };
}
const seen: { method: string; url: string; body: string; token: string | undefined }[] = [];
let server: Server;
let url = "";
let dir = "";

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "romana-cli-"));
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      seen.push({
        method: request.method ?? "",
        url: request.url ?? "",
        body: Buffer.concat(chunks).toString(),
        token: request.headers.authorization,
      });
      const [status, body] = replies[`${request.method} ${request.url}`] ?? [200, {}];
      response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

async function romana(
  words: string,
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const streams = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const code = await run(words.split(" "), { ROMANA_ROOT_URL: url, ...env }, streams);
  return { code, out, err };
}

test("a table for people", async () => {
  const { code, out } = await romana("host list");
  assert.equal(code, 0);
  assert.match(out, /^Host\s+Addresses\s+Groups/);
  assert.match(out, /node-1\s+10\.0\.0\.1, fd00::1\s+a\/r1, none\s+9607\s+zone=a/);
});

test("JSON and YAML for scripts are the reply whole", async () => {
  assert.deepEqual(JSON.parse((await romana("host list -f json")).out), { hosts: [host], revision: 7 });
  assert.match((await romana("-f yaml host list")).out, /^hosts:\n {2}- ip: 10\.0\.0\.1/);
});

test("ipam check shows findings with their evidence, and its exit code says whether there are any", async () => {
  const { code, out } = await romana("ipam check");
  assert.equal(code, 3);
  assert.match(out, /^doubled\s+pod-2\s+10\.0\.0\.9\s+node-2\s+-\s+pod-1 on .* addresses\/pod-1@4$/m);
  assert.deepEqual(await romana("ipam check --limit 5"), { code: 0, out: "no findings\n", err: "" });
});

test("a dry run asks for all pages of what stands against a topology, and says where the store was written to in between", async () => {
  const file = join(dir, "topology.yaml");
  writeFileSync(file, "networks: []");
  const { code, out } = await romana(`topology update ${file} --dry-run`);
  assert.equal(code, 3);
  assert.match(out, /pod-10\.0\.0\.8.*\n.*pod-10\.0\.0\.9[^]*2 addresses in use[^]*written to meanwhile/);
  assert.deepEqual(JSON.parse(seen.at(-1)?.body ?? ""), { networks: [] });
});

test("nothing to show says so", async () => {
  assert.equal((await romana("network list")).out, "no networks\n");
});

test("host add sends addresses and labels", async () => {
  await romana("host add node-2 10.0.0.2 fd00::2 --tag zone=b --tag rack=1");
  assert.deepEqual(JSON.parse(seen.at(-1)?.body ?? ""), {
    name: "node-2",
    ips: ["10.0.0.2", "fd00::2"],
    tags: { zone: "b", rack: "1" },
  });
});

/** Each row: the words, the exit code, what the one line on stderr says. */
const failures: readonly (readonly [string, number, RegExp])[] = [
  ["host show nobody", 2, /^romana: host: "nobody": expected a known host\n$/],
  ["address allocate a h t", 1, /the store does not answer/],
  ["block list", 1, /did not answer with JSON/],
  ["host list -r http://127.0.0.1:1", 1, /no answer from the daemon at http:\/\/127\.0\.0\.1:1.*-r/],
  ["host list -r nonsense", 2, /RootURL: "nonsense": expected/],
  ["host list -f xml", 2, /xml.*table, json, yaml/],
  ["host", 2, /romana --help/],
  ["hots list", 2, /unknown command 'hots'.*host/],
  ["host add node-3 10.0.0.3 --tag broken", 2, /--tag: "broken": expected key=value/],
  ["topology plan /nowhere.yaml", 2, /\/nowhere\.yaml.*ENOENT/],
];
for (const [words, code, message] of failures)
  test(`romana ${words}: exit code ${code}`, async () => {
    const result = await romana(words);
    assert.match(result.err, message);
    assert.deepEqual([result.code, result.out, result.err.trimEnd().includes("\n")], [code, "", false]);
  });

test("flag over environment over file over default", async () => {
  const file = join(dir, "cli.yaml");
  writeFileSync(file, `RootURL: ${url}\nFormat: json\n`);
  const env = { ROMANA_ROOT_URL: url, ROMANA_CONFIG: file };
  assert.match((await romana("host list", env)).out, /^\{/);
  assert.match((await romana("host list", { ...env, ROMANA_FORMAT: "yaml" })).out, /^hosts:/);
  assert.match((await romana("host list -f table", { ...env, ROMANA_FORMAT: "yaml" })).out, /^Host/);
});

test("files of certificates and token come from flag, environment and settings file, in this order", async () => {
  const file = join(dir, "access.yaml");
  writeFileSync(file, `RootURL: ${url}\nDaemonCA: /from/file\n`);
  /** Each: words, environment, and the file that is looked for. */
  const rows: readonly (readonly [string, Record<string, string>, string])[] = [
    ["host list", {}, "/from/file"],
    ["host list", { ROMANA_DAEMON_CA: "/from/env" }, "/from/env"],
    ["host list --daemon-ca /from/flag", { ROMANA_DAEMON_CA: "/from/env" }, "/from/flag"],
  ];
  for (const [words, env, path] of rows) {
    const { code, err } = await romana(`${words} -c ${file}`, env);
    assert.deepEqual(
      [code, err.includes(`--daemon-ca: "${path}": expected a readable file (ENOENT)`)],
      [2, true],
      err,
    );
  }
});

test("a token is sent, from its file's first line, and off loopback only over https", async () => {
  const file = join(dir, "token");
  writeFileSync(file, "secret-token\n");
  assert.equal((await romana(`host list --daemon-token-file ${file}`)).code, 0);
  assert.equal(seen.at(-1)?.token, "Bearer secret-token");
  const { code, err } = await romana(`host list -r http://192.0.2.1:9600 --daemon-token-file ${file}`);
  assert.equal(code, 2);
  assert.match(
    err,
    /^romana: daemon: "http:\/\/192\.0\.2\.1:9600": expected https, as certificates or a token/,
  );
  assert.doesNotMatch(err, /secret/);
});

test("a broken settings file is named", async () => {
  const file = join(dir, "broken.yaml");
  writeFileSync(file, "RootURL: [");
  const { code, err } = await romana(`host list -c ${file}`);
  assert.equal(code, 2);
  assert.match(err, /broken\.yaml/);
});

test("help goes to stdout", async () => {
  const { code, out } = await romana("--help");
  assert.equal(code, 0);
  assert.match(out, /host.*\n[\s\S]*topology/);
});
