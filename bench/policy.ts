// Network policy on one node: what its table costs packets, what a pod that comes costs the agent, how long a boot takes against ipset and
// iptables-nft, and what an ADD costs a pod that policies select.
import { execFileSync } from "node:child_process";
import { silentLog } from "../src/base/log.ts";
import { formatIp } from "../src/core/net/ip.ts";
import { planRuleset } from "../src/core/nft/plan.ts";
import { standingOf } from "../src/core/nft/standing.ts";
import { startNativeHelper } from "../src/io/kernel/native-helper.ts";
import type { Bed } from "../test/support/bed.ts";
import { cni, startCluster } from "./cluster.ts";
import { type Bench, type Figure, median, pairedRatio } from "./figure.ts";
import { onThePath } from "./policy-path.ts";
import { rulesetOf, type World, world } from "./policy-world.ts";
import { withBed } from "./processes.ts";

const [PODS, SETS, POLICIES] = [2000, 1000, 500];
const PATH_PODS = 10_000;
const BOOTS = 5;
const ADDS = 40;

export const policyBench: Bench = {
  name: "policy",
  about: "network policy on a node: packets, one pod more, first sync, ADD",
  needsRoot: true,
  run: () =>
    withBed(async (bed) => [
      ...(await onThePath(bed, world(PATH_PODS, POLICIES, SETS))),
      onePodMore(),
      await firstSync(bed),
      await selectedAdd(bed),
    ]),
};

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
    const told = world(PODS, POLICIES, SETS);
    const start = performance.now();
    await nftables.observe();
    await nftables.apply(planRuleset(rulesetOf(told), undefined));
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
    note: `${BOOTS} pairs; IPv4; what the node was told is made beforehand, as the peer's text is`,
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
