// TCP throughput between two pods across racks, against two namespaces on the same hosts that are routed by hand. Removes what
// it made.
import { type Clock, Milliseconds } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import { formatIp } from "../../../core/net/ip.ts";
import { addNamespaces, batch, checked } from "../fabric.ts";
import type { Lab } from "../lab.ts";
import { namespaceOf, removeNamespaces } from "../namespaces.ts";
import { addressIn } from "../pools.ts";
import type { HostState, RouterState } from "../state.ts";
import { farPod } from "./probes.ts";

/** Gbit/s of one TCP stream. */
export type Throughput = {
  readonly from: string;
  readonly to: string;
  readonly pods: number;
  readonly plain: number;
};

const SECONDS = 2;

/** `undefined` where the lab has only one host. */
export async function measureThroughput(lab: Lab, clock: Clock): Promise<Throughput | undefined> {
  const [from, to] = [lab.state.pods[0], farPod(lab)];
  const ends = [lab.state.hosts[0], lab.state.hosts.at(-1)];
  const [a, b] = ends;
  const target = to?.ips[0];
  if (!from || !to || target === undefined || !a || !b || a === b) return undefined;
  const plainTarget = await routeByHand(lab, a, b);
  try {
    const plain = await stream(lab, "plain-1", "plain-2", plainTarget, clock);
    const pods = await stream(lab, from.name, to.name, target, clock);
    return { from: from.name, to: to.name, pods, plain };
  } finally {
    await undoByHand(lab, [a, b], clock);
  }
}

/** Two namespaces with an address each, host routes on the way. Answers the second's address. */
async function routeByHand(lab: Lab, a: HostState, b: HostState): Promise<string> {
  const { run } = lab;
  const name = (node: string): string => namespaceOf(lab.state.id, node);
  const plains = ["plain-1", "plain-2"];
  await addNamespaces(plains.map(name), run);
  for (const [i, host] of [a, b].entries()) {
    const plain = plains[i] ?? "";
    const ip = plainIp(lab, i);
    await batch(run, [
      `link add plain0 netns ${name(host.name)} type veth peer name eth0 netns ${name(plain)}`,
    ]);
    await batch(
      run,
      ["link set plain0 up", "address add 169.254.77.1/32 dev plain0", `route add ${ip}/32 dev plain0`],
      name(host.name),
    );
    await batch(
      run,
      [
        "link set eth0 up",
        `address add ${ip}/32 dev eth0`,
        "route add 169.254.77.1 dev eth0",
        "route add default via 169.254.77.1",
      ],
      name(plain),
    );
    for (const { router, via } of wayTo(lab, host))
      await batch(run, [`route replace ${ip}/32 via ${via}`], name(router));
  }
  return plainIp(lab, 1);
}

const plainIp = (lab: Lab, index: number): string => {
  const subnet = lab.plan.spare[0];
  return subnet ? formatIp(addressIn(subnet, BigInt(index) + 1n)) : "";
};

/** The next hop of every router that needs to know: the host's top-of-rack router, and all spines. */
function wayTo({ state }: Lab, host: HostState): { router: string; via: string }[] {
  const isAbove = (group: string): boolean => host.group === group || host.group.startsWith(`${group}/`);
  const first = (ips: readonly string[]): string => ips.find((ip) => !ip.includes(":")) ?? "";
  return state.routers.flatMap((router: RouterState) => {
    if (router.role === "tor")
      return isAbove(router.owns[0] ?? "-") ? [{ router: router.name, via: first(host.ips) }] : [];
    const hop = router.hops.find(({ group }) => isAbove(group));
    return hop ? [{ router: router.name, via: first(hop.via) }] : [];
  });
}

async function undoByHand(lab: Lab, hosts: readonly HostState[], clock: Clock): Promise<void> {
  const { run } = lab;
  const name = (node: string): string => namespaceOf(lab.state.id, node);
  await removeNamespaces([name("plain-1"), name("plain-2")], { run, clock });
  for (const [i, host] of hosts.entries())
    for (const { router } of wayTo(lab, host))
      await batch(run, [`route delete ${plainIp(lab, i)}/32`], name(router));
}

/** Gbit/s that the server received. */
async function stream(lab: Lab, from: string, to: string, ip: string, clock: Clock): Promise<number> {
  const { run } = lab;
  const server = run(["iperf3", "-s", "-1"], { netns: lab.netns(to), timeout: 15_000 });
  for (let tries = 0; tries < 50; tries++) {
    const { stdout } = await run(["ss", "-Hltn", "sport = :5201"], { netns: lab.netns(to) });
    if (stdout !== "") break;
    await clock.sleep(Milliseconds(20));
  }
  const argv = ["iperf3", "-c", ip, "-t", String(SECONDS), "-J"];
  const { stdout } = await checked(run, argv, { netns: lab.netns(from), timeout: 10_000 });
  await server;
  const result = JSON.parse(stdout) as { end?: { sum_received?: { bits_per_second?: number } } };
  const bits = result.end?.sum_received?.bits_per_second;
  if (bits === undefined)
    throw new UnavailableError({ code: "LAB_IPERF", from, to, found: stdout.slice(0, 200) });
  return bits / 1e9;
}
