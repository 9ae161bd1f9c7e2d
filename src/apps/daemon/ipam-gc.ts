// Frees leaked addresses: what two reports of the host's agent, the grace period apart, did not know of; and what a host held that nobody
// knows. Any daemon may: what is freed is decided on the records, and compared with them at the commit.
import type { GcReply, LeakReply } from "../../core/api/ipam.ts";
import { observeUnknownHosts } from "../../core/ipam/evidence.ts";
import { ipTexts } from "../../core/ipam/held.ts";
import { type Leak, leaks, planFree } from "../../core/ipam/leaks.ts";
import type { Daemon } from "./daemon.ts";
import type { Writer } from "./writer.ts";

type Submit = Writer["submit"];

/** Of as many leaks at a time as leave room for other requests in the writer's queue. */
const FREE_AT_ONCE = 100;

/** The leader's turn: what unknown hosts hold is noted, what is confirmed is freed. */
export async function collectLeaks(daemon: Daemon, submit: Submit): Promise<void> {
  const { clock, leakGrace: grace } = daemon;
  const noteNext = (): Promise<number> =>
    submit((state) => {
      const plan = observeUnknownHosts(state, { now: clock.now(), grace });
      return { value: plan.writes.length, plan };
    });
  while ((await noteNext()) > 0);
  await freeConfirmed(daemon, submit);
}

/** `POST /ipam/gc`. */
export async function gcReply(daemon: Daemon, isDry: boolean): Promise<GcReply> {
  const { mirror, writer } = daemon;
  const freed = isDry
    ? leaks(mirror.state).filter(isConfirmed)
    : await freeConfirmed(daemon, (decide) => writer.submit(decide));
  const waiting = leaks(mirror.state).filter((leak) => !isConfirmed(leak));
  const reply = (leak: Leak): LeakReply => leakReply(daemon, leak);
  return { dry_run: isDry, freed: freed.map(reply), waiting: waiting.map(reply) };
}

const isConfirmed = ({ confirmed }: Leak): boolean => confirmed !== undefined;

async function freeConfirmed(daemon: Daemon, submit: Submit): Promise<Leak[]> {
  const due = leaks(daemon.mirror.state).filter(isConfirmed);
  const freed: Leak[] = [];
  for (let i = 0; i < due.length; i += FREE_AT_ONCE) {
    const some = due.slice(i, i + FREE_AT_ONCE);
    const done = await Promise.all(some.map((leak) => free(daemon, submit, leak)));
    freed.push(...some.filter((_, at) => done[at]));
  }
  return freed;
}

/** False: it was released, found or allocated again meanwhile. */
async function free(daemon: Daemon, submit: Submit, leak: Leak): Promise<boolean> {
  const { clock, log, metrics } = daemon;
  // As it was when it was freed.
  const evidence = leakReply(daemon, leak);
  const isFreed = await submit((state) => {
    const plan = planFree(state, leak, { now: clock.now() });
    return { value: plan.writes.length > 0, plan };
  });
  if (!isFreed) return false;
  metrics.leaksFreed.inc();
  log.warn("leaked address freed", evidence);
  return true;
}

function leakReply({ mirror, leakGrace }: Daemon, leak: Leak): LeakReply {
  const { name, host, sequence, since, confirmed, keys } = leak;
  const time = (at: number): string => new Date(at).toISOString();
  return {
    ...{ name, host, ips: ipTexts(leak), sequence, since: time(since) },
    ...(confirmed === undefined ? { due: time(since + leakGrace) } : { confirmed: time(confirmed) }),
    evidence: keys.map((key) => ({ key, revision: mirror.revisionOf(key) })),
  };
}
