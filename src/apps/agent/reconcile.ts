// Compute, observe, plan, apply: the one writer of this node's rules and routes. What it applied it remembers, so a change of the mirror
// costs no dump; what the kernel tells of others' doings makes it observe again.
import type { Log } from "../../base/log.ts";
import type { Mirror } from "../../core/desired/mirror.ts";
import { desiredNodeRoutes, desiredRules } from "../../core/desired/node-routes.ts";
import { equalRoutes, planRoutes, planRules } from "../../core/desired/plan-routes.ts";
import { formatCidr } from "../../core/net/cidr.ts";
import { formatIp, parseIp } from "../../core/net/ip.ts";
import { type Change, type Notification, ROMANA_PROTOCOL, type Route } from "../../core/netlink/types.ts";
import type { ChangeResult, Kernel } from "../../io/kernel/kernel.ts";
import type { Endpoints } from "./endpoints.ts";
import { observe, type Observation, subnetsOf } from "./observe.ts";

export type ReconcilerDeps = {
  readonly kernel: Kernel;
  readonly mirror: Mirror;
  readonly endpoints: Endpoints;
  readonly log: Log;
};
export type ReconcilerOptions = {
  readonly hostname: string;
  readonly table: number;
  readonly multihop: boolean;
};
export type SyncResult = {
  readonly changes: readonly Change[];
  readonly failed: number;
  readonly routes: number;
};

export interface Reconciler {
  /** The next sync observes the kernel first. */
  forget(): void;
  /** Whether a notification is about what is not as we left it. */
  concerns(notification: Notification): boolean;
  /** What would be changed now. */
  plan(): Promise<readonly Change[]>;
  sync(): Promise<SyncResult>;
  observation(): Promise<Observation>;
}

const routeKey = ({ dst, metric }: Route): string => `${formatCidr(dst)} ${metric}`;

export function createReconciler(
  { hostname, table, multihop }: ReconcilerOptions,
  { kernel, mirror, endpoints, log }: ReconcilerDeps,
): Reconciler {
  let known: Observation | undefined;
  /** Our routes as we believe them to be, by key: own notifications are told from others' doings by it. */
  let ours = new Map<string, Route>();
  const believe = (routes: readonly Route[]): void => {
    ours = new Map(
      routes.filter(({ protocol }) => protocol === ROMANA_PROTOCOL).map((route) => [routeKey(route), route]),
    );
  };
  const observation = async (): Promise<Observation> => (known ??= await observe(kernel, table));
  const desired = (now: Observation): Route[] => {
    const pods = endpoints
      .alive()
      .flatMap(({ ips, hostIndex }) => ips.map((ip) => ({ ip: parseIp(ip), index: hostIndex })));
    return desiredNodeRoutes(mirror.snapshot, {
      name: hostname,
      table,
      subnets: subnetsOf(now),
      pods,
      ...(multihop ? { gateways: now.gateways } : {}),
    });
  };
  const planFor = (now: Observation, wanted: readonly Route[]): Change[] => {
    const changes = [...planRules(desiredRules(table), now.rules), ...planRoutes(wanted, now.routes)];
    // Nothing is removed before the mirror is whole.
    return mirror.synced ? changes : changes.filter(({ kind }) => !kind.endsWith("-delete"));
  };
  return {
    forget: () => void (known = undefined),
    observation,
    concerns(notification) {
      if (notification.kind !== "route")
        return notification.kind !== "rule" || notification.rule.table === table;
      const { route, deleted } = notification;
      if (route.table !== table) return route.dst.length === 0 && multihop;
      const expected = ours.get(routeKey(route));
      return deleted
        ? expected !== undefined && route.protocol === ROMANA_PROTOCOL
        : !expected || !equalRoutes(expected, route);
    },
    plan: async () => {
      const now = await observation();
      return planFor(now, desired(now));
    },
    async sync() {
      const now = await observation();
      const wanted = desired(now);
      const changes = planFor(now, wanted);
      if (mirror.synced) believe(wanted);
      const failed = changes.length > 0 ? tellFailures(changes, await kernel.apply(changes), log) : 0;
      // What failed is looked at anew; what was done is known without looking.
      known =
        failed > 0 || !mirror.synced
          ? undefined
          : {
              ...now,
              rules: changes.some(({ kind }) => kind.startsWith("rule"))
                ? [...now.rules.filter((rule) => rule.protocol !== ROMANA_PROTOCOL), ...desiredRules(table)]
                : now.rules,
              routes: [...now.routes.filter(({ protocol }) => protocol !== ROMANA_PROTOCOL), ...wanted],
            };
      return { changes, failed, routes: ours.size };
    },
  };
}

/** Links and addresses of pods say nothing of the node's own. */
function isOfTheNode(notification: Exclude<Notification, { kind: "route" }>, table: number): boolean {
  switch (notification.kind) {
    case "rule":
      return notification.rule.table === table;
    case "link":
      return !notification.link.name.startsWith("rom");
    case "address":
      return notification.address.scope === 0;
    case "overrun":
      return true;
  }
}

/** A route whose device or gateway went meanwhile fails; the notification of that going brings the next sync. */
function tellFailures(changes: readonly Change[], results: readonly ChangeResult[], log: Log): number {
  const failures = results.flatMap((result, i) =>
    result.kind === "failed" && !isGone(changes[i], result.code)
      ? [{ change: describeChange(changes[i]), code: result.code, message: result.message }]
      : [],
  );
  if (failures.length > 0)
    log.warn("changes refused by the kernel", { count: failures.length, first: failures.slice(0, 3) });
  return failures.length;
}

/** Removing what is gone is done. */
const isGone = (change: Change | undefined, code: string): boolean =>
  change?.kind.endsWith("-delete") === true && ["ESRCH", "ENOENT", "ENODEV"].includes(code);

/** As `ip` would write it. */
export function describeChange(change: Change | undefined): string {
  switch (change?.kind) {
    case "route-add":
    case "route-replace":
    case "route-delete": {
      const { dst, table, type, nextHops } = change.route;
      const hops = nextHops
        .map(({ via, index }) => `${via ? `via ${formatIp(via)} ` : ""}dev ${index}`)
        .join(" nexthop ");
      return `ip route ${change.kind.slice(6)} ${type === "unicast" ? "" : `${type} `}${formatCidr(dst)} ${hops}${hops ? " " : ""}table ${table}`;
    }
    case "rule-add":
    case "rule-delete":
      return `ip -${change.rule.family} rule ${change.kind.slice(5)} priority ${change.rule.priority} lookup ${change.rule.table}`;
    default:
      return change?.kind ?? "";
  }
}
