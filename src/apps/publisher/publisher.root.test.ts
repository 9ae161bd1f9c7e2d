// A node's blocks in the kernel of a real router: daemon, publisher and two BIRDs, each a process.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { rmSync, readFileSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { Bed } from "../../../test/support/bed.ts";
import { type BirdBed, makeBirdBed } from "../../../test/support/bird.ts";
import { type DaemonBed, daemonBed, freePort, kill } from "../../../test/support/daemon-process.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { monitorRoutes } from "../../../test/support/route-monitor.ts";
import { bgp } from "../../core/bird/testdata/world.ts";
import { containsCidr, formatCidr, parseCidr } from "../../core/net/cidr.ts";
import { minimalUnion } from "../../core/net/prefix-set.ts";

const bed = new Bed("source");
after(() => bed.dispose());
const WAIT = { within: 30_000 };

const topology = (routing: unknown) => ({
  networks: [
    { name: "v4", cidr: "10.0.0.0/16" },
    { name: "v6", cidr: "fd00::/64" },
  ],
  topologies: [{ networks: ["v4", "v6"], map: [{ name: "rack", routing, groups: [] }] }],
});

/** Refuses one community, as a BIRD of another version might refuse a word. */
const PICKY = `#!/bin/sh
grep -q '(65001,666)' "$3" && { echo "bird: $3:1:1 not with me" >&2; exit 1; }
exec bird "$@"
`;

type World = DaemonBed &
  BirdBed & {
    readonly daemon: ChildProcess;
    readonly publish: () => ChildProcess;
    readonly notReady: () => Promise<string[]>;
  };

async function start(daemons: DaemonBed): Promise<World> {
  const daemon = await daemons.start("--new-cluster");
  await daemons.ask("POST", "/topology", topology(bgp()));
  await daemons.ask("POST", "/hosts", { name: "node-1", ips: ["192.168.0.1", "fd01::1"] });
  await daemons.ask("POST", "/hosts", { name: "node-2", ips: ["192.168.0.2", "fd01::2"] });
  const birds = await makeBirdBed(bed);
  const metrics = `127.0.0.1:${await freePort()}`;
  writeFileSync(`${birds.node.dir}/picky`, PICKY, { mode: 0o755 });
  const flags = {
    ...{ daemon: `http://${daemons.listen}`, hostname: "node-1", metrics, look: "200ms" },
    ...{
      "bird-config": birds.config,
      "bird-socket": birds.socket,
      "bird-program": `${birds.node.dir}/picky`,
    },
    "state-dir": birds.node.dir,
  };
  const argv = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  return {
    ...daemons,
    ...birds,
    daemon,
    publish: () => bed.romana("publisher", ["publisher", ...argv]),
    async notReady() {
      const reply = await fetch(`http://${metrics}/readyz`);
      const parts = (await reply.json()) as Record<string, string>;
      return Object.entries(parts).flatMap(([part, state]) => (state === "ok" ? [] : [`${part}: ${state}`]));
    },
  };
}

type Blocks = { readonly blocks: readonly { readonly cidr: string; readonly host: string }[] };

/** What the router should have: the fewest prefixes that are the node's blocks. */
async function expected({ ask }: DaemonBed): Promise<string[]> {
  const { blocks } = await ask<Blocks>("GET", "/blocks");
  const own = blocks.filter(({ host }) => host === "node-1").map(({ cidr }) => parseCidr(cidr));
  return minimalUnion(own)
    .map((prefix) => `${formatCidr(prefix)} via ${prefix.ip.family === 4 ? "192.168.0.1" : "fd01::1"}`)
    .sort();
}
const allocate = ({ ask }: DaemonBed, host: string, tenant: string): Promise<unknown> =>
  ask("POST", "/address", { name: `${tenant}-${host}`, host, tenant, segment: "" });

const prefixOf = (route: string): string => route.split(" ")[0] ?? "";

async function untilPublished(world: World): Promise<string[]> {
  const routes = await expected(world);
  await eventually(() => assert.deepEqual(world.routes(), routes), WAIT);
  return routes;
}
const untilNotReady = ({ notReady }: World, reason: RegExp): Promise<void> =>
  eventually(async () => assert.match((await notReady()).join(), reason), WAIT);
const untilReady = ({ notReady }: World): Promise<void> =>
  eventually(async () => assert.deepEqual(await notReady(), []), WAIT);

test("a node's blocks are in the router's kernel, and outlive whoever announced them", async (t) => {
  const world = await start(await daemonBed(t));
  const publisher = world.publish();
  let bird: ChildProcess;

  await t.test("BIRD that starts after the publisher finds its configuration", async () => {
    await untilNotReady(world, /BIRD_SOCKET/);
    bird = await world.startBird();
    await untilReady(world);
    assert.deepEqual(world.routes(), []);
  });

  await t.test(
    "blocks of the node come to the router in both families, those of another node do not",
    async () => {
      for (const tenant of ["a", "b", "c"])
        for (const host of ["node-1", "node-2"]) await allocate(world, host, tenant);
      const routes = await untilPublished(world);
      assert.ok(
        routes.some((route) => route.includes("::")) && routes.some((route) => !route.includes("::")),
      );
    },
  );

  await t.test("while blocks join, no pod is without a route for a moment", async () => {
    const monitor = monitorRoutes(bed, world.router);
    // The monitor hears from its start on: what it must not miss comes after what it has heard.
    await eventually(async () => {
      await allocate(world, "node-1", `first-${Math.floor(performance.now())}`);
      assert.ok(monitor.lines.length > 0);
    });
    const table = new Set((await untilPublished(world)).map(prefixOf));
    const from = monitor.lines.length;
    // Of four side by side two join.
    for (let i = 0; i < 4; i++) {
      await allocate(world, "node-1", `join-${i}`);
      await untilPublished(world);
    }
    const told = monitor.lines.slice(from).flatMap(({ text }) => {
      const [, gone, prefix] = /^(Deleted )?(\S+) via /.exec(text) ?? [];
      return prefix === undefined ? [] : [{ isGone: gone !== undefined, prefix }];
    });
    assert.ok(told.some(({ isGone }) => isGone));
    for (const { isGone, prefix } of told) {
      if (!isGone) table.add(prefix);
      else table.delete(prefix);
      // No block goes here: what was routed is.
      const isRouted = [...table].some((each) => containsCidr(parseCidr(each), parseCidr(prefix)));
      assert.ok(isRouted, `${prefix} in ${[...table].join(", ")}`);
    }
  });

  await t.test("a configuration that is refused leaves the last good one, and says why", async () => {
    const before = readFileSync(world.config, "utf8");
    await world.ask("POST", "/topology", topology(bgp({ communities: ["65001:666"] })));
    await untilNotReady(world, /refuses the configuration.*not with me/);
    assert.equal(readFileSync(world.config, "utf8"), before);
    await untilPublished(world);
    await world.ask("POST", "/topology", topology(bgp({ communities: ["65001:100"] })));
    await untilReady(world);
    assert.match(readFileSync(world.config, "utf8"), /65001,100/);
  });

  await t.test(
    "without publisher and daemon nothing is withdrawn; what came meanwhile is told after",
    async () => {
      const routes = await untilPublished(world);
      await kill(publisher, "SIGKILL");
      await allocate(world, "node-1", "d");
      assert.deepEqual(world.routes(), routes);
      await kill(world.daemon, "SIGKILL");
      const next = world.publish();
      await untilNotReady(world, /waiting for the daemon/);
      assert.deepEqual(world.routes(), routes);
      const daemon = await world.start();
      assert.notDeepEqual(await untilPublished(world), routes);
      await kill(next, "SIGKILL");
      await kill(daemon, "SIGKILL");
    },
  );

  await t.test("a store that forgot is not followed", async () => {
    const routes = world.routes();
    for (const end of ["", "-wal", "-shm"]) rmSync(`${world.dir}/romana.db${end}`, { force: true });
    await world.start("--adoption-window", "10m");
    world.publish();
    await untilNotReady(world, /daemon: .*503/);
    assert.deepEqual(world.routes(), routes);
  });

  await t.test("BIRD that died and comes back announces what it did, whoever else is away", async () => {
    const routes = world.routes();
    await kill(bird, "SIGKILL");
    await eventually(() => assert.deepEqual(world.routes(), []), WAIT);
    await world.startBird();
    await eventually(() => assert.deepEqual(world.routes(), routes), WAIT);
  });
});
