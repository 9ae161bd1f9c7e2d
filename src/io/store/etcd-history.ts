// What the change log has dropped, or what was before this process: read from etcd by a watch of its own, which ends when it is there.
import type { Clock } from "../../base/clock.ts";
import type { HistoryPage } from "./change-log.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { REPEATABLE } from "./etcd-read.ts";
import { type Change, CompactedError, watchChanges } from "./etcd-watch.ts";
import type { WatchEvent } from "./store.ts";

/** In one page: the reader gets to breathe. */
const MAX_CHANGES = 1000;

export type HistoryPart = { readonly prefix: string; readonly after: number; readonly until: number };

/** Changes under `prefix` behind `after`, up to `until` or MAX_CHANGES of them. `until` is a revision that exists. */
export function readHistory(client: EtcdClient, clock: Clock, part: HistoryPart): Promise<HistoryPage> {
  const { prefix, after, until } = part;
  return client.run(async (endpoint, terms) => {
    const changes: Change[] = [];
    try {
      for await (const some of watchChanges({
        endpoint,
        terms,
        since: after,
        clock,
        signal: client.failed,
      })) {
        for (const change of some) changes.push(change);
        if (changes.length >= MAX_CHANGES || (changes.at(-1)?.revision ?? after) >= until) break;
      }
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      return { events: [], upTo: after, compacted: error.oldest };
    }
    const upTo = changes.at(-1)?.revision ?? after;
    return { events: changes.flatMap(({ events }) => events.filter(isUnder(prefix))), upTo, compacted: 0 };
  }, REPEATABLE);
}

const isUnder = (prefix: string) => (event: WatchEvent) =>
  (event.kind === "put" ? event.entry.key : event.key).startsWith(prefix);
