// The law of enforcement: real packets, sent by hand through the real tables of three nodes, come through just where the specification
// says so. TCP, UDP, SCTP, ICMP and a protocol without ports; both families; pods of one node and of several, hosts, the world outside.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { Bed } from "../../../test/support/bed.ts";
import { craft } from "../../../test/support/policy/craft.ts";
import type { Cluster, PodJson } from "../../../test/support/policy/oracle.ts";
import { OUTSIDE, type ProbeNet, startProbeNet } from "../../../test/support/policy/probe-net.ts";
import { romanaPolicies } from "../../../test/support/policy/romana.ts";
import { corePacket, coreWorld } from "../../../test/support/policy/to-core.ts";
import { clusters, NODE_LIST, OUTSIDE_IPS, packetsOf, SLOTS } from "../../../test/support/policy/worlds.ts";
import type { NodePolicy } from "../model/node-policy.ts";
import { parseIp } from "../net/ip.ts";
import { evaluate } from "../policy/evaluate.ts";
import { parsePolicies } from "../policy/parse-policies.ts";
import { createPolicyIndex, type WorldChange } from "../policy/policy-index.ts";
import { desiredRuleset } from "./node-ruleset.ts";

const CASES = 30;
const PACKETS = 60;
const options = { failsafePorts: [6443] };
const nodes = NODE_LIST.map(({ name }) => name);
const pods = SLOTS.map((slot) => `pod${slot}`);

const bed = new Bed("source");
after(() => bed.dispose());

const hostRoute = (ip: string, dev: string): string =>
  `route replace ${ip}/${ip.includes(":") ? 128 : 32} dev ${dev}`;
const ipsOnLo = (ips: readonly string[]): string[] => [
  "link set lo up",
  ...ips.map((ip) => `addr add ${ip} dev lo`),
];

function prepared(): ProbeNet {
  const net = startProbeNet(bed, nodes, pods);
  net.ip(OUTSIDE, [
    ...ipsOnLo(OUTSIDE_IPS),
    ...NODE_LIST.flatMap(({ name, ips }) => ips.map((ip) => hostRoute(ip, name))),
  ]);
  for (const { name, ips } of NODE_LIST) net.ip(name, ipsOnLo(ips));
  for (const slot of SLOTS) net.ip(`pod${slot}`, ipsOnLo([`10.0.0.${slot}`, `fd00::${slot.toString(16)}`]));
  return net;
}

const ownPods = ({ pods }: Cluster): PodJson[] => pods.filter(({ hostNetwork }) => !hostNetwork);

/** Every pod to its node, and the world's routes to them. */
function attach(net: ProbeNet, cluster: Cluster): void {
  const attached = ownPods(cluster);
  net.ip(
    OUTSIDE,
    attached.flatMap(({ ips, node }) => ips.map((ip) => hostRoute(ip, node))),
  );
  for (const node of nodes)
    net.ip(
      node,
      attached.flatMap((pod) =>
        pod.ips.map((ip) => hostRoute(ip, pod.node === node ? `rom${pod.name}` : "eth0")),
      ),
    );
  for (const { name, node } of attached)
    net.ip(name, [`route replace 0.0.0.0/0 dev ${node}`, `route replace ::/0 dev ${node}`]);
}

function nodePolicies(
  cluster: Cluster,
  romana: readonly object[],
): { world: ReturnType<typeof coreWorld>; policies: NodePolicy[] } {
  const parsed = parsePolicies(romana);
  const world = coreWorld(cluster, parsed.kind === "valid" ? parsed.policies : []);
  const index = createPolicyIndex();
  index.apply([
    ...[...world.policies.values()].map((policy): WorldChange => ({ kind: "put-policy", policy })),
    ...[...world.tenants.values()].map((tenant): WorldChange => ({ kind: "put-tenant", tenant })),
    ...[...world.pods.values()].map((pod): WorldChange => ({ kind: "put-pod", pod })),
    ...[...world.hosts.values()].map((host): WorldChange => ({ kind: "put-host", host })),
  ]);
  return { world, policies: nodes.map((name) => index.nodePolicy(name)) };
}

function load(net: ProbeNet, cluster: Cluster, policies: readonly NodePolicy[]): void {
  for (const policy of policies) {
    const endpoints = ownPods(cluster)
      .filter(({ node }) => node === policy.host.name)
      .map(({ namespace, name, ips }) => ({
        pod: `${namespace}/${name}`,
        hostInterface: `rom${name}`,
        ips: ips.map((ip) => parseIp(ip)),
      }));
    net.load(policy.host.name, desiredRuleset(policy, { endpoints, families: [], ...options }));
  }
}

/** The namespace that has an address. */
function placeOf(cluster: Cluster, ip: string): string {
  const pod = ownPods(cluster).find(({ ips }) => ips.includes(ip));
  return pod?.name ?? NODE_LIST.find(({ ips }) => ips.includes(ip))?.name ?? OUTSIDE;
}

const cases = fc.record({ cluster: clusters, romana: romanaPolicies }).chain(({ cluster, romana }) =>
  fc.record({
    ...{ cluster: fc.constant(cluster), romana: fc.constant(romana) },
    packets: fc.array(packetsOf(cluster), { minLength: PACKETS, maxLength: PACKETS }),
  }),
);

test("packets come through the tables of the nodes where the specification lets them, and nowhere else", async () => {
  const net = prepared();
  const seen = new Map<string, number>();
  let token = 0;
  for (const { cluster, romana, packets } of fc.sample(cases, { numRuns: CASES, seed: 6 })) {
    attach(net, cluster);
    const { world, policies } = nodePolicies(cluster, romana);
    load(net, cluster, policies);
    const sent = packets.map((json) => ({ json, token: ++token, packet: corePacket(json) }));
    const crafted = sent.map((each) => ({ ...each, ...craft(each.packet, each.token) }));
    const arrivals = await net.send(
      crafted.map(({ json, bytes }) => ({ from: placeOf(cluster, json.from), bytes })),
    );
    const came = new Set(arrivals.map(({ at, protocol, token }) => `${at} ${protocol} ${token}`));
    for (const { json, packet, protocol, token } of crafted) {
      const { allowed } = evaluate(world, packet, options);
      const key = `${json.protocol} ${json.from.includes(":") ? 6 : 4} ${allowed ? "allowed" : "denied"}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
      assert.equal(
        came.has(`${placeOf(cluster, json.to)} ${protocol} ${token}`),
        allowed,
        JSON.stringify({ json, cluster, romana }),
      );
    }
  }
  for (const protocol of ["TCP", "UDP", "SCTP", "ICMP", "GRE"])
    for (const rest of ["4 allowed", "4 denied", "6 allowed", "6 denied"])
      assert.ok(
        (seen.get(`${protocol} ${rest}`) ?? 0) >= 5,
        `${protocol} ${rest}: ${seen.get(`${protocol} ${rest}`)}`,
      );
});
