// What each host that was asked for was told, and the difference to what it should be told now. A host holds the chains that its pods and the
// host itself go through, and the sets that these chains name; nothing else.
import type {
  Changes,
  Isolation,
  NodeDelta,
  NodeHost,
  NodePod,
  NodePolicy,
  NodeSet,
} from "../model/node-policy.ts";
import type { Direction } from "../model/policy.ts";
import { equalIp, type Ip } from "../net/ip.ts";
import { type Assignments, type ChainState, chainFor, policiesOf } from "./assignments.ts";
import { compareText } from "./canonical.ts";
import type { Member } from "./cells.ts";
import { type MemberSet, snapshotOf } from "./member-set.ts";
import type { SetSpec } from "./set-spec.ts";
import { joinSet, leaveSet, type SetWorld } from "./set-world.ts";

export type HostView = {
  host: NodeHost;
  readonly pods: Map<string, NodePod>;
  /** Ids of the policies that select each of them. */
  readonly selecting: Map<string, readonly string[]>;
  readonly chains: Map<string, ChainState>;
  /** By name. */
  readonly sets: Map<string, MemberSet>;
};

const noHost = (name: string): NodeHost => ({ name, ips: [], ingress: undefined, egress: undefined });

/** All that the index knows; `views` by host. */
export type IndexState = {
  readonly world: SetWorld;
  readonly assignments: Assignments;
  readonly views: Map<string, HostView>;
};

export function openView(index: IndexState, name: string): HostView {
  const view = {
    host: noHost(name),
    pods: new Map(),
    selecting: new Map(),
    chains: new Map(),
    sets: new Map(),
  };
  index.views.set(name, view);
  const pods = [...(index.world.byHost.get(name) ?? [])].map(({ pod }) => pod.id);
  refreshHost(index, view, pods);
  return view;
}

export function closeView({ views, world }: IndexState, name: string): void {
  const view = views.get(name);
  views.delete(name);
  for (const state of view?.chains.values() ?? []) leaveChain(state);
  for (const set of view?.sets.values() ?? []) leaveSet(world, set, name);
}

/** Brings one host up to date. `pods`: ids of those that may have changed, come or gone. */
export function refreshHost(index: IndexState, view: HostView, pods: Iterable<string>): NodeDelta {
  const { world } = index;
  const { name } = view.host;
  const hostChains = chainsOfHost(index, name);
  const host = { name, ips: world.hosts.get(name)?.ips ?? [], ...isolation(hostChains) };
  const hostDelta = equalHosts(view.host, host) ? undefined : host;
  view.host = host;
  const podDelta = refreshPods(index, view, pods);
  const chains = chainsInUse(index, view, hostChains);
  const sets = refreshSets(index, view, chains);
  const chainDelta = refreshChains(view, chains);
  return { host: hostDelta, pods: podDelta, chains: chainDelta, sets, elements: [] };
}

/** The policies of hosts are for those that are known. */
function chainsOfHost({ world, assignments }: IndexState, name: string): ChainState[] {
  if (!world.hosts.has(name)) return [];
  return [...assignments.ofHosts].map((state) => chainFor(state, undefined));
}

/** A policy that is another now, but selects whom it did, is known by its id. */
const chainsOfPod = ({ assignments }: IndexState, { selecting }: HostView, member: Member): ChainState[] =>
  (selecting.get(member.pod.id) ?? []).flatMap((id) => {
    const assigned = assignments.policies.get(id);
    return assigned ? [chainFor(assigned, member)] : [];
  });

function isolation(chains: readonly ChainState[]): Isolation {
  const namesOf = (direction: Direction): readonly string[] | undefined => {
    const own = chains.filter(({ chain }) => chain.direction === direction);
    if (own.length === 0) return undefined;
    return own.sort((a, b) => compareText(a.chain.policy, b.chain.policy)).map(({ chain }) => chain.name);
  };
  return { ingress: namesOf("ingress"), egress: namesOf("egress") };
}

function refreshPods(index: IndexState, view: HostView, ids: Iterable<string>): Changes<NodePod> {
  const put: NodePod[] = [];
  const gone: string[] = [];
  for (const id of ids) {
    const member = index.world.members.get(id);
    const before = view.pods.get(id);
    if (member?.pod.host === view.host.name) {
      const policies = policiesOf(index.assignments, member, index.world.labelsOf);
      view.selecting.set(
        id,
        policies.map(({ policy }) => policy.id),
      );
      const pod = { id, ips: member.pod.ips, ...isolation(chainsOfPod(index, view, member)) };
      if (before && equalPods(before, pod)) continue;
      view.pods.set(id, pod);
      put.push(pod);
    } else {
      view.selecting.delete(id);
      if (view.pods.delete(id)) gone.push(id);
    }
  }
  return { put, delete: gone };
}

function chainsInUse(
  index: IndexState,
  view: HostView,
  ofHost: readonly ChainState[],
): Map<string, ChainState> {
  const used = new Map(ofHost.map((state) => [state.chain.name, state]));
  for (const member of index.world.byHost.get(view.host.name) ?? [])
    for (const state of chainsOfPod(index, view, member)) used.set(state.chain.name, state);
  return used;
}

function refreshChains({ chains }: HostView, used: ReadonlyMap<string, ChainState>): NodeDelta["chains"] {
  const put = [...used.values()].filter((state) => chains.get(state.chain.name) !== state);
  const gone = [...chains.keys()].filter((name) => !used.has(name));
  for (const state of put) {
    // A chain that is replaced belonged to a policy that is gone: nobody looks at it again.
    state.users++;
    chains.set(state.chain.name, state);
  }
  for (const name of gone) {
    const state = chains.get(name);
    if (state) leaveChain(state);
    chains.delete(name);
  }
  return { put: put.map(({ chain }) => chain), delete: gone };
}

function leaveChain(state: ChainState): void {
  state.users--;
  const { chains } = state.owner;
  if (state.users === 0 && chains.get(state.key) === state) chains.delete(state.key);
}

function refreshSets(
  { world }: IndexState,
  view: HostView,
  chains: ReadonlyMap<string, ChainState>,
): Changes<NodeSet> {
  const used = new Map<string, SetSpec>();
  for (const { sets } of chains.values()) for (const [name, spec] of sets) used.set(name, spec);
  const put: NodeSet[] = [];
  for (const [name, spec] of used)
    if (!view.sets.has(name)) {
      const set = joinSet(world, name, spec, view.host.name);
      view.sets.set(name, set);
      put.push(snapshotOf(set));
    }
  const gone = [...view.sets.values()].filter(({ name }) => !used.has(name));
  for (const set of gone) {
    view.sets.delete(set.name);
    leaveSet(world, set, view.host.name);
  }
  return { put, delete: gone.map(({ name }) => name) };
}

export const nodePolicyOf = ({ host, pods, chains, sets }: HostView): NodePolicy => ({
  host,
  pods: new Map(pods),
  chains: new Map([...chains].map(([name, { chain }]) => [name, chain])),
  sets: new Map([...sets].map(([name, set]) => [name, snapshotOf(set)])),
});

const equalHosts = (a: NodeHost, b: NodeHost): boolean => equalEnds(a, b);
const equalPods = (a: NodePod, b: NodePod): boolean => equalEnds(a, b);

function equalEnds(a: Isolation & { ips: readonly Ip[] }, b: Isolation & { ips: readonly Ip[] }): boolean {
  return (
    equalLists(a.ips, b.ips, equalIp) &&
    equalLists(a.ingress, b.ingress, Object.is) &&
    equalLists(a.egress, b.egress, Object.is)
  );
}

function equalLists<T>(
  a: readonly T[] | undefined,
  b: readonly T[] | undefined,
  equal: (x: T, y: T) => boolean,
): boolean {
  if (!a || !b) return a === b;
  return a.length === b.length && a.every((each, i) => equal(each, b[i] as T));
}
