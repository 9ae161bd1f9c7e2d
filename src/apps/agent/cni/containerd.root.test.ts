// A real container of Debian's containerd, through the shipped configuration list with Debian's plugins after ours, that pings another
// pod, in both families. Its image is made here: no registry is asked.
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { AddressList } from "../../../core/api/types.ts";
import type { CommandResult } from "../../../io/kernel/kernel.ts";
import { nativePath } from "../../../../test/support/bed.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { busyboxLinks, makeImage } from "../../../../test/support/make-image.ts";
import { startNode, type TestNode } from "../../../../test/support/node.ts";

/** Containerd's word for whose containers these are; it names their cgroups' parent. */
const OWNER = `romana-test-${process.pid}`;
const IMAGE = "docker.io/local/busybox:1";
const BUSYBOX = { name: IMAGE, programs: { "bin/busybox": "/bin/busybox" }, links: busyboxLinks() };
const WITHIN = { within: 30_000 };
let node: TestNode;
const at = (name: string): string => join(node.bed.dir, name);

before(async () => {
  node = await startNode();
  for (const name of ["net.d", "bin"]) mkdirSync(at(name));
  writeList();
  symlinkSync(nativePath, at("bin/romana"));
  for (const name of ["portmap", "bandwidth"]) symlinkSync(`/usr/lib/cni/${name}`, at(`bin/${name}`));
  writeFileSync(at("containerd.toml"), containerdConfig());
  node.bed.start("containerd", ["containerd", "--config", at("containerd.toml")], node.netns);
  await eventually(async () => assert.equal((await ctr("version")).code, 0), WITHIN);
  const { code, stderr } = await ctr(
    "images",
    "import",
    "--snapshotter",
    "native",
    makeImage(at("image"), BUSYBOX),
  );
  assert.equal(code, 0, stderr);
});
after(async () => {
  await ctr("task", "rm", "--force", "pinger"); // where the test was cut off
  await node?.close();
  removeCgroups();
});

/** Containerd leaves the empty parents behind. Version 1 has one in each hierarchy, version 2 one in all. */
function removeCgroups(): void {
  const root = "/sys/fs/cgroup";
  for (const place of [root, ...readdirSync(root).map((name) => join(root, name))])
    if (existsSync(join(place, OWNER))) rmdirSync(join(place, OWNER));
}

/** The shipped list; only the socket is the test's own. */
function writeList(): void {
  const shipped = join(import.meta.dirname, "../../../../deploy/cni/10-romana.conflist");
  const list = JSON.parse(readFileSync(shipped, "utf8")) as { plugins: Record<string, unknown>[] };
  list.plugins[0] = { ...list.plugins[0], socket: node.socket };
  writeFileSync(at("net.d/10-romana.conflist"), JSON.stringify(list));
}

const containerdConfig = (): string => `version = 2
root = "${at("root")}"
state = "${at("run")}"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "${at("containerd.sock")}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  disable_apparmor = true
`;

/** Containerd's client runs the CNI plugins itself, from fixed folders: here they are the test's, in a mount namespace of its own. */
function ctr(...words: string[]): Promise<CommandResult> {
  const inside = [
    "mount -t tmpfs none /etc && mkdir -p /etc/cni && ln -s $1/net.d /etc/cni/net.d",
    "mount -t tmpfs none /opt && mkdir -p /opt/cni && ln -s $1/bin /opt/cni/bin",
    'shift && exec ctr "$@"',
  ].join(" && ");
  const argv = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    inside,
    "sh",
    node.bed.dir,
    ...["--address", at("containerd.sock"), "--namespace", OWNER],
    ...words,
  ];
  return node.run(argv, node.netns);
}

test("a container of containerd pings another pod", async () => {
  const other = { id: "other", netns: node.pod("other") };
  const { json } = await node.cni("ADD", other);
  const ips = (json?.ips ?? []).map(({ address }) => address.split("/")[0] ?? "");
  assert.equal(ips.length, 2);
  const script = ips.map((ip) => `ping -c 1 -W 5 ${ip}`).join(" && ");
  const argv = [
    "run",
    "--rm",
    "--cni",
    "--snapshotter",
    "native",
    IMAGE,
    "pinger",
    "sh",
    "-c",
    `ip addr && ${script}`,
  ];
  const { code, stdout, stderr } = await ctr(...argv);
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stdout.match(/1 packets received/g)?.length, 2, stdout);
  await node.cni("DEL", other);
  const { addresses } = await node.get<AddressList>("/addresses");
  assert.deepEqual(addresses, [], "containerd sent the DEL");
});
