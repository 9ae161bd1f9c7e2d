// Takes what agents report into the store, in pieces that fit into a transaction.
import { InputError } from "../../../base/errors.ts";
import type { HostReport, HostReportReply } from "../../../core/api/types.ts";
import { adopt } from "../../../core/ipam/adopt.ts";
import { addressKey, hostKey, topologyKey } from "../../../core/model/keys.ts";
import type { Address, Endpoint } from "../../../core/model/records.ts";
import { equalIp, parseIp } from "../../../core/net/ip.ts";
import type { Daemon } from "../daemon.ts";

export type Told = {
  readonly endpoints: HostReport["endpoints"];
  /** The revision of this store that the agent had seen before it looked. */
  readonly seen: number;
};
/** What could not be adopted, and on which ground. */
export type Unadopted = Told & { readonly ground: string };
type Conflicts = HostReportReply["conflicts"];

/** At most four writes and compares each, and room for the host and the guards. */
const ADOPT_AT_ONCE = 10;

/**
 * Resolves with what contradicts the store. What could not be adopted is kept for when a host or network comes. Of a name that was written or
 * deleted after the agent looked the store knows better: that is left to its next report.
 */
export async function adoptEndpoints(daemon: Daemon, host: string, told: Told): Promise<Conflicts> {
  const { mirror } = daemon;
  const { seen } = told;
  const reported = told.endpoints.map(toEndpoint);
  refuseRepeatedNames(reported);
  // What is there needs no adoption now, and must not have it once it has gone.
  const endpoints = reported.filter((each) => !isThere(mirror.state.addresses.get(each.name), host, each));
  const isCurrent = ({ name }: Endpoint): boolean => changedAt(daemon, addressKey(name)) <= seen;
  const conflicts: Conflicts = [];
  for (let i = 0; i < endpoints.length; i += ADOPT_AT_ONCE) {
    const some = endpoints.slice(i, i + ADOPT_AT_ONCE);
    // Alone, as a release that it were merged with would have no revision yet.
    const found = await daemon.writer.submit(
      (state) => {
        const plan = adopt(state, host, some.filter(isCurrent), { now: daemon.clock.now() });
        return { value: plan.conflicts, plan };
      },
      { isAlone: true },
    );
    conflicts.push(...found);
  }
  const open = new Set(conflicts.map(({ name }) => name));
  if (open.size === 0) daemon.unadopted.delete(host);
  else
    daemon.unadopted.set(host, {
      ...{ seen, ground: groundOf(daemon, host) },
      endpoints: told.endpoints.filter(({ name }) => open.has(name)),
    });
  if (open.size > 0)
    daemon.log.warn("endpoints contradict the store", { host, conflicts: conflicts.slice(0, 5) });
  return conflicts;
}

const changedAt = ({ mirror }: Daemon, key: string): number =>
  Math.max(mirror.revisionOf(key), mirror.deletedAt(key));

const isThere = (known: Address | undefined, host: string, { sequence, ips }: Endpoint): boolean =>
  known?.host === host &&
  known.sequence === sequence &&
  ips.every((ip) => known.ips.some((each) => equalIp(each.ip, ip)));

/** Tries again what could not be adopted before; nothing is handed out meanwhile. */
export async function readoptAfter<T>(daemon: Daemon, change: () => Promise<T>): Promise<T> {
  if (daemon.unadopted.size === 0) return change();
  return daemon.adoption.holding(async () => {
    const result = await change();
    for (const [host, told] of [...daemon.unadopted]) await adoptEndpoints(daemon, host, told);
    return result;
  });
}

/** The same, where another daemon has put a host or a topology. */
export async function readoptOnOtherGround(daemon: Daemon): Promise<void> {
  for (const [host, told] of [...daemon.unadopted])
    if (told.ground !== groundOf(daemon, host)) await adoptEndpoints(daemon, host, told);
}

/** What an endpoint is adopted on: its host and the networks. */
const groundOf = ({ mirror }: Daemon, host: string): string =>
  [topologyKey, hostKey(host)].map((key) => mirror.revisionOf(key)).join(" ");

function toEndpoint({ ips, ...rest }: Told["endpoints"][number], index: number): Endpoint {
  const parsed = ips.map((ip, i) => parseIp(ip, `body.endpoints[${index}].ips[${i}]`));
  return { ...rest, ips: parsed };
}

function refuseRepeatedNames(endpoints: readonly Endpoint[]): void {
  const names = new Set<string>();
  for (const [i, { name }] of endpoints.entries()) {
    const field = `body.endpoints[${i}].name`;
    if (names.has(name))
      throw new InputError({ code: "NAME_REPEATED", field, value: name, expected: "each name once" });
    names.add(name);
  }
}
