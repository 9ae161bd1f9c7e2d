// What can take a replica of the daemon from an agent: how it strikes, and how it is healed.
import { leaderOf } from "./bed/etcd-member.ts";
import type { DaemonProcess } from "./bed/daemon-process.ts";
import type { FaultBed } from "./bed/fault-bed.ts";
import { cut, join, type Place } from "./bed/place.ts";

/** Strikes the daemon that `node` follows; what resolves heals it, until all is ready again. */
type Failover = (bed: FaultBed, node: Place, daemon: DaemonProcess) => Promise<() => Promise<void>>;

export const FAILOVERS = {
  "its daemon is killed": async (_bed, _node, daemon) => {
    await daemon.kill();
    return () => daemon.start();
  },
  "its daemon is stopped": async (_bed, _node, daemon) => {
    daemon.signal("SIGSTOP");
    return async () => {
      daemon.signal("SIGCONT");
      await daemon.ready();
    };
  },
  "it is parted from its daemon": async (_bed, node, { place }) => {
    cut(node, place);
    return async () => join(node, place);
  },
  "its daemon and the leader of etcd are killed": async ({ members }, _node, daemon) => {
    const leader = await leaderOf(members);
    await Promise.all([leader.kill(), daemon.kill()]);
    return async () => {
      await leader.start();
      await daemon.start();
    };
  },
  "its daemon is parted from etcd": async ({ members }, _node, daemon) => {
    const { place } = daemon;
    for (const member of members) cut(place, member.place);
    return async () => {
      for (const member of members) join(place, member.place);
      await daemon.ready();
    };
  },
} as const satisfies Readonly<Record<string, Failover>>;
