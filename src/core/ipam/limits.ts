// How much a tenant may have. What is in use stays: a limit only refuses more.
import type { Limit } from "../model/limit.ts";
import type { Choice } from "./choose.ts";
import type { Offer } from "./offers.ts";
import type { IpamState } from "./state.ts";
import type { Plan, Refusal, Write } from "./types.ts";

type LimitReached = Extract<Refusal, { kind: "limit-reached" }>;

/** Addresses that a tenant has in one network, or in all. */
export function usedBy(state: IpamState, tenant: string, network?: string): number {
  if (network !== undefined) return state.used(tenant, network);
  return state.topology.networks.reduce((sum, { name }) => sum + state.used(tenant, name), 0);
}

/** Those of `offers` in which the tenant may have one more. */
export function withinLimits(state: IpamState, tenant: string, offers: readonly Offer[]): readonly Offer[] {
  const limit = state.limits.get(tenant);
  return limit ? offers.filter(({ network }) => !reachedIn(state, limit, network.name)) : offers;
}

/** The first of the networks in which the tenant may have no more. */
export function networkLimit(
  state: IpamState,
  tenant: string,
  networks: readonly string[],
): LimitReached | undefined {
  const limit = state.limits.get(tenant);
  const network = limit && networks.find((name) => reachedIn(state, limit, name));
  if (network === undefined) return undefined;
  const most = limit?.networks[network] ?? 0;
  return { kind: "limit-reached", tenant, network, most, used: usedBy(state, tenant, network) };
}

/** Where the choices are more than the tenant may have in all. */
export function totalLimit(
  state: IpamState,
  tenant: string,
  choices: readonly Choice[],
): LimitReached | undefined {
  const most = state.limits.get(tenant)?.total;
  if (most === undefined) return undefined;
  const used = usedBy(state, tenant);
  if (used + choices.length <= most) return undefined;
  return { kind: "limit-reached", tenant, network: undefined, most, used };
}

function reachedIn(state: IpamState, limit: Limit, network: string): boolean {
  const most = limit.networks[network];
  return most !== undefined && state.used(limit.tenant, network) >= most;
}

/** Of an allocation: the limit as it was, so that its revision tells all daemons that the count is another. */
export function touchLimit(state: IpamState, tenant: string): Write[] {
  const limit = state.limits.get(tenant);
  return limit ? [{ kind: "put-limit", limit }] : [];
}

/**
 * `most` addresses for the tenant, in one network or in all; `undefined`: as many as there are. Bumps all guards: who did not know a limit
 * did not write it either.
 */
export function planLimit(
  state: IpamState,
  { tenant, network }: { readonly tenant: string; readonly network?: string },
  most: number | undefined,
): Plan {
  const { total, networks = {} } = state.limits.get(tenant) ?? {};
  const limit =
    network === undefined
      ? limitOf(tenant, most, networks)
      : limitOf(tenant, total, withNetwork(networks, network, most));
  const isNone = limit.total === undefined && Object.keys(limit.networks).length === 0;
  const write: Write = isNone ? { kind: "delete-limit", tenant } : { kind: "put-limit", limit };
  const bumps = state.topology.networks.map(({ name }) => ({ kind: "bump-guard", network: name }) as const);
  return { writes: [write, ...bumps], guards: [] };
}

function withNetwork(
  networks: Limit["networks"],
  network: string,
  most: number | undefined,
): Limit["networks"] {
  const others = Object.entries(networks).filter(([name]) => name !== network);
  return Object.fromEntries(most === undefined ? others : [...others, [network, most]]);
}

const limitOf = (tenant: string, total: number | undefined, networks: Limit["networks"]): Limit => ({
  ...{ tenant, networks },
  ...(total !== undefined && { total }),
});
