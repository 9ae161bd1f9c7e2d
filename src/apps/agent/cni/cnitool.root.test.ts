// Version 1.1.0 of the specification by its own tool, which wraps the library that runtimes use: ADD, CHECK, DEL, STATUS, GC. Built once,
// where Go is there.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { AddressList } from "../../../core/api/types.ts";
import type { CommandResult } from "../../../io/kernel/kernel.ts";
import { nativePath } from "../../../../test/support/bed.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import type { CniOutput } from "../../../../test/support/cni-plugin.ts";
import { NODE, startNode, type TestNode } from "../../../../test/support/node.ts";

const VERSION = "v1.3.1";
const folder = join(import.meta.dirname, "../../../../build/cnitool");
const tool = join(folder, `cnitool-${VERSION}`);

function buildTool(): void {
  if (existsSync(tool)) return;
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: "0" };
  execFileSync("go", ["install", `github.com/containernetworking/cni/cnitool@${VERSION}`], {
    env,
    stdio: "pipe",
  });
  renameSync(join(folder, "cnitool"), tool);
}

if (spawnSync("go", ["version"]).status === 0) tests();
else process.stderr.write("cnitool: no Go here, so the specification's own tool is not built and not run\n");

function tests(): void {
  let node: TestNode;
  before(async () => {
    buildTool();
    node = await startNode();
    const list = {
      cniVersion: "1.1.0",
      name: "romana",
      plugins: [{ type: "romana", socket: node.socket, capabilities: { ips: true } }],
    };
    for (const name of ["net.d", "bin", "var"]) mkdirSync(join(node.bed.dir, name));
    writeFileSync(join(node.bed.dir, "net.d/10-romana.conflist"), JSON.stringify(list));
    symlinkSync(nativePath, join(node.bed.dir, "bin/romana"));
  });
  after(() => node?.close());

  /** The tool keeps results under /var/lib/cni: here in a folder of the test's own. */
  const cnitool = (verb: string, netns: string, capabilities: object = {}): Promise<CommandResult> => {
    const at = (name: string): string => join(node.bed.dir, name);
    const environment = [
      `NETCONFPATH=${at("net.d")}`,
      `CNI_PATH=${at("bin")}`,
      `CAP_ARGS=${JSON.stringify(capabilities)}`,
    ];
    const inside = `mount --bind "$1" /var/lib && shift && exec "$@"`;
    const argv = [
      "unshare",
      "--mount",
      "sh",
      "-c",
      inside,
      "sh",
      at("var"),
      "env",
      ...environment,
      tool,
      verb,
      "romana",
      netns,
    ];
    return node.run(argv, node.netns);
  };
  const ok = async (verb: string, netns: string, capabilities?: object): Promise<string> => {
    const { code, stdout, stderr } = await cnitool(verb, netns, capabilities);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  const held = async (): Promise<string[]> =>
    (await node.get<AddressList>("/addresses")).addresses.map(({ ips }) => ips.join(" "));

  test("ADD, CHECK and DEL in 1.1.0, with a static address by capability", async () => {
    const netns = node.pod("pod");
    const result = JSON.parse(await ok("add", netns, { ips: ["10.0.4.4/16", "fd00:2::44"] })) as CniOutput;
    assert.deepEqual([result.cniVersion, result.interfaces[1]?.mtu], ["1.1.0", 1500]);
    assert.deepEqual(await held(), ["10.0.4.4 fd00:2::44"]);
    for (const ip of NODE.ips)
      assert.equal((await node.run(["ping", "-n", "-c1", "-W5", ip], netns)).code, 0);
    await ok("check", netns);
    await node.run(["ip", "route", "del", "default"], netns);
    assert.match((await cnitool("check", netns)).stderr, /IPv4 default route is gone/);
    await ok("del", netns);
    await ok("del", netns);
    assert.deepEqual(await held(), []);
  });

  test("GC frees the attachments that the runtime has forgotten", async () => {
    await ok("add", node.pod("forgotten"));
    await ok("gc", node.pod("anything"));
    assert.deepEqual(await held(), []);
  });

  test("STATUS: the node can attach pods, and cannot without a daemon", async () => {
    await ok("status", node.netns);
    await node.stopDaemon();
    const { stdout, stderr } = await eventually(async () => {
      const reply = await cnitool("status", node.netns);
      assert.notEqual(reply.code, 0);
      return reply;
    });
    assert.match(stdout + stderr, /cannot attach pods/);
  });
}
