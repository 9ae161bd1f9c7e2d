// Which faults a run suffers, drawn from its seed: what, where, after how many operations, for how long. Pure.
import type { Rng } from "../../src/base/clock.ts";

export const FAULT_KINDS = {
  /** Those of etcd and its disks, one after the other. */
  store: [
    "etcd killed",
    "etcd stopped",
    "etcd parted from etcd",
    "leader moved",
    "history compacted",
    "members defragmented",
    "quota full",
    "disk slow",
  ],
  /** Those of daemons, clients and the network, one after the other, at the same time as the others. */
  daemon: [
    "daemon killed",
    "daemon stopped",
    "daemon parted from a member",
    "daemon parted from etcd",
    "client parted from daemon",
    "packets lost",
    "store delayed",
    "clock jumped",
  ],
} as const;
export type Lane = keyof typeof FAULT_KINDS;
export type FaultKind = (typeof FAULT_KINDS)[Lane][number];

export type FaultPlan = {
  readonly kind: FaultKind;
  /** It begins when so many operations were made. */
  readonly after: number;
  /** Milliseconds. */
  readonly lasts: number;
  /** Two numbers from 0 to below 1, to choose whom it strikes. */
  readonly where: readonly [number, number];
  /** How hard, from 0 to below 1. */
  readonly strength: number;
};

export type FaultSchedule = { readonly [L in Lane]: readonly FaultPlan[] };

/** `rounds`: how often each kind comes. The last begins well before the last operation. */
export function planFaults(operations: number, rounds: number, rng: Rng): FaultSchedule {
  return { store: planLane("store"), daemon: planLane("daemon") };

  function planLane(lane: Lane): FaultPlan[] {
    const kinds = Array.from({ length: rounds }, () => shuffled<FaultKind>(FAULT_KINDS[lane], rng)).flat();
    return kinds.map((kind, i) => ({
      kind,
      after: Math.floor((operations * 0.95 * (i + 0.5)) / kinds.length),
      lasts: Math.floor(200 + 1800 * rng() ** 2),
      where: [rng(), rng()],
      strength: rng(),
    }));
  }
}

function shuffled<T>(list: readonly T[], rng: Rng): T[] {
  const left = [...list];
  return Array.from(list, () => left.splice(Math.floor(rng() * left.length), 1)[0] as T);
}
