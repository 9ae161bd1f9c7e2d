// The lab as a program: what it tells, how it ends, what it leaves. Runs of two labs at a time, which must not meet.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import {
  directoryOf,
  groupLives,
  leftovers,
  processesNaming,
  runLabProgram,
  startLabProgram,
} from "../support/lab-program.ts";

const small = join(import.meta.dirname, "../topologies/small.yaml");
const size = [small, "--hosts-per-rack=1", "--pods-per-host=1"];
const quick = [...size, "--throughput=off"];

/** Every line of progress is a moment to press Ctrl-C. */
const moments = [
  "namespaces",
  "daemon on sqlite",
  "agents",
  "pods through the CNI plugin",
  "pings between",
  "traceroute across",
  "TCP throughput",
  "What must hold",
] as const;

suite("the lab as a program", { concurrency: 2 }, () => {
  test(
    "without a word it builds the default data centre, reports and ends with 0",
    { timeout: 60_000 },
    async () => {
      const lab = startLabProgram();
      assert.equal(await lab.ended, 0, lab.out() + lab.err());
      for (const part of [
        /\nTopology .*\n.* 10\.112\.0\.0\/12 {2}fd10:112::\/48\n/,
        /\nRoutes {2}\d+ lead to other nodes; without aggregation 416, with one per pod 624\n/,
        /\nPing {2}24 x 24 pods, IPv4 and IPv6: 1152 of 1152 answered\n/,
        /\nTraceroute {2}rack-a1-h1-p1 to rack-b2-h2-p1\n/,
        /\nTCP throughput .*\n {2}pods [\d.]+ Gbit\/s, the same hosts routed by hand [\d.]+ Gbit\/s: ratio [\d.]+\n/,
        /\nTime per pod {2}median [\d.]+ ms/,
        /\nAll of it holds, after [\d.]+ s\.\nThe lab is removed; romana lab --keep leaves it standing/,
      ])
        assert.match(lab.out(), part);
      assert.equal(lab.err(), "");
      assert.deepEqual(leftovers(lab.id()), []);
    },
  );

  for (const moment of moments)
    test(`Ctrl-C at "${moment}" leaves nothing`, { timeout: 60_000 }, async () => {
      const lab = startLabProgram(...size);
      await lab.says(moment);
      lab.signal("SIGINT");
      // At the last moment it may have been done already.
      const code = await lab.ended;
      assert.ok(
        code === 130 || (moment === "What must hold" && code === 0),
        `${code}\n${lab.out()}${lab.err()}`,
      );
      assert.equal(lab.err(), "");
      assert.deepEqual(leftovers(lab.id()), []);
      assert.equal(groupLives(lab.child.pid), false);
    });

  test("an impatient Ctrl-C, Ctrl-C, Ctrl-C leaves nothing", { timeout: 60_000 }, async () => {
    const lab = startLabProgram(...quick);
    await lab.says("pods through the CNI plugin");
    lab.signal("SIGINT");
    await lab.says("interrupted: removing lab");
    const isGone = (): void => {
      if (!groupLives(lab.child.pid)) return;
      lab.signal("SIGINT");
      assert.fail("still there");
    };
    await eventually(isGone, { within: 20_000, every: 5 });
    // The last one may meet a program that has done its work and is on its way out.
    assert.ok([130, "SIGINT"].includes((await lab.ended) ?? ""));
    assert.deepEqual(leftovers(lab.id()), []);
  });

  for (const word of ["SIGTERM", "SIGHUP"] as const)
    test(`${word} leaves nothing`, { timeout: 60_000 }, async () => {
      const lab = startLabProgram(...quick);
      await lab.says("agents");
      lab.signal(word);
      assert.equal(await lab.ended, 130);
      assert.deepEqual(leftovers(lab.id()), []);
    });

  test("a reader that goes away (romana lab | head -1) leaves nothing", { timeout: 60_000 }, async () => {
    const lab = startLabProgram(...quick);
    await lab.says("namespaces");
    lab.child.stdout?.destroy();
    assert.equal(await lab.ended, 130);
    assert.deepEqual(leftovers(lab.id()), []);
  });

  test("a killed lab is seen as a leftover and removed by lab down", { timeout: 60_000 }, async () => {
    const lab = startLabProgram(...size);
    await lab.says("agents");
    const id = lab.id();
    const before = await runLabProgram("status", "--id", id);
    assert.match(
      before.out,
      new RegExp(`^lab ${id}: at work \\(process ${lab.child.pid}\\), \\d+ namespaces`),
    );
    lab.signal("SIGKILL");
    assert.equal(await lab.ended, "SIGKILL");
    const status = await runLabProgram("status", "--id", id);
    assert.match(status.out, new RegExp(`^lab ${id}: leftover of a program that died`));
    const down = await runLabProgram("down", "--id", id);
    assert.equal(down.out, `removed lab ${id}\n`);
    assert.deepEqual(leftovers(id), []);
  });

  test("a lab that is kept is looked into, and taken down", { timeout: 60_000 }, async () => {
    const lab = startLabProgram(...quick, "--keep");
    assert.equal(await lab.ended, 0, lab.err());
    const id = lab.id();
    assert.match(lab.out(), /runs on:\n {2}romana lab status/);
    const status = await runLabProgram("status", "--id", id);
    assert.match(status.out, new RegExp(`^lab ${id}: kept, 9 namespaces, \\d+ processes`));
    const inside = await runLabProgram("exec", "--id", id, "spine-zone-a", "--", "ip", "route");
    assert.match(inside.out, /10\.112\.128\.0\/17 via .* proto 82/);
    const failing = await runLabProgram("exec", "--id", id, "rack-b-h1-p1", "--", "sh", "-c", "exit 7");
    assert.equal(failing.code, 7);
    const nobody = await runLabProgram("exec", "--id", id, "nobody", "--", "true");
    assert.equal(nobody.code, 2);
    assert.match(nobody.err, /NODE: "nobody": expected one of daemon, rack-a-h1, /);
    assert.equal((await runLabProgram("down", "--id", id)).code, 0);
    assert.deepEqual(leftovers(id), []);
  });

  test(
    "a run that fails tells routes, rules, snapshot and logs, and ends with 1",
    { timeout: 60_000 },
    async () => {
      const lab = startLabProgram(...quick);
      await lab.says("agents");
      // Nobody heals this: the router between the zones drops what IPv4 pings ask.
      const hook = "type filter hook forward priority 0; icmp type echo-request drop;";
      const argv = ["nft", `table inet broken { chain forward { ${hook} }; }`];
      execFileSync("nsenter", [`--net=/run/netns/romana-lab-${lab.id()}-spine-zone-a`, ...argv]);
      assert.equal(await lab.ended, 1);
      assert.match(lab.out(), /rack-a-h1-p1 {2}■ 6\n {2}rack-b-h1-p1 {2}6 ■\n {2}■ answered/);
      assert.match(lab.out(), /✗ every pod answers every pod.*\n {6}2 of 8 not answered/);
      assert.match(lab.out(), /NOT all of it holds/);
      for (const part of [
        /=== spine-zone-a\n\$ ip rule\n/,
        /10\.112\.128\.0\/17 via \S+ dev \S+ proto 82/,
        /unreachable 10\.112\.0\.0\/17 .*proto 82/,
        /=== GET \/topology\n\{"/,
        /=== GET \/blocks\n\{"/,
        /=== log of daemon\n\{"/,
        /=== log of rack-a-h1\n\{"/,
      ])
        assert.match(lab.err(), part);
      assert.deepEqual(leftovers(lab.id()), []);
    },
  );

  test("a run that breaks off tells the same, and why", { timeout: 60_000 }, async () => {
    const lab = startLabProgram(...quick);
    await lab.says("agents");
    for (const { pid } of processesNaming(`sqlite:${directoryOf(lab.id())}`)) process.kill(pid, "SIGKILL");
    assert.equal(await lab.ended, 1);
    assert.match(lab.err(), /=== log of daemon\n/);
    assert.match(lab.err(), /romana: CNI ADD of rack-a-h1-p1 on rack-a-h1: /);
    assert.deepEqual(leftovers(lab.id()), []);
  });
});

test("two labs of the same file run at the same time and end well", { timeout: 60_000 }, async () => {
  const [one, other] = [startLabProgram(...quick, "--keep"), startLabProgram(...quick)];
  assert.deepEqual(await Promise.all([one.ended, other.ended]), [0, 0], one.err() + other.err());
  assert.notEqual(one.id(), other.id());
  // The end of the one took nothing from the other.
  const ping = await runLabProgram(
    "exec",
    "--id",
    one.id(),
    "rack-a-h1-p1",
    "--",
    "ping",
    "-c1",
    "-W2",
    "10.112.128.0",
  );
  assert.equal(ping.code, 0, ping.out + ping.err);
  await runLabProgram("down", "--id", one.id());
  for (const lab of [one, other]) assert.deepEqual(leftovers(lab.id()), []);
});
