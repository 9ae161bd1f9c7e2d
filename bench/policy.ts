// Network policy on one node: what its table costs packets, what a pod that comes costs the agent, how long a boot takes against ipset and
// iptables-nft, and what an ADD costs a pod that policies select.
import { execFileSync } from "node:child_process";
import { silentLog } from "../src/base/log.ts";
import { desiredRuleset, type RulesetEndpoint } from "../src/core/desired/node-ruleset.ts";
import type { NodeChain, NodePod, NodePolicy, NodeSet } from "../src/core/model/node-policy.ts";
import { hostCidr } from "../src/core/net/cidr.ts";
import { formatIp, type Ip, parseIp } from "../src/core/net/ip.ts";
import { planRuleset } from "../src/core/nft/plan.ts";
import { standingOf } from "../src/core/nft/standing.ts";
import { elementKey } from "../src/core/policy/set-spec.ts";
import { startNativeHelper } from "../src/io/kernel/native-helper.ts";
import type { Bed } from "../test/support/bed.ts";
import { ip } from "../test/support/bed.ts";
import { cni, startCluster } from "./cluster.ts";
import { type Bench, type Figure, median, pairedRatio } from "./figure.ts";
import { withBed } from "./processes.ts";

const [PODS, SETS, POLICIES] = [2000, 1000, 500];
const PATH_PODS = 10_000;
const MEMBERS = 20;
const ROUNDS = 20;
const BOOTS = 5;
const ADDS = 40;

export const policyBench: Bench = {
  name: "policy",
  about: "network policy on a node: packets, one pod more, first sync, ADD",
  needsRoot: true,
  run: () =>
    withBed(async (bed) => [
      ...(await onThePath(bed)),
      onePodMore(),
      await firstSync(bed),
      await selectedAdd(bed),
    ]),
};

const address = (i: number): Ip => parseIp(`10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`);

type World = { readonly policy: NodePolicy; readonly endpoints: readonly RulesetEndpoint[] };

/** Each pod is under one policy; each policy has two rules, of one set each. */
function world(pods: number, policies: number, sets: number): World {
  const setName = (i: number): string => `pods-${i % sets}`;
  const members = (i: number): NodeSet["elements"] =>
    new Map(
      Array.from({ length: MEMBERS }, (_, k) => ({ cidr: hostCidr(address((i * MEMBERS + k) % pods)) })).map(
        (each) => [elementKey(each), each],
      ),
    );
  const traffic = [{ kind: "ports", protocol: "tcp", ranges: [{ first: 80, last: 80 }] }] as const;
  const chainOf = (i: number): NodeChain => ({
    ...{ name: `policy-${i}`, policy: `p${i}`, direction: "ingress" },
    rules: [0, 1].map((k) => ({
      ...{ rule: k, action: "allow" },
      match: { kind: "peers", peers: [setName(2 * i + k)], traffic },
    })),
  });
  const podOf = (i: number): NodePod => ({
    ...{ id: `pod-${i}`, ips: [address(i)], ingress: [`policy-${i % policies}`], egress: undefined },
  });
  const named = <T extends { readonly name: string }>(list: T[]): Map<string, T> =>
    new Map(list.map((each) => [each.name, each]));
  const setList = Array.from({ length: sets }, (_, i): NodeSet => ({
    name: setName(i),
    about: "",
    kind: "addresses",
    elements: members(i),
  }));
  return {
    policy: {
      host: { name: "h", ips: [], ingress: undefined, egress: undefined },
      pods: new Map(Array.from({ length: pods }, (_, i) => [`pod-${i}`, podOf(i)])),
      chains: named(Array.from({ length: policies }, (_, i) => chainOf(i))),
      sets: named(setList),
    },
    endpoints: Array.from({ length: pods }, (_, i) => ({
      pod: `pod-${i}`,
      hostInterface: `rom${i}`,
      ips: [address(i)],
    })),
  };
}

const rulesetOf = ({ policy, endpoints }: World) =>
  desiredRuleset(policy, { endpoints, failsafePorts: [22] });

/** Two namespaces whose node has a table with 10,000 pods and their policies, beside two whose node has none. */
async function onThePath(bed: Bed): Promise<Figure[]> {
  const helper = await startNativeHelper({ log: silentLog });
  bed.onDispose(() => helper.close());
  const [ours, bare] = [makePath(bed, "ours"), makePath(bed, "bare")];
  const nftables = await helper.nftables(ours.node);
  await nftables.apply(planRuleset(rulesetOf(world(PATH_PODS, POLICIES, SETS)), undefined));
  nftables.close();
  const pairs = Array.from({ length: ROUNDS }, (_, round) => {
    const first = round % 2 === 0 ? roundTrip(ours.from) : undefined;
    const peer = roundTrip(bare.from);
    return { ours: first ?? roundTrip(ours.from), peer };
  });
  return [
    {
      ...{ name: `round trip, ${PATH_PODS} pods in the table`, unit: "us" },
      value: median(pairs.map((pair) => pair.ours)),
      peer: { name: "no table", value: median(pairs.map((pair) => pair.peer)) },
      interval: pairedRatio(pairs),
      goal: { kind: "at-most", limit: 1.1, of: "ratio" },
      note: `${ROUNDS} pairs, the median of 300 echoes each; each echo's flow is known, as most packets' are`,
    },
  ];
}

/** A pod of the table (its interface has its name), a node, and somebody behind it. */
function makePath(bed: Bed, name: string): { node: string; from: string } {
  const [node, from, to] = ["node", "from", "to"].map((part) => bed.netns(`${name}-${part}`)) as [
    string,
    string,
    string,
  ];
  const ns = (path: string): string => path.split("/").at(-1) ?? "";
  execFileSync("nsenter", [`--net=${node}`, "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  for (const [end, dev, own] of [
    [from, "rom0", formatIp(address(0))],
    [to, "eth1", "192.168.9.1"],
  ] as const) {
    ip("-n", ns(node), "link", "add", dev, "type", "veth", "peer", "name", "eth0", "netns", ns(end));
    ip("-n", ns(node), "link", "set", dev, "up");
    ip("-n", ns(node), "addr", "add", "169.254.1.1/32", "dev", dev);
    ip("-n", ns(node), "route", "add", own, "dev", dev);
    ip("-n", ns(end), "addr", "add", `${own}/32`, "dev", "eth0");
    ip("-n", ns(end), "link", "set", "eth0", "up");
    ip("-n", ns(end), "route", "add", "169.254.1.1", "dev", "eth0");
    ip("-n", ns(end), "route", "add", "default", "via", "169.254.1.1");
  }
  return { node, from };
}

/** Microseconds, the median of 300 echoes. */
function roundTrip(from: string): number {
  const text = execFileSync(
    "nsenter",
    [`--net=${from}`, "ping", "-n", "-c", "300", "-i", "0.002", "192.168.9.1"],
    { encoding: "utf8" },
  );
  return median([...text.matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => 1000 * Number(ms)));
}

/** Compute and plan of a pass after one pod more, on a node with 250. */
function onePodMore(): Figure {
  const pods = 250;
  const all = world(pods, POLICIES, SETS);
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    const before = standingOf(rulesetOf({ ...all, endpoints: all.endpoints.slice(1) }));
    const start = performance.now();
    const plan = planRuleset(rulesetOf(all), before);
    times.push(performance.now() - start);
    if (plan.length === 0) throw new Error("bench: the pod makes no difference");
  }
  return {
    ...{ name: "one pod more: compute and plan", value: median(times), unit: "ms" },
    goal: { kind: "at-most", limit: 1, of: "value" },
    note: `${pods} pods, ${SETS} sets, ${POLICIES} policies on the node`,
  };
}

/** From nothing to the whole table, against the same in ipset and iptables-nft-restore. */
async function firstSync(bed: Bed): Promise<Figure> {
  const helper = await startNativeHelper({ log: silentLog });
  bed.onDispose(() => helper.close());
  const all = world(PODS, POLICIES, SETS);
  const texts = peerTexts(all);
  const pairs: { ours: number; peer: number }[] = [];
  for (let i = 0; i < BOOTS; i++) {
    const [a, b] = [bed.netns(`boot-${i}`), bed.netns(`boot-peer-${i}`)];
    const nftables = await helper.nftables(a);
    const start = performance.now();
    await nftables.observe();
    await nftables.apply(planRuleset(rulesetOf(world(PODS, POLICIES, SETS)), undefined));
    const ours = performance.now() - start;
    nftables.close();
    const begin = performance.now();
    execFileSync("nsenter", [`--net=${b}`, "ipset", "restore"], { input: texts.ipset });
    execFileSync("nsenter", [`--net=${b}`, "iptables-nft-restore"], { input: texts.iptables });
    pairs.push({ ours, peer: performance.now() - begin });
  }
  return {
    ...{ name: `first sync, ${PODS} pods, ${SETS} sets, ${POLICIES} policies`, unit: "ms" },
    value: median(pairs.map((pair) => pair.ours)),
    peer: { name: "ipset + iptables-nft", value: median(pairs.map((pair) => pair.peer)) },
    interval: pairedRatio(pairs),
    goal: { kind: "at-most", limit: 0.8, of: "ratio" },
    note: `${BOOTS} pairs; ours is for both families and with the making of the world, the peer's text is made beforehand and for IPv4`,
  };
}

/** A chain for each pod and one for each policy, as agents for iptables write them. */
function peerTexts({ policy, endpoints }: World): { ipset: string; iptables: string } {
  const sets = [...policy.sets.values()];
  const ipset = sets.flatMap(({ name, elements }) => [
    `create ${name} hash:net`,
    ...[...elements.values()].map(({ cidr }) => `add ${name} ${formatIp(cidr.ip)}`),
  ]);
  const chains = [...policy.chains.values()];
  const pods = endpoints.map(({ pod = "", ips: [own] }) => ({
    pod,
    own: own ? formatIp(own) : "",
    names: policy.pods.get(pod)?.ingress ?? [],
  }));
  const iptables = [
    "*filter",
    ...[...chains.map(({ name }) => name), ...pods.map(({ pod }) => pod)].map((name) => `:${name} - [0:0]`),
    ...chains.flatMap(({ name, rules }) =>
      rules.flatMap(({ match }) =>
        match.kind === "peers" && match.peers !== "any"
          ? match.peers.map((set) => `-A ${name} -p tcp --dport 80 -m set --match-set ${set} src -j ACCEPT`)
          : [],
      ),
    ),
    ...pods.flatMap(({ pod, own, names }) => [
      `-A FORWARD -d ${own} -j ${pod}`,
      ...names.map((name) => `-A ${pod} -j ${name}`),
      `-A ${pod} -j DROP`,
    ]),
    "COMMIT",
  ];
  return { ipset: `${ipset.join("\n")}\n`, iptables: `${iptables.join("\n")}\n` };
}

/** Interleaved ADDs of a pod that a policy selects and of one that none does. */
async function selectedAdd(bed: Bed): Promise<Figure> {
  const { core, hosts } = await startCluster(bed, 1);
  const [host] = hosts;
  if (!host) throw new Error("no host");
  const body = {
    id: "guard",
    applied_to: [{ tenant_id: "guarded" }],
    ingress: [{ peers: [{ tenant_id: "guarded" }], rules: [{ protocol: "any" }] }],
  };
  execFileSync("nsenter", [
    `--net=${core}`,
    "curl",
    "-sSf",
    "-H",
    "content-type: application/json",
    "-d",
    JSON.stringify(body),
    "http://127.0.0.1:9600/policies",
  ]);
  const add = async (tenant: string, round: number): Promise<number> => {
    const id = `${tenant}-${round}`;
    const netns = bed.netns(id);
    const { milliseconds } = await cni(host, "ADD", id, netns, `ROMANA_TENANT=${tenant}`);
    await cni(host, "DEL", id, netns);
    return milliseconds;
  };
  const pairs: { ours: number; peer: number }[] = [];
  for (let round = 0; round < ADDS; round++) {
    const first = round % 2 === 0 ? await add("guarded", round) : undefined;
    const peer = await add("free", round);
    pairs.push({ ours: first ?? (await add("guarded", round)), peer });
  }
  return {
    ...{ name: "ADD of a selected pod, median", value: median(pairs.map((pair) => pair.ours)), unit: "ms" },
    peer: { name: "unselected", value: median(pairs.map((pair) => pair.peer)) },
    interval: pairedRatio(pairs),
    goal: { kind: "at-most", limit: 1.3, of: "ratio" },
    note: `${ADDS} interleaved pairs`,
  };
}
