// The comparison with a real containerd: a sandbox that it made through the CNI plugin stays, what is left of one that it does not know goes.
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nativePath } from "../../../../test/support/bed.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { makeImage } from "../../../../test/support/make-image.ts";
import { startNode, type TestNode } from "../../../../test/support/node.ts";
import type { AddressList } from "../../../core/api/types.ts";
import { grpcCall } from "../../../io/cri/grpc-call.ts";
import { readerOf } from "../../../io/protobuf/protobuf-read.ts";
import { writerOf } from "../../../io/protobuf/protobuf-write.ts";

const dir = mkdtempSync(join(tmpdir(), "romana-cri-"));
const at = (name: string): string => join(dir, name);
const SOCKET = at("containerd.sock");
const PAUSE = "docker.io/local/pause:1";
/** Its cgroups' parent. */
const CGROUP = `romana-cri-${process.pid}`;
const WITHIN = { within: 60_000, every: 200 };
let node: TestNode;
let sandbox = "";

before(async () => {
  node = await startNode("memory", [`--cri-socket=unix://${SOCKET}`, "--sandbox-grace=2s"]);
  for (const name of ["net.d", "bin"]) mkdirSync(at(name));
  const plugins = [{ type: "romana", socket: node.socket }];
  writeFileSync(
    at("net.d/10-romana.conflist"),
    JSON.stringify({ cniVersion: "1.0.0", name: "romana", plugins }),
  );
  symlinkSync(nativePath, at("bin/romana"));
  // Containerd wants one for each sandbox.
  symlinkSync("/usr/lib/cni/loopback", at("bin/loopback"));
  writeFileSync(at("containerd.toml"), containerdConfig());
  node.bed.start("containerd", ["containerd", "--config", at("containerd.toml")], node.netns);
  const ctr = ["ctr", "--address", SOCKET, "--namespace", "k8s.io"];
  const program = { "bin/busybox": "/bin/busybox" };
  const config = { Entrypoint: ["/bin/busybox", "sleep", "2147483647"] };
  const image = makeImage(at("image"), { name: PAUSE, programs: program, config });
  const load = [...ctr, "images", "import", "--snapshotter", "native", image];
  await eventually(async () => assert.equal((await node.run(load, node.netns)).code, 0), WITHIN);
});
after(async () => {
  for (const method of ["StopPodSandbox", "RemovePodSandbox"])
    if (sandbox !== "") await cri(method, writerOf(ID)({ pod_sandbox_id: sandbox }));
  await node?.close();
  removeCgroups();
  rmSync(dir, { recursive: true, force: true });
});

const containerdConfig = (): string => `version = 2
root = "${at("root")}"
state = "${at("run")}"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "${SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  disable_apparmor = true
  sandbox_image = "${PAUSE}"
  netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${at("bin")}"
  conf_dir = "${at("net.d")}"
`;

function removeCgroups(): void {
  const root = "/sys/fs/cgroup";
  for (const place of [root, ...readdirSync(root).map((name) => join(root, name))])
    if (existsSync(join(place, CGROUP))) rmdirSync(join(place, CGROUP));
}

/** https://github.com/kubernetes/cri-api */
const ID = { pod_sandbox_id: [1, "string"] } as const;
const METADATA = { name: [1, "string"], uid: [2, "string"], namespace: [3, "string"] } as const;
const LINUX = { cgroup_parent: [1, "string"] } as const;
const RUN = { config: [1, { metadata: [1, METADATA], linux: [8, LINUX] }] } as const;

const cri = (method: string, message: Buffer): Promise<Buffer> =>
  grpcCall(SOCKET, { method: `/runtime.v1.RuntimeService/${method}`, message, timeout: 60_000 });

async function runSandbox(name: string): Promise<string> {
  const metadata = { name, uid: `uid-${name}`, namespace: "shop" };
  const message = writerOf(RUN)({ config: { metadata, linux: { cgroup_parent: `/${CGROUP}` } } });
  return readerOf<{ pod_sandbox_id: string }>(ID)(await cri("RunPodSandbox", message)).pod_sandbox_id;
}

const held = async (): Promise<string[]> =>
  (await node.get<AddressList>("/addresses")).addresses.map(({ name }) => name).sort();

test("what is left of a sandbox that containerd does not know goes, its own stays, and what no pod was told of", async () => {
  await eventually(async () => {
    sandbox = await runSandbox("web");
  }, WITHIN);
  const args = "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=lost";
  const lost = { id: "lost", netns: node.pod("lost"), args };
  for (const call of [lost, { id: "other", netns: node.pod("other") }])
    assert.equal((await node.cni("ADD", call)).code, 0);
  await eventually(
    async () => assert.deepEqual(await held(), [`romana/${sandbox}/eth0`, "romana/other/eth0"].sort()),
    WITHIN,
  );
  const { stdout } = await node.run(["ip", "-o", "link", "show"], lost.netns);
  assert.doesNotMatch(stdout, /eth0/);
  assert.equal((await node.cni("DEL", lost)).code, 0, "a late DEL is content");
  const told = /the container runtime has no such sandbox/;
  await eventually(() => assert.match(node.bed.log("agent"), told), WITHIN);
});
