// Makes the planned underlay out of network namespaces. Never touches a namespace, link or address that is not the lab's own.
import { UnavailableError } from "../../base/errors.ts";
import { formatCidr } from "../../core/net/cidr.ts";
import { formatIp } from "../../core/net/ip.ts";
import type { CommandResult, NativeHelper } from "../../io/kernel/kernel.ts";
import { allOf } from "../../base/all-of.ts";
import type { FabricEnd, FabricNode, FabricPlan } from "./plan-fabric.ts";

/** Runs a program, in a network namespace if told, with a deadline in milliseconds; through the native helper. */
export type Run = (
  argv: readonly string[],
  options?: { readonly netns?: string; readonly stdin?: string; readonly timeout?: number },
) => Promise<CommandResult>;
export const runOf =
  (helper: NativeHelper): Run =>
  (argv, options) =>
    helper.run(argv, options);

export type FabricDeps = {
  readonly run: Run;
  /** Name of the namespace of a node. */
  readonly namespace: (node: string) => string;
};

export const netnsPath = (namespace: string): string => `/run/netns/${namespace}`;

/** Namespaces, links, bridges, addresses, underlay routes. UnavailableError `LAB_COMMAND` with what the tool said. */
export async function buildFabric(plan: FabricPlan, deps: FabricDeps): Promise<void> {
  await addNamespaces(
    plan.nodes.map(({ name }) => deps.namespace(name)),
    deps.run,
  );
  await allOf(plan.nodes, (node) => setSysctls(node, deps));
  const links = plan.links.map(
    ([a, b]) => `link add ${endText(a, deps, "name")} type veth peer ${endText(b, deps, "name")}`,
  );
  await batch(deps.run, links);
  await allOf(plan.nodes, (node) =>
    batch(deps.run, nodeCommands(node, portsOf(plan, node)), deps.namespace(node.name)),
  );
}

/** Empty namespaces with their loopback up. */
export async function addNamespaces(namespaces: readonly string[], run: Run): Promise<void> {
  await batch(
    run,
    namespaces.map((name) => `netns add ${name}`),
  );
  await allOf(namespaces, (name) => batch(run, ["link set lo up"], name));
}

const endText = (end: FabricEnd, { namespace }: FabricDeps, word: string): string =>
  `${word} ${end.ifname} netns ${namespace(end.node)}`;

const portsOf = (plan: FabricPlan, node: FabricNode): FabricEnd[] =>
  plan.links.flat().filter((end) => end.node === node.name);

function nodeCommands(node: FabricNode, ends: readonly FabricEnd[]): string[] {
  const bridge =
    node.bridge === undefined ? [] : [`link add ${node.bridge} type bridge`, `link set ${node.bridge} up`];
  const links = ends.map(
    ({ ifname, master }) => `link set ${ifname}${master === undefined ? "" : ` master ${master}`} up`,
  );
  const addresses = node.addresses.map(
    // Without duplicate address detection an IPv6 address works at once instead of after a second.
    ({ ifname, ip, length }) =>
      `address add ${formatIp(ip)}/${length} dev ${ifname}${ip.family === 6 ? " nodad" : ""}`,
  );
  const routes = node.routes.map(({ dst, via }) => `route add ${formatCidr(dst)} via ${formatIp(via)}`);
  return [...bridge, ...links, ...addresses, ...routes];
}

/** Before any link is there, so that links take the defaults. Hosts are left to their agents but for what makes hops visible. */
async function setSysctls(node: FabricNode, { run, namespace }: FabricDeps): Promise<void> {
  const forwards = node.role === "tor" || node.role === "spine";
  const settings: Record<string, string> = {
    "ipv6/conf/all/accept_dad": "0",
    "ipv6/conf/default/accept_dad": "0",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    // Traceroute shows every hop, with the address that the packet came in on.
    "ipv4/icmp_ratelimit": "0",
    "ipv6/icmp/ratelimit": "0",
    "ipv4/icmp_errors_use_inbound_ifaddr": "1",
    ...(forwards ? { "ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1" } : {}),
  };
  const script = Object.entries(settings).map(([file, value]) => `echo ${value} >/proc/sys/net/${file}`);
  await checked(run, ["sh", "-c", script.join("\n")], { netns: netnsPath(namespace(node.name)) });
}

/** `ip -batch` with these lines, in the namespace if given. */
export async function batch(run: Run, lines: readonly string[], namespace?: string): Promise<void> {
  if (lines.length === 0) return;
  const where = namespace === undefined ? {} : { netns: netnsPath(namespace) };
  await checked(run, ["ip", "-batch", "-"], { ...where, stdin: `${lines.join("\n")}\n` });
}

/** Runs and insists on exit code 0. UnavailableError `LAB_COMMAND`. */
export async function checked(
  run: Run,
  argv: readonly string[],
  options: Parameters<Run>[1] = {},
): Promise<CommandResult> {
  const result = await run(argv, options);
  if (result.code === 0) return result;
  throw new UnavailableError({
    code: "LAB_COMMAND",
    message: `${argv.join(" ").slice(0, 200)} in ${options.netns ?? "own namespace"} ended with ${result.code}: ${result.stderr.trim().slice(0, 400)}`,
    argv,
  });
}
