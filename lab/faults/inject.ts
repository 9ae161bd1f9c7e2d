// Each fault: how it strikes, and how it is healed. Who injects waits until it is over.
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../../test/support/eventually.ts";
import type { DaemonProcess } from "./bed/daemon-process.ts";
import { type EtcdMember, leaderOf } from "./bed/etcd-member.ts";
import type { FaultBed } from "./bed/fault-bed.ts";
import { cut, join, lose, loseNothing, type Place } from "./bed/place.ts";
import type { FaultKind, FaultPlan } from "./plan-faults.ts";

type Inject = (bed: FaultBed, plan: FaultPlan) => Promise<void>;

/** An hour is more than any cooldown, and less than what makes certificates end. */
export const GREATEST_JUMP = 3_600_000;

/** Resolves when it is over and healed. False: there is nobody here whom it could strike. */
export async function inject(bed: FaultBed, plan: FaultPlan): Promise<boolean> {
  if (NEEDS_THREE.has(plan.kind) && bed.members.length < 3) return false;
  await injections[plan.kind](bed, plan);
  return true;
}

const NEEDS_THREE = new Set<FaultKind>(["etcd parted from etcd", "leader moved"]);

// long: the table of faults
const injections: { readonly [K in FaultKind]: Inject } = {
  "etcd killed": async (bed, plan) => {
    const member = memberOf(bed, plan);
    await member.kill();
    await delay(plan.lasts);
    await member.start();
  },
  "etcd stopped": (bed, plan) => whileStopped(memberOf(bed, plan), plan),
  "etcd parted from etcd": async (bed, plan) => {
    const member = memberOf(bed, plan);
    // From one other, which leaves both a majority, or from all, which leaves it none.
    const others = bed.members.filter((each) => each !== member).slice(plan.strength < 0.5 ? 1 : 0);
    const pairs = others.map(({ place }) => [member.place, place] as const);
    await whileDone(pairs, cut, join, plan);
    await member.ready();
  },
  "leader moved": ({ members }) => insist(() => moveLeader(members)),
  "history compacted": async (bed, plan) => {
    const member = memberOf(bed, plan);
    await insist(async () => {
      const { header } = await member.post<Header>("kv/range", { key: "AA==" });
      await member.post("kv/compaction", { revision: header.revision, physical: true });
    });
  },
  "members defragmented": async ({ members }) => {
    for (const member of members) await insist(() => member.post("maintenance/defragment", {}));
  },
  "quota full": async (bed, plan) => {
    const member = memberOf(bed, plan);
    const { header } = await insist(() => member.post<Header>("maintenance/status", {}));
    const alarm = { memberID: header.member_id, alarm: "NOSPACE" };
    await insist(() => member.post("maintenance/alarm", { action: "ACTIVATE", ...alarm }));
    await delay(plan.lasts);
    await insist(() => member.post("maintenance/alarm", { action: "DEACTIVATE", ...alarm }));
  },
  "disk slow": async (bed, plan) => {
    const hang = 50 + Math.floor(350 * plan.strength);
    await memberOf(bed, plan).disk.stutter(1 + Math.floor(plan.lasts / (hang + 50)), hang, 50);
  },
  "daemon killed": async (bed, plan) => {
    const daemon = daemonOf(bed, plan);
    await daemon.kill();
    await delay(plan.lasts);
    await daemon.start();
  },
  "daemon stopped": (bed, plan) => whileStopped(daemonOf(bed, plan), plan),
  "daemon parted from a member": (bed, plan) =>
    whileDone([[daemonOf(bed, plan).place, otherMember(bed, plan).place]], cut, join, plan),
  "daemon parted from etcd": (bed, plan) => {
    const { place } = daemonOf(bed, plan);
    return whileDone(
      bed.members.map((member) => [place, member.place] as const),
      cut,
      join,
      plan,
    );
  },
  "client parted from daemon": (bed, plan) =>
    whileDone([[daemonOf(bed, plan).place, clientOf(bed, plan)]], cut, join, plan),
  "packets lost": async (bed, plan) => {
    const { place } = daemonOf(bed, plan);
    const pairs = [clientOf(bed, plan), otherMember(bed, plan).place].map((other) => [place, other] as const);
    await whileDone(pairs, lose, loseNothing, plan);
  },
  "store delayed": async ({ delayed }, plan) => {
    delayed.set(5 + Math.floor(200 * plan.strength ** 2));
    await delay(plan.lasts);
    delayed.set(0);
  },
  "clock jumped": async (bed, plan) => {
    // Now and then back to where it was.
    const jump = plan.strength < 0.2 ? 0 : (plan.strength - 0.6) * 2.5 * (GREATEST_JUMP / 2);
    daemonOf(bed, plan).setClock(Math.floor(jump));
    await delay(plan.lasts);
  },
};

type Header = { readonly header: { readonly revision: string; readonly member_id: string } };

const at = <T>(list: readonly T[], share: number): T => list[Math.floor(share * list.length)] as T;
const memberOf = ({ members }: FaultBed, { where }: FaultPlan): EtcdMember => at(members, where[0]);
const daemonOf = ({ daemons }: FaultBed, { where }: FaultPlan): DaemonProcess => at(daemons, where[0]);
const otherMember = ({ members }: FaultBed, { where }: FaultPlan): EtcdMember => at(members, where[1]);
const clientOf = ({ clients }: FaultBed, { where }: FaultPlan): Place => at(clients, where[1]);

async function whileStopped(stopped: DaemonProcess | EtcdMember, { lasts }: FaultPlan): Promise<void> {
  stopped.signal("SIGSTOP");
  await delay(lasts);
  stopped.signal("SIGCONT");
}

/** What an operator does is done again where etcd is slow to answer, or in an election: a machine that has other work makes it so. */
const insist = <T>(act: () => Promise<T>): Promise<T> => eventually(act, { within: 300_000, every: 500 });

type Pair = readonly [Place, Place];

async function whileDone(
  pairs: readonly Pair[],
  strike: (a: Place, b: Place) => void,
  heal: (a: Place, b: Place) => void,
  { lasts }: FaultPlan,
): Promise<void> {
  for (const [a, b] of pairs) strike(a, b);
  await delay(lasts);
  for (const [a, b] of pairs) heal(a, b);
}

/** Only the leader can hand over. */
async function moveLeader(members: readonly EtcdMember[]): Promise<void> {
  const leader = await leaderOf(members);
  const next = members[(members.indexOf(leader) + 1) % members.length] ?? leader;
  const { header } = await next.post<Header>("maintenance/status", {});
  await leader.post("maintenance/transfer-leadership", { targetID: header.member_id });
}
