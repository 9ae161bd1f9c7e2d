// The default data centre, shaken: its invariants, a pod that moves, agents and a daemon that die, routes deleted by hand, a host removed.
// One lab for all scenarios, in this order: each leaves it whole but the last.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { type Lab } from "../../src/apps/lab/lab.ts";
import { runOf } from "../../src/apps/lab/fabric.ts";
import { dumpLab } from "../../src/apps/lab/dump.ts";
import { namespaceOf, processesIn } from "../../src/apps/lab/namespaces.ts";
import { type PodSpec, podSpec } from "../../src/apps/lab/pods.ts";
import { checkFacts } from "../../src/apps/lab/report/checks.ts";
import { gatherFacts, gatherRoutes, romanaRoutes } from "../../src/apps/lab/report/facts.ts";
import { farPod, nearPod, pingMatrix, traceAcross } from "../../src/apps/lab/report/probes.ts";
import { settledMatrix } from "../../src/apps/lab/report/report.ts";
import { removeLab, startLab } from "../../src/apps/lab/start-lab.ts";
import { startNativeHelper } from "../../src/io/kernel/native-helper.ts";
import { systemClock, systemRng } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { AddressList } from "../../src/core/api/types.ts";
import type { Route } from "../../src/core/netlink/types.ts";
import { formatCidr } from "../../src/core/net/cidr.ts";
import { formatIp } from "../../src/core/net/ip.ts";
import { parseTopology } from "../../src/core/topology/parse-topology.ts";
import { PROGRAM } from "../../test/support/bed.ts";
import { eventually } from "../../test/support/eventually.ts";

const stop = new AbortController();
const deps = {
  clock: systemClock,
  rng: systemRng,
  log: silentLog,
  progress: () => undefined,
  signal: stop.signal,
};
/** Of the test's own, to show and remove a lab that did not come up too. */
const helper = await startNativeHelper({ log: silentLog });
const run = runOf(helper);
let lab: Lab;
let id = "";
let isTold = false;

/** The first failure leaves the lab's inside on stderr. */
async function telling(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!isTold) process.stderr.write(await dumpLab(id, run));
    isTold = true;
    throw error;
  }
}

const scenario = (sentence: string, body: () => Promise<void>): void =>
  void test(sentence, { timeout: 60_000 }, () => telling(body));

before(() =>
  telling(async () => {
    const file = join(import.meta.dirname, "../topologies/default.yaml");
    const parsed = parseTopology(parse(readFileSync(file, "utf8")));
    assert.ok(parsed.kind === "valid");
    const { topology } = parsed;
    const size = { hostsPerRack: 2, podsPerHost: 3 };
    lab = await startLab(
      { topology, topologyFile: file, ...size, logLevel: "info" },
      deps,
      (claimed) => (id = claimed),
    );
  }),
);

after(async () => {
  await lab?.leave();
  if (id !== "") await removeLab(id, { run, clock: systemClock });
  await helper.close();
});

scenario("the default data centre is as its topology says, and everybody reaches everybody", async () => {
  assert.equal(lab.state.pods.length, 24);
  assert.deepEqual((await settledMatrix(lab, systemClock)).failed, []);
  const faults = checkFacts(await gatherFacts(lab)).flatMap((check) => check.faults);
  assert.deepEqual(faults, []);
});

scenario("a traceroute across zones passes host, rack, zone, zone, rack, host", async () => {
  for (const { hops } of await traceAcross(lab))
    assert.deepEqual(
      hops.map(({ node }) => node),
      [
        "rack-a1-h1",
        "tor-rack-a1",
        "spine-zone-a",
        "spine-zone-b",
        "tor-rack-b2",
        "rack-b2-h2",
        farPod(lab)?.name,
      ],
    );
});

scenario("a router holds a few prefixes where one per pod would be 48", async () => {
  for (const { node, role, routes } of await gatherRoutes(lab))
    if (role === "spine")
      assert.ok(routes.length <= 10, `${node}: ${routes.map(({ dst }) => formatCidr(dst)).join(" ")}`);
});

scenario("a pod that moves to another zone is reached there", async () => {
  await lab.deletePod("rack-a1-h1-p2");
  const moved = podSpec(id, "rack-b1-h1", "moved", "shop");
  await lab.addNamespaces([moved]);
  await lab.addPod(moved);
  await eventually(async () => assert.deepEqual((await pingMatrix(lab)).failed, []), { within: 8000 });
});

scenario("an agent is stopped, killed and started again, and no packet is lost", async () => {
  const [host = ""] = [lab.state.hosts[0]?.name];
  await losesNothing(async () => {
    await lab.stop(host, "SIGTERM");
    await lab.start(host);
    await lab.stop(host, "SIGKILL");
    await lab.start(host);
  });
});

scenario(
  "the daemon is killed and started again: no packet is lost, and it goes on handing out addresses",
  async () => {
    await losesNothing(async () => {
      await lab.stop("daemon", "SIGKILL");
      await lab.start("daemon");
    });
    const late = podSpec(id, "rack-b2-h1", "late", "bank");
    await lab.addNamespaces([late]);
    await eventually(() => lab.addPod(late), { within: 15_000, every: 200 });
    await eventually(async () => assert.deepEqual((await pingMatrix(lab)).failed, []), { within: 8000 });
  },
);

for (const [node, within] of [
  ["rack-a1-h1", 1000],
  ["spine-zone-a", 2500],
] as const)
  scenario(`a route that somebody deletes by hand in ${node} is back within ${within / 1000} s`, async () => {
    const before = await forwarding(node);
    const [victim] = before;
    assert.ok(victim, `${node} forwards nothing`);
    const argv = ["ip", "route", "delete", formatCidr(victim.dst), "table", String(victim.table)];
    const { code, stderr } = await lab.run(argv, { netns: lab.netns(node) });
    assert.equal(code, 0, stderr);
    await eventually(async () => assert.deepEqual(texts(await forwarding(node)), texts(before)), { within });
  });

scenario(
  "an old backup is restored under running pods: no packet is lost, and no address of theirs is given again",
  async () => {
    const [backup, store] = ["old.backup", "daemon/romana.db"].map((name) => join(lab.state.directory, name));
    assert.ok(backup && store);
    await romana("backup", backup);
    const addTo = async (hosts: readonly string[], name: string): Promise<PodSpec[]> => {
      const pods = hosts.map((host, i) => podSpec(id, host, `${name}-${i}`, "late"));
      await lab.addNamespaces(pods);
      for (const pod of pods) await eventually(() => lab.addPod(pod), { within: 20_000, every: 200 });
      return pods;
    };
    // Of this the backup knows nothing: blocks of a tenant that had none, and an address that is free again.
    const [since] = await addTo(["rack-b2-h2", "rack-a1-h1"], "since");
    await lab.deletePod("rack-a2-h1-p1");
    await losesNothing(async () => {
      await lab.stop("daemon", "SIGKILL");
      for (const suffix of ["", "-wal", "-shm", "-pid"]) await rm(store + suffix, { force: true });
      await romana("store", "import", backup, `sqlite:${store}`);
      await lab.start("daemon");
      await addTo(
        lab.state.hosts.map(({ name }) => name),
        "restored",
      );
      // A node that waited to be told that the store knows all follows it within 2 s.
      await eventually(async () => assert.deepEqual((await pingMatrix(lab)).failed, []), { within: 8000 });
    }, since?.name);
    const ips = lab.state.pods.flatMap((pod) => pod.ips);
    assert.equal(new Set(ips).size, ips.length);
    const { addresses } = await lab.api.call<AddressList>("GET", "/addresses");
    const held = new Set(addresses.flatMap((address) => address.ips));
    assert.deepEqual(
      ips.filter((ip) => !held.has(ip)),
      [],
    );
  },
);

/** Beside the daemon; must end well. */
async function romana(...words: string[]): Promise<void> {
  const argv = [process.execPath, PROGRAM.source, ...words];
  const { code, stdout, stderr } = await lab.run(argv, { netns: lab.netns("daemon") });
  assert.equal(code, 0, stdout + stderr);
}

scenario("a host that is removed leaves no route behind anywhere", async () => {
  const name = "rack-b1-h2";
  const ips = lab.state.hosts.find((host) => host.name === name)?.ips ?? [];
  for (const pod of lab.state.pods.filter((one) => one.host === name)) await lab.deletePod(pod.name);
  await lab.stop(name, "SIGKILL");
  await lab.api.call("DELETE", `/hosts/${name}`);
  await eventually(async () => {
    const routes = (await gatherRoutes(lab))
      .filter(({ node }) => node !== name)
      .flatMap((node) => node.routes);
    const left = routes.filter((route) =>
      route.nextHops.some(({ via }) => via && ips.includes(formatIp(via))),
    );
    assert.deepEqual(texts(left), []);
  });
  await eventually(async () => assert.deepEqual((await pingMatrix(lab)).failed, []), { within: 8000 });
});

/** Routes of a node that lead to another one. */
async function forwarding(node: string): Promise<Route[]> {
  const routes = await romanaRoutes(lab, node);
  return routes.filter((route) => route.nextHops.some(({ via }) => via !== undefined));
}

const texts = (routes: readonly Route[]): string[] =>
  routes
    .map(
      ({ dst, nextHops }) =>
        `${formatCidr(dst)} ${nextHops.map(({ via }) => (via ? formatIp(via) : "")).join(" ")}`,
    )
    .sort();

/** Pings across zones, or to another pod, in both families, 100 a second, while `body` runs and the whole matrix is asked once after it. */
async function losesNothing(body: () => Promise<void>, pod = farPod(lab)?.name): Promise<void> {
  const [from, to] = [nearPod(lab), lab.state.pods.find(({ name }) => name === pod)];
  assert.ok(from && to);
  const argv = ["ping", "-n", "-q", "-i", "0.01", "-w", "40", "-W", "1"];
  const pinging = to.ips.map((ip) =>
    lab.run([...argv, ip], { netns: lab.netns(from.name), timeout: 50_000 }),
  );
  await body();
  assert.deepEqual((await pingMatrix(lab)).failed, []);
  for (const pid of await processesIn([namespaceOf(id, from.name)])) process.kill(pid, "SIGINT");
  for (const { stdout } of await Promise.all(pinging)) {
    const [, sent = "0", received = "-1"] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
    assert.ok(Number(sent) > 50, stdout);
    assert.ok(Number(sent) - Number(received) <= 1, stdout); // the last echo may be under way when ping is told to end
  }
}
