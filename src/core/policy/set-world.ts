// Pods, blocks, tenants and hosts, and the sets that are open over them, kept right change by change. A change is worked out
// only for the sets that it may concern, and for these only on the cells and pods that it touches: what they gave before is
// taken out, what they give now is put in.
import { type Cidr, formatCidr, hostCidr } from "../net/cidr.ts";
import type { Labels, PolicyBlock, PolicyHost, PolicyPod, PolicyTenant } from "../model/policy.ts";
import {
  allCells,
  blockCell,
  type Cell,
  type Cells,
  cellsOf,
  createCells,
  deleteBlockCell,
  type Keyed,
  looseInside,
  type Member,
  memberOf,
  isOwner,
  ownerOf,
  putBlockCell,
  settle,
  unsettle,
} from "./cells.ts";
import {
  createMemberSet,
  fillSet,
  given,
  type MemberSet,
  type Reach,
  replaceElements,
  type Scope,
  setKey,
} from "./member-set.ts";
import { addTo, type MultiMap, removeFrom } from "./multi-map.ts";
import { type LabelsOf, selectsTenant } from "./select.ts";
import type { SetSpec } from "./set-spec.ts";
import { triggerIndex, type TriggerIndex, triggersOf } from "./triggers.ts";

/** Everybody a set may hold, and the open sets. */
export type SetWorld = {
  /** By id: those with an address of their own. */
  readonly members: Map<string, Member>;
  readonly byTenant: MultiMap<Member>;
  readonly byHost: MultiMap<Member>;
  readonly cells: Cells;
  readonly blocksByTenant: MultiMap<Cell>;
  readonly blocksByHost: MultiMap<Cell>;
  readonly tenants: Map<string, Labels>;
  readonly hosts: Map<string, PolicyHost>;
  /** The open sets by key. */
  readonly sets: Map<string, MemberSet>;
  readonly index: TriggerIndex<MemberSet>;
  /** Sets that may have a change to take. */
  readonly changed: Set<MemberSet>;
  readonly labelsOf: LabelsOf;
};

export function createSetWorld(): SetWorld {
  const tenants = new Map<string, Labels>();
  return {
    ...{ members: new Map(), byTenant: new Map(), byHost: new Map(), cells: createCells() },
    ...{ blocksByTenant: new Map(), blocksByHost: new Map(), tenants, hosts: new Map() },
    ...{ sets: new Map(), index: triggerIndex(), changed: new Set() },
    labelsOf: (tenant) => tenants.get(tenant) ?? {},
  };
}

/** `undefined`: the pod is gone. */
export function changePod(world: SetWorld, id: string, pod: PolicyPod | undefined): void {
  const { members, cells, labelsOf } = world;
  const before = members.get(id);
  const after = pod && !pod.hostNetwork ? memberOf(pod) : undefined;
  const touched = [before, after].filter((member) => member !== undefined);
  const touchedCells = (): Cell[] => [...new Set(touched.flatMap((member) => cellsOf(cells, member)))];
  const owners = touchedCells().flatMap(({ block }) => (block ? [block.owner] : []));
  const sets = find(world, [...touched.map((member) => member.pod), ...owners], labelsOf);
  update(world, sets, { cells: touchedCells(), members: before ? [before] : [] }, () => {
    if (before) removeMember(world, before);
    if (after) addMember(world, after);
    return { cells: touchedCells(), members: after ? [after] : [] };
  });
}

function removeMember({ members, byTenant, byHost, cells }: SetWorld, member: Member): void {
  const { id, tenant, host } = member.pod;
  members.delete(id);
  unsettle(cells, member);
  removeFrom(byTenant, tenant, member);
  removeFrom(byHost, host, member);
}

function addMember({ members, byTenant, byHost, cells }: SetWorld, member: Member): void {
  const { id, tenant, host } = member.pod;
  members.set(id, member);
  settle(cells, member);
  addTo(byTenant, tenant, member);
  addTo(byHost, host, member);
}

/** `undefined`: nobody tells of the tenant any more; it may have pods all the same, and has no labels. */
export function changeTenant(world: SetWorld, name: string, tenant: PolicyTenant | undefined): void {
  const { tenants, labelsOf } = world;
  const labels = tenant?.labels;
  const after: LabelsOf = () => labels ?? {};
  const flips = [...world.sets.values()].filter(
    ({ membership }) =>
      membership.kind !== "none" &&
      membership.tenants.some(
        (each) => selectsTenant(each, name, labelsOf) !== selectsTenant(each, name, after),
      ),
  );
  const scope = tenantScope(world, [name]);
  update(world, new Set(flips), scope, () => {
    if (labels) tenants.set(name, labels);
    else tenants.delete(name);
    return scope;
  });
}

export function putBlock(world: SetWorld, block: PolicyBlock): void {
  const { cells, labelsOf } = world;
  const before = blockCell(cells, block.cidr);
  // Every allocation in a block puts it again.
  if (before?.block && isOwner(before.block.owner, block)) return;
  const owners = [ownerOf(block), ...(before?.block ? [before.block.owner] : [])];
  const scope = { cells: before ? [before] : looseInside(cells, block.cidr), members: [] };
  update(world, find(world, owners, labelsOf), scope, () => {
    if (before) forgetBlock(world, before);
    const cell = putBlockCell(cells, block);
    addTo(world.blocksByTenant, block.tenant, cell);
    addTo(world.blocksByHost, block.host, cell);
    return { cells: [cell], members: [] };
  });
}

export function deleteBlock(world: SetWorld, cidr: Cidr): void {
  const { cells, labelsOf } = world;
  const cell = blockCell(cells, cidr);
  if (!cell?.block) return;
  update(world, find(world, [cell.block.owner], labelsOf), { cells: [cell], members: [] }, () => {
    forgetBlock(world, cell);
    deleteBlockCell(cells, cidr);
    return { cells: looseInside(cells, cidr), members: [] };
  });
}

function forgetBlock({ blocksByTenant, blocksByHost }: SetWorld, cell: Cell): void {
  if (!cell.block) return;
  removeFrom(blocksByTenant, cell.block.owner.tenant, cell);
  removeFrom(blocksByHost, cell.block.owner.host, cell);
}

/** `undefined`: the host is gone. */
export function changeHost(world: SetWorld, name: string, host: PolicyHost | undefined): void {
  const before = addressesOf(world.hosts.get(name));
  if (host) world.hosts.set(name, host);
  else world.hosts.delete(name);
  for (const set of world.sets.values())
    if (set.spec.kind === "hosts") {
      replaceElements(set, before, addressesOf(host));
      world.changed.add(set);
    }
}

const keyed = (cidr: Cidr): Keyed => ({ key: formatCidr(cidr), element: { cidr } });
const addressesOf = (host: PolicyHost | undefined): Keyed[] =>
  (host?.ips ?? []).map((ip) => keyed(hostCidr(ip)));

/** The set, for one more host; made with everybody that is in it, if it is not open yet. */
export function joinSet(world: SetWorld, name: string, spec: SetSpec, host: string): MemberSet {
  const set = world.sets.get(setKey(name, spec, host)) ?? openSet(world, name, spec, host);
  set.users.add(host);
  return set;
}

function openSet(world: SetWorld, name: string, spec: SetSpec, host: string): MemberSet {
  const set = createMemberSet(name, spec, host, world.labelsOf);
  world.sets.set(set.key, set);
  if (set.membership.kind !== "none") world.index.add(set.membership.triggers, set);
  fillSet(set, initialElements(world, set));
  return set;
}

/** The last host that leaves closes it. */
export function leaveSet({ sets, index, changed }: SetWorld, set: MemberSet, host: string): void {
  set.users.delete(host);
  if (set.users.size > 0) return;
  sets.delete(set.key);
  changed.delete(set);
  if (set.membership.kind !== "none") index.delete(set.membership.triggers, set);
}

function initialElements(world: SetWorld, set: MemberSet): Keyed[] {
  const { membership, spec } = set;
  if (membership.kind !== "none") return given(set, reachOf(world, membership));
  if (spec.kind === "hosts") return [...world.hosts.values()].flatMap(addressesOf);
  return spec.kind === "cidrs" ? spec.cidrs.map(keyed) : [];
}

/** All cells and pods that may give something to a set. */
function reachOf(world: SetWorld, { within, tenants }: Reach): Scope {
  const { byTenant, byHost, blocksByTenant, blocksByHost, labelsOf } = world;
  if (within === "all") return wholeScope(world);
  if (within !== "tenants")
    return scopeOf(world, [byHost.get(within.host) ?? []], [blocksByHost.get(within.host) ?? []]);
  const names = [...new Set([...byTenant.keys(), ...blocksByTenant.keys()])];
  const meant = names.filter((name) => tenants.some((each) => selectsTenant(each, name, labelsOf)));
  return meant.length === names.length ? wholeScope(world) : tenantScope(world, meant);
}

const wholeScope = ({ members, cells }: SetWorld): Scope => ({
  members: members.values(),
  cells: lazily(() => [...allCells(cells)]),
});

const tenantScope = (world: SetWorld, names: readonly string[]): Scope =>
  scopeOf(
    world,
    names.map((name) => world.byTenant.get(name) ?? []),
    names.map((name) => world.blocksByTenant.get(name) ?? []),
  );

/** These members and blocks, and the cells elsewhere where the members have addresses. Loops, as there may be very many. */
function scopeOf(
  { cells }: SetWorld,
  members: readonly Iterable<Member>[],
  blocks: readonly Iterable<Cell>[],
): Scope {
  const makeCells = (): Set<Cell> => {
    const own = new Set<Cell>();
    for (const list of blocks) for (const cell of list) own.add(cell);
    for (const list of members)
      for (const member of list) for (const cell of cellsOf(cells, member)) own.add(cell);
    return own;
  };
  return { members: lazily(() => members.flatMap((list) => [...list])), cells: lazily(makeCells) };
}

/** Worked out when first asked for: many a set needs only the pods. */
function lazily<T>(make: () => Iterable<T>): Iterable<T> {
  let made: Iterable<T> | undefined;
  return { [Symbol.iterator]: () => (made ??= make())[Symbol.iterator]() };
}

type Looked = Parameters<typeof triggersOf>[0];

function find({ index }: SetWorld, ends: readonly Looked[], labelsOf: LabelsOf): Set<MemberSet> {
  const triggers = new Set(ends.flatMap((end) => [...triggersOf(end, labelsOf)]));
  return index.find(triggers);
}

function update(
  { changed }: SetWorld,
  sets: ReadonlySet<MemberSet>,
  before: Scope,
  change: () => Scope,
): void {
  const were = [...sets].map((set) => given(set, before));
  const after = change();
  [...sets].forEach((set, i) => {
    replaceElements(set, were[i] ?? [], given(set, after));
    changed.add(set);
  });
}
