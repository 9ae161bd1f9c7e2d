// What the routes share: the parts of one running daemon.
import type { Clock, Duration } from "../../base/clock.ts";
import type { Health } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import type { Store } from "../../io/store/store.ts";
import type { Adoption } from "./adoption.ts";
import type { Leader } from "./leader.ts";
import type { Currency } from "./currency.ts";
import type { DaemonMetrics } from "./metrics.ts";
import type { Mirror } from "./mirror.ts";
import type { Unadopted } from "./routes/adopt-endpoints.ts";
import type { PolicyShares } from "./watch/policy-shares.ts";
import type { WatchHub } from "./watch/watch-hub.ts";
import type { Writer } from "./writer.ts";

export type Daemon = {
  readonly store: Store;
  /** What agents know the store by. */
  readonly cluster: string;
  readonly mirror: Mirror;
  readonly writer: Writer;
  readonly hub: WatchHub;
  readonly shares: PolicyShares;
  readonly adoption: Adoption;
  readonly leader: Leader;
  readonly currency: Currency;
  readonly metrics: DaemonMetrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly log: Log;
  /** Where this daemon starts to look for a new block: replicas do not race for one, and each goes on where it was before a restart. */
  readonly offsetSeed: number;
  /** After its removal nobody else gets what a host had. */
  readonly hostQuarantine: Duration;
  /** Between two reports that lack an address, before it is freed. */
  readonly leakGrace: Duration;
  /** By host: endpoints that were reported and could not be adopted, for want of a host or a network: tried again with each change. */
  readonly unadopted: Map<string, Unadopted>;
};
