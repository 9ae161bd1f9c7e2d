import assert from "node:assert/strict";
import { eventually } from "../../test/support/eventually.ts";
import { startTcpProxy, type TcpProxy } from "../../test/support/tcp-proxy.ts";
import { Seconds, systemClock, systemRng } from "../../src/base/clock.ts";
import { createHealth } from "../../src/base/health.ts";
import { silentLog } from "../../src/base/log.ts";
import { createKubeClient } from "../../src/io/kube/kube-client.ts";
import { type Reflector, startReflector } from "../../src/io/kube/reflector.ts";
import type { Scenario } from "../scenarios.ts";
import { createLoneApiserver, type LoneApiserver } from "../support/lone-apiserver.ts";

const MAPS = "/api/v1/configmaps";
const OWN = "/api/v1/namespaces/default/configmaps";
const LABELLED = { labelSelector: "is=counted" };
const COUNT = 10_000;
const AT_ONCE = 50;

type Bed = {
  readonly server: LoneApiserver;
  readonly proxy: TcpProxy;
  readonly reflector: Reflector<string>;
  /** How many changes were told since it was asked last. */
  readonly told: () => number;
  /** Why it was not heard, each time. */
  readonly warnings: readonly string[];
};

const object = (i: number, value: string): object => ({
  metadata: { name: `map-${i}`, labels: { is: "counted" } },
  data: { value },
});

/** Names of the first `count`, each written by `write`, so many at once. */
async function each(count: number, write: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await write(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const change = ({ client }: LoneApiserver, count: number, value: string): Promise<void> =>
  each(count, (i) =>
    client
      .ask("PATCH", `${OWN}/map-${i}`, { body: { data: { value } }, patch: "merge" })
      .then(() => undefined),
  );

/** The mirror has what the server has. */
async function untilEqual({ server, reflector }: Bed): Promise<void> {
  type List = { items: { metadata: { name: string }; data: { value: string } }[] };
  const { items } = await server.client.ask<List>("GET", MAPS, { query: LABELLED });
  const wanted = new Map(items.map(({ metadata: { name }, data }) => [`default/${name}`, data.value]));
  await eventually(() => assert.ok(wanted.size === reflector.items.size && sameItems(wanted, reflector)), {
    within: 60_000,
    every: 100,
  });
}

const sameItems = (wanted: ReadonlyMap<string, string>, { items }: Reflector<string>): boolean =>
  [...wanted].every(([key, value]) => items.get(key) === value);

async function withReflector(server: LoneApiserver, act: (bed: Bed) => Promise<void>): Promise<void> {
  const proxy = await startTcpProxy(server.url);
  const client = createKubeClient(server.access(new URL(`https://${proxy.address}`)));
  let told = 0;
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_: string, why = {}) => void warnings.push(JSON.stringify(why)) };
  const reflector = startReflector<string>(
    {
      ...{ path: MAPS, query: LABELLED, silence: Seconds(20) },
      read: (map) => (map as { data?: { value: string } }).data?.value,
      changed: (changes) => void (told += changes.length),
    },
    {
      ...{ client, clock: systemClock, rng: systemRng, log },
      health: createHealth(systemClock).reporter("maps"),
    },
  );
  const takeTold = (): number => {
    const count = told;
    told = 0;
    return count;
  };
  try {
    await act({ server, proxy, reflector, warnings, told: takeTold });
  } finally {
    await reflector.close();
    client.close();
    await proxy.close();
  }
}

export const reflector: Scenario = {
  name: `${COUNT} objects are mirrored through a restart of the API server, a gap in its history and a slow stream`,
  timeout: 12 * 60_000,
  async run({ bin }) {
    const server = await createLoneApiserver(bin);
    try {
      await server.start();
      await each(COUNT, (i) => server.client.ask("POST", OWN, { body: object(i, "first") }));
      await withReflector(server, async (bed) => {
        await eventually(() => assert.ok(bed.reflector.synced), { within: 60_000, every: 100 });
        await untilEqual(bed);
        assert.equal(bed.told(), COUNT);
        await restart(bed);
        await gap(bed);
        await slowStream(bed);
      });
    } finally {
      await server.dispose();
    }
  },
};

async function restart(bed: Bed): Promise<void> {
  await bed.server.stop();
  await bed.server.start();
  await change(bed.server, 100, "after a restart");
  await untilEqual(bed);
  assert.equal(bed.told(), 100, "changes told after a restart");
}

/** It hears nothing while objects change, and asks for what the server does not have any more. */
async function gap(bed: Bed): Promise<void> {
  const { server, proxy, warnings } = bed;
  for (const direction of ["requests", "replies"] as const) proxy.hold(direction);
  await change(server, 200, "unheard");
  await server.client.ask("DELETE", `${OWN}/map-${COUNT - 1}`);
  await server.stop();
  await server.compact();
  await server.start();
  proxy.cut();
  await untilEqual(bed);
  assert.equal(bed.told(), 201, "differences told after a gap");
  assert.match(warnings.join("\n"), /too old resource version/);
}

async function slowStream(bed: Bed): Promise<void> {
  bed.proxy.delay(1000);
  await change(bed.server, 3000, "slow");
  await change(bed.server, 3000, "slower");
  bed.proxy.delay(0);
  await untilEqual(bed);
}
