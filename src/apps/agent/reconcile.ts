// Compute, observe, plan, apply: the one writer of this node's rules and routes. What it applied it remembers, so that a change of the
// mirror costs no look at the kernel; what the kernel tells of others' doings makes it look again.
import type { Mirror } from "../../core/desired/mirror.ts";
import { desiredNodeRoutes, desiredRules, type Pod } from "../../core/desired/node-routes.ts";
import { type NodeDesired, planNode } from "../../core/desired/plan-node.ts";
import { blockedKeys } from "../../core/desired/plan-routes.ts";
import {
  byKey,
  isOurs,
  type Keys,
  type RouteKey,
  routeKey,
  type RoutesByKey,
} from "../../core/desired/route-table.ts";
import { parseIp } from "../../core/net/ip.ts";
import type { Change, Notification, Route } from "../../core/netlink/types.ts";
import type { ChangeResult, Kernel } from "../../io/kernel/kernel.ts";
import { podMacOf } from "./cni/attach.ts";
import { concerns } from "./concerns.ts";
import { describeChange } from "./describe-change.ts";
import type { AgentEndpoint, Endpoints } from "./endpoints.ts";
import { observe, type Observation, subnetsOf } from "./observe.ts";
import { describeSetting, writeSettings } from "./settings.ts";

export type ReconcilerOptions = {
  readonly hostname: string;
  readonly table: number;
  readonly multihop: boolean;
};
export type ReconcilerDeps = {
  readonly kernel: Kernel;
  readonly mirror: Mirror;
  readonly endpoints: Endpoints;
};

/** What the kernel did not take: a command, and its reason. */
export type Refusal = { readonly change: string; readonly code: string; readonly message: string };
export type SyncResult = {
  /** The kernel before. */
  readonly now: Observation;
  readonly changes: readonly Change[];
  /** The next sync looks at the kernel again. */
  readonly refused: readonly Refusal[];
  /** Routes of ours in the kernel. */
  readonly routes: number;
  /** Wanted routes in whose place somebody else's stand. */
  readonly blocked: number;
};

export interface Reconciler {
  /** The next sync looks at the kernel first. */
  forget(): void;
  /** Whether a notification is about what is not as we left it. */
  concerns(notification: Notification): boolean;
  /** What is known of the kernel; looks if that was forgotten. */
  observation(): Promise<Observation>;
  /** What would be changed now, as commands for a shell. */
  describePlan(): Promise<string[]>;
  /** Throws what the kernel's adapter throws; call `forget` before the next then. */
  sync(): Promise<SyncResult>;
}

/** What is held to be true. */
type State = {
  observed: Observation | undefined;
  /** `heard` when the observation was begun: an older one is stale. */
  observedAt: number;
  /** Counts what was heard that contradicts. */
  heard: number;
  /** Routes that should be ours, by key. */
  wanted: RoutesByKey;
  /** Keys of those that are not: their place is somebody else's, or the kernel refused them. */
  missing: ReadonlySet<RouteKey>;
};
type Context = ReconcilerOptions & ReconcilerDeps & { readonly state: State };

export function createReconciler(options: ReconcilerOptions, deps: ReconcilerDeps): Reconciler {
  const state = {
    observed: undefined,
    observedAt: -1,
    heard: 0,
    wanted: new Map(),
    missing: new Set<RouteKey>(),
  };
  const context: Context = { ...options, ...deps, state };
  return {
    forget: () => void context.state.heard++,
    concerns: (notification) => isNews(notification, context),
    observation: () => look(context),
    describePlan: async () => {
      const { now, changes } = await prepare(context);
      return [
        ...now.settings.map(describeSetting),
        ...changes.map((change) => describeChange(change, now.links)),
      ];
    },
    sync: () => sync(context),
  };
}

function isNews(notification: Notification, { state, table, endpoints }: Context): boolean {
  const { observed, wanted } = state;
  const isPod = (index: number): boolean => endpoints.alive().some(({ hostIndex }) => hostIndex === index);
  // While a look is under way nobody knows on which side of it the notification lies.
  return !isFresh(state) || !observed || concerns(notification, { table, observed, routes: wanted, isPod });
}

const isFresh = ({ observedAt, heard }: State): boolean => observedAt === heard;

async function look({ state, kernel, table, endpoints }: Context): Promise<Observation> {
  if (state.observed && isFresh(state)) return state.observed;
  const at = state.heard;
  // An endpoint is known only once its pair is there, so those known before the links were read must be among them.
  const known = endpoints.alive();
  const observed = await observe(kernel, table);
  const there = new Set(observed.links.map(({ index }) => index));
  for (const { hostIndex } of known) if (!there.has(hostIndex)) endpoints.leaveLink(hostIndex);
  state.observed = observed;
  state.observedAt = at;
  return observed;
}

type Prepared = {
  readonly now: Observation;
  readonly desired: NodeDesired;
  readonly changes: readonly Change[];
};

async function prepare(context: Context): Promise<Prepared> {
  const now = await look(context);
  const { mirror, endpoints, hostname, table, multihop } = context;
  const pods = endpoints.alive().flatMap(podsOf);
  const gateways = multihop ? { gateways: now.gateways } : {};
  const node = { name: hostname, table, subnets: subnetsOf(now), pods, ...gateways };
  const routes = byKey(desiredNodeRoutes(mirror.snapshot, node));
  const desired = { rules: desiredRules(table, now.families), routes, pods };
  const changes = planNode(desired, now, placedOf(context.state));
  // Nothing is removed before the mirror is whole.
  const allowed = mirror.synced ? changes : changes.filter(({ kind }) => !kind.endsWith("-delete"));
  return { now, desired, changes: allowed };
}

const podsOf = ({ ips, hostIndex, hostInterface }: AgentEndpoint): Pod[] =>
  ips.map((ip) => ({
    ip: parseIp(ip),
    index: hostIndex,
    // Seldom asked for, and not for nothing.
    get mac() {
      return podMacOf(hostInterface);
    },
  }));

const placedOf = ({ wanted, missing }: State): Keys => ({
  has: (key) => wanted.has(key) && !missing.has(key),
});

async function sync(context: Context): Promise<SyncResult> {
  const { state, kernel, mirror } = context;
  const { now, desired, changes } = await prepare(context);
  const wanted = desired.routes;
  const blocked = blockedKeys(wanted, now.table, placedOf(state));
  // Believed before it is done: the echoes come at once.
  state.wanted = wanted;
  state.missing = blocked;
  const unset = await writeSettings(kernel, now.settings);
  const refused = refusals(changes, await kernel.apply(changes));
  state.missing = new Set([...blocked, ...refused.flatMap(({ change }) => keysOf(change))]);
  const isWhole = mirror.synced && unset.length + refused.length === 0;
  if (!isWhole || changes.some(({ kind }) => kind === "link-up")) state.heard++;
  else state.observed = { ...now, ...after(now, desired, state.missing), settings: [] };
  return {
    now,
    changes,
    refused: [
      ...unset.map(({ setting, ...why }) => ({ change: describeSetting(setting), ...why })),
      ...refused.map(({ change, ...why }) => ({ change: describeChange(change, now.links), ...why })),
    ],
    routes: wanted.size - state.missing.size,
    blocked: blocked.size,
  };
}

/** What the kernel holds when all changes are done. Of the same objects as what is wanted, so that there are not two of each. */
function after(
  { rules, table }: Observation,
  { routes, rules: wantedRules }: NodeDesired,
  missing: ReadonlySet<RouteKey>,
): Pick<Observation, "rules" | "table"> {
  const isThere = ([key]: [RouteKey, Route]): boolean => !missing.has(key);
  const ours = missing.size === 0 ? routes : new Map([...routes].filter(isThere));
  // One that stood where ours is now was replaced; one beside ours is still there.
  const isLeft = ([key]: [RouteKey, Route]): boolean => !ours.has(key) || table.ours.has(key);
  const foreign = new Map([...table.foreign].filter(isLeft));
  return { rules: [...rules.filter((rule) => !isOurs(rule)), ...wantedRules], table: { ours, foreign } };
}

const keysOf = (change: Change): RouteKey[] => ("route" in change ? [routeKey(change.route)] : []);

type Refused = { readonly change: Change; readonly code: string; readonly message: string };

/** A device or gateway may have gone meanwhile. Removing what is gone is done. */
function refusals(changes: readonly Change[], results: readonly ChangeResult[]): Refused[] {
  return changes.flatMap((change, i) => {
    const result = results[i];
    if (result?.kind !== "failed") return [];
    const isGone = change.kind.endsWith("-delete") && ["ESRCH", "ENOENT", "ENODEV"].includes(result.code);
    return isGone ? [] : [{ change, code: result.code, message: result.message }];
  });
}
