// The conformance suite on a real etcd, which all cases share.
import { after, before } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock, systemRng } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { EtcdOptions } from "../../src/io/store/etcd-client.ts";
import { openEtcdStore } from "../../src/io/store/etcd-store.ts";
import type { Store } from "../../src/io/store/store.ts";
import { type EtcdCluster, startEtcd } from "../support/etcd.ts";
import { testStore } from "./conformance.ts";

/** What a case waits for longer than this it looks for itself, until it is there. */
const LONGEST_WAIT_S = 1.5;

/** Begins with the first of `urls`. */
export const openTestStore = (urls: readonly string[], more: Partial<EtcdOptions> = {}): Promise<Store> =>
  openEtcdStore({ endpoints: urls, ...more }, { clock: systemClock, rng: () => 0, log: silentLog });

export function testEtcdStore(size: number): void {
  let etcd: EtcdCluster | undefined;
  before(async () => {
    etcd = await startEtcd({ size });
  });
  after(() => etcd?.dispose());
  testStore(`etcd (${size})`, async () => {
    const deps = { clock: systemClock, rng: systemRng, log: silentLog };
    const store = await openEtcdStore({ endpoints: etcd?.urls ?? [] }, deps);
    return { store, pass: (seconds) => delay(1000 * Math.min(seconds, LONGEST_WAIT_S)) };
  });
}
