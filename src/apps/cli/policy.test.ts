// `romana policy add` with stdin, several files and faults in them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { startDaemon } from "../../../test/support/daemon.ts";
import { run } from "./main.ts";

const dir = mkdtempSync(join(tmpdir(), "romana-policy-"));
const running = await startDaemon();
let url = "";
before(async () => void (url = await running.app.listen({ host: "127.0.0.1", port: 0 })));
after(async () => {
  await running.close();
  rmSync(dir, { recursive: true, force: true });
});
const file = (name: string, content: string): string => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};
async function romana(...argv: string[]) {
  let [out, err] = ["", ""];
  const streams = { out: (line: string) => void (out += line), err: (line: string) => void (err += line) };
  const code = await run(argv, { ROMANA_ROOT_URL: url }, streams);
  return { code, out, err: err.replaceAll(`${dir}/`, "") };
}
const yaml = (id: string): string => `id: ${id}\napplied_to: [{ tenant_id: shop }]\n`;

test("no policies are said to be none", async () => {
  assert.equal((await romana("policy", "list")).out, "no policies\n");
});

test("stdin may hold several documents", async () => {
  const main = join(import.meta.dirname, "../../main.ts");
  const env = { ...process.env, ROMANA_ROOT_URL: url };
  const child = spawn(process.execPath, [main, "policy", "add", "-"], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(`${yaml("one")}---\n${yaml("two")}`);
  assert.match(await text(child.stdout), /one +added\ntwo +added\n/);
});

test("more policies than one request takes are put whole", async () => {
  const many = Array.from({ length: 1100 }, (_, i) => ({
    id: `many-${i}`,
    applied_to: [{ tenant_id: "shop" }],
  }));
  const { code, out } = await romana("policy", "add", file("many.json", JSON.stringify(many)), "-f", "json");
  const { policies } = JSON.parse(out) as { policies: { change: string }[] };
  assert.deepEqual(
    [code, policies.length, policies.every(({ change }) => change === "added")],
    [0, 1100, true],
  );
});

test("a fault in one file keeps all from being sent; each is named with its file and document", async () => {
  const faulty = file("faulty.yaml", `${yaml("good")}---\nid: bad\napplied_to: [{ tenant_id: 5 }]\n`);
  const double = file("double.yaml", yaml("good"));
  const { code, err } = await romana("policy", "add", double, double, faulty);
  assert.equal(code, 2);
  assert.deepEqual(err.trimEnd().split("\n"), [
    'romana: faulty.yaml, document 2: applied_to[0].tenant_id: 5: expected a name of 1 to 253 visible characters, no blank, no "/", not . or ..',
    'romana: double.yaml: id: "good": expected an id that no other policy here has',
    'romana: faulty.yaml, document 1: id: "good": expected an id that no other policy here has',
  ]);
  assert.equal((await romana("policy", "show", "good")).code, 2);
});

test("a file of Kubernetes' is not taken for one of Romana's, and what breaks its text is told with its line", async () => {
  const kubernetes = file("kube.yaml", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n");
  assert.match(
    (await romana("policy", "add", kubernetes)).err,
    /kube\.yaml: apiVersion: .*expected one of id, /,
  );
  const broken = file("broken.yaml", "id: a\n  b: [\n");
  assert.match((await romana("policy", "add", broken)).err, /^romana: broken\.yaml: .*line 1, column 5/);
  assert.match(
    (await romana("policy", "add", "/nowhere.yaml")).err,
    /^romana: file: "\/nowhere\.yaml".*ENOENT/,
  );
});

test("an explanation of a packet that does not pass ends with 3, of one that does with 0", async () => {
  const topology = {
    networks: [{ name: "n", cidr: "10.0.0.0/16" }],
    topologies: [{ networks: ["n"], map: [{ name: "all" }] }],
  };
  await running.call("POST /topology", topology);
  await running.call("POST /hosts", { name: "h1", ip: "192.168.0.1" });
  await running.call("POST /address", { name: "web", host: "h1", tenant: "shop" });
  const denied = await romana("explain", "192.0.2.1", "web", "--port", "80");
  assert.match(denied.out, /ingress +denied: selected by many-0, many-1, /);
  const allowed = await romana("explain", "h1", "web", "--protocol", "udp", "--port", "80", "-f", "json");
  assert.equal((JSON.parse(allowed.out) as { ingress: { kind: string } }).ingress.kind, "exempt");
  assert.deepEqual([denied.code, allowed.code], [3, 0]);
});
