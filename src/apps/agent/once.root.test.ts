// `romana agent --once`, with and without `--dry-run`, as a program on a node with a real daemon; and what it refuses to start with.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { type Node, makeNode, onNode, stateOf } from "../../../test/support/agent-node.ts";
import { Bed, PROGRAM } from "../../../test/support/bed.ts";
import { eventually } from "../../../test/support/eventually.ts";

const bed = new Bed("source");
const API = "http://127.0.0.1:9600";
let node: Node;

const agent = (...args: string[]) =>
  spawnSync(
    "nsenter",
    [
      ...[`--net=${node.netns}`, process.execPath, PROGRAM.source, "agent", "--hostname", "node-1"],
      ...(args.includes("--daemon") ? [] : ["--daemon", API]),
      ...["--state-dir", node.dir, "--log-level", "error", ...args],
    ],
    { encoding: "utf8" },
  );
const post = (path: string, body: unknown): void =>
  void onNode(
    node,
    "curl",
    "-sSf",
    "-H",
    "content-type: application/json",
    "-d",
    JSON.stringify(body),
    API + path,
  );
const once = (...args: string[]): string => {
  const { status, stdout, stderr } = agent("--once", ...args);
  assert.equal(status, 0, stderr);
  return stdout;
};

before(async () => {
  node = makeNode(bed, "node");
  bed.romana(
    "daemon",
    ["daemon", "--listen", "127.0.0.1:9600", "--store", "memory", "--new-cluster"],
    node.netns,
  );
  await eventually(() => onNode(node, "curl", "-sSf", `${API}/readyz`), { within: 20_000 });
  post("/topology", {
    networks: [
      { name: "v4", cidr: "10.0.0.0/16" },
      { name: "v6", cidr: "fd00:2::/64" },
    ],
    topologies: [{ networks: ["v4", "v6"], map: [{ name: "all", groups: [] }] }],
  });
  for (const last of [1, 2])
    post("/hosts", { name: `node-${last}`, ips: [`192.168.0.${last}`, `fd01::${last}`] });
  for (const last of [1, 2])
    post("/address", { name: `pod-${last}`, host: `node-${last}`, tenant: "t", segment: "" });
});
after(() => bed.dispose());

let plan: string;

test("--dry-run prints the plan as commands and changes nothing, here or at the daemon", () => {
  onNode(node, "ip", "route", "add", "10.7.0.0/16", "via", "192.168.0.2", "table", "10", "proto", "82");
  onNode(node, "ip", "route", "add", "10.8.0.0/16", "via", "192.168.0.2", "table", "10", "proto", "static");
  const before = [stateOf(node), onNode(node, "curl", "-s", `${API}/hosts`)];
  plan = once("--dry-run");
  assert.deepEqual([stateOf(node), onNode(node, "curl", "-s", `${API}/hosts`)], before);
  const [table, commands] = plan.split("\nEND\n");
  assert.match(table ?? "", /^nft -f - <<'END'\n.*chain from-pod/s);
  const anonymous = (commands ?? "").replace(/(fd00:2::|10\.0\.0\.)\w*\/\d+/g, "$1").split("\n");
  // Which of the two blocks is lower is the daemon's affair.
  assert.deepEqual([...anonymous.slice(0, 5), ...anonymous.slice(5).sort()], expectedPlan.split("\n"));
});

const expectedPlan = `\
sysctl -w net/ipv4/ip_forward=1
sysctl -w net/ipv6/conf/eth0/accept_ra=2
sysctl -w net/ipv6/conf/all/forwarding=1
ip -4 rule add priority 10 lookup 10 protocol 82
ip -6 rule add priority 10 lookup 10 protocol 82

ip route add 10.0.0. via 192.168.0.2 dev eth0 table 10 proto 82
ip route add fd00:2:: via fd01::2 dev eth0 table 10 proto 82 metric 1024
ip route add unreachable 10.0.0. table 10 proto 82
ip route add unreachable fd00:2:: table 10 proto 82 metric 1024
ip route delete 10.7.0.0/16 via 192.168.0.2 dev eth0 table 10 proto 82`;

test("the printed commands, run by a shell, leave nothing to do", () => {
  onNode(node, "sh", "-ec", plan);
  assert.equal(once("--dry-run"), "");
});

test("--once does what it prints", () => {
  onNode(node, "ip", "-4", "rule", "del", "priority", "10");
  onNode(node, "ip", "-6", "route", "flush", "table", "10");
  const printed = once();
  assert.doesNotMatch(printed, /nft/);
  assert.equal(printed.match(/rule add/g)?.length, 1);
  assert.equal(printed.match(/route add/g)?.length, 2);
  assert.equal(once("--dry-run"), "");
});

const refusals: readonly (readonly [string, string, number, RegExp])[] = [
  ["a link that is not there", "--once --link-name eth9", 2, /--link-name: "eth9": expected one of lo, eth0/],
  ["a daemon that does not answer", "--once --daemon http://127.0.0.1:9", 1, /127\.0\.0\.1:9/],
];
for (const [what, args, code, message] of refusals)
  test(`refused in one line: ${what}`, () => {
    const before = stateOf(node);
    const { status, stdout, stderr } = agent(...args.split(" "));
    assert.deepEqual([status, stdout], [code, ""], stderr);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    assert.deepEqual(stateOf(node), before);
  });
