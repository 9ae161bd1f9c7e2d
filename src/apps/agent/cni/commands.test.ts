import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError, UnavailableError } from "../../../base/errors.ts";
import { seededRng } from "../../../base/clock.ts";
import type { AddressReply } from "../../../core/api/types.ts";
import type { Change } from "../../../core/netlink/types.ts";
import type { Kernel, NativeHelper } from "../../../io/kernel/kernel.ts";
import { createFakeEndpoints } from "../../../../test/support/fake-endpoints.ts";
import type { CniDeps } from "./attached.ts";
import { asCniError } from "./cni-error.ts";
import { parseCniRequest } from "./cni-request.ts";
import { createCommands } from "./commands.ts";

/** A node whose parts say what was asked of them, and fail when told to. */
function createBench() {
  const told: string[] = [];
  const faults = { allocate: "", release: "", kernel: "", rules: "" };
  let hold: Promise<void> = Promise.resolve();
  const fail = (code: string): void => {
    if (code === "409") throw new InputError({ code, field: "address", value: "", expected: "" }, 409);
    if (code !== "") throw new UnavailableError({ code });
  };
  const kernel = {
    apply: async (changes: readonly Change[]) => {
      if (changes[0]?.kind === "neighbour-replace") told.push("the way to the pod");
      return changes.map(({ kind }) =>
        kind === faults.kernel ? { kind: "failed", errno: 1, code: "EPERM", message: "" } : { kind: "done" },
      );
    },
    link: async () => undefined,
    routes: async () => [],
    close: async () => undefined,
  } as unknown as Kernel;
  const deps: { -readonly [K in keyof CniDeps]: CniDeps[K] } = {
    daemon: {
      allocate: async ({ name }) => {
        await hold;
        told.push(`allocate ${name}`);
        fail(faults.allocate);
        return { name, ips: ["10.0.0.1"], tenant: "t", segment: "s", sequence: 5 } as unknown as AddressReply;
      },
      release: async (name, holder) => {
        told.push(`release ${name} ${JSON.stringify(holder)}`);
        fail(faults.release);
      },
      addresses: async () => [],
    },
    endpoints: createFakeEndpoints(),
    helper: { kernel: async () => kernel } as unknown as NativeHelper,
    host: kernel,
    hostNetnsFd: 3,
    links: { remove: async (name) => void told.push(`remove ${name.slice(0, 3)}`) },
    share: { has: async () => undefined },
    filter: {
      isBusy: false,
      sync: async () => {
        told.push("its rules");
        await Promise.resolve();
        fail(faults.rules);
        told.push("its rules are in");
        return { changes: 0, ruleset: undefined };
      },
    },
    ...{ rng: seededRng(1), hostname: "node-1", table: 10, mtu: () => 1500, notReady: () => undefined },
  };
  const commands = createCommands(deps);
  const run = (command: string): Promise<string> => {
    const env = { CNI_COMMAND: command, CNI_CONTAINERID: "c", CNI_IFNAME: "eth0", CNI_NETNS: "/run/netns/x" };
    const config = JSON.stringify({ cniVersion: "1.0.0", name: "net", type: "romana" });
    return commands(parseCniRequest(new Map(Object.entries(env)), Buffer.from(config)));
  };
  const code = async (command: string): Promise<number | undefined> =>
    run(command).then(
      () => undefined,
      (error: unknown) => asCniError(error).code,
    );
  const wait = (until: Promise<void>): void => void (hold = until);
  return { told, faults, deps, run, code, wait };
}

/** As the daemon is asked for it: `holder` is the allocation's number, or the host that holds it. */
const released = (holder: object): string => `release net/c/eth0 ${JSON.stringify(holder)}`;

test("an ADD whose kernel part fails gives the address back, by its number", async () => {
  for (const kind of ["veth-add", "link-up", "address-add", "route-replace"]) {
    const { told, faults, code, deps } = createBench();
    faults.kernel = kind;
    assert.equal(await code("ADD"), 11, kind);
    const number = told.find((line) => line.startsWith("release"));
    assert.match(number ?? "", /"sequence":5/);
    assert.ok(told.includes("remove rom"));
    assert.deepEqual(deps.endpoints.list(), []);
  }
});

test("an ADD whose rules the kernel refuses gives the address back", async () => {
  const { told, faults, code, deps } = createBench();
  faults.rules = "NFT_REFUSED";
  assert.equal(await code("ADD"), 11);
  assert.match(told.find((line) => line.startsWith("release")) ?? "", /"sequence":5/);
  assert.deepEqual(deps.endpoints.list(), []);
});

test("a pod's rules are sent before the way to it; where another pass keeps them waiting, they are in before it is sent", async () => {
  const { told, run, deps } = createBench();
  const order = async (isBusy: boolean): Promise<string[]> => {
    deps.filter = { ...deps.filter, isBusy };
    told.length = 0;
    await run("ADD");
    return told.slice(1);
  };
  assert.deepEqual(await order(false), ["its rules", "the way to the pod", "its rules are in"]);
  assert.deepEqual(await order(true), ["its rules", "its rules are in", "the way to the pod"]);
});

test("an ADD that cannot be undone is tried again later, whatever it failed of, so that the DEL comes", async () => {
  const { faults, code, deps } = createBench();
  deps.helper.kernel = () => Promise.reject(new UnavailableError({ code: "NETNS_GONE" }));
  assert.equal(await code("ADD"), 3);
  faults.release = "DAEMON_UNREACHABLE";
  assert.equal(await code("ADD"), 11);
});

test("an ADD without an address leaves no pair", async () => {
  const { told, faults, code } = createBench();
  faults.allocate = "DAEMON_UNREACHABLE";
  assert.equal(await code("ADD"), 11);
  assert.deepEqual(told, ["allocate net/c/eth0", "remove rom"]);
});

test("a DEL that comes while the ADD works waits, and frees what it made", async () => {
  const { told, run, wait } = createBench();
  let go = (): void => undefined;
  wait(new Promise((resolve) => (go = resolve)));
  const both = [run("ADD"), run("DEL")];
  go();
  await Promise.all(both);
  assert.equal(told[0], "allocate net/c/eth0");
  assert.match(told.find((line) => line.startsWith("release")) ?? "", /"sequence":5/);
});

test("a DEL that comes before its ADD is done with, and hinders neither the ADD nor the next DEL", async () => {
  const { told, faults, code, deps, run } = createBench();
  faults.release = "409"; // nothing is held under the name
  assert.equal(await code("DEL"), undefined);
  faults.release = "";
  await Promise.all([run("DEL"), run("ADD")]);
  assert.deepEqual(
    deps.endpoints.list().map(({ name }) => name),
    ["net/c/eth0"],
  );
  await run("DEL");
  assert.match(told.findLast((line) => line.startsWith("release")) ?? "", /"sequence":5/);
  assert.deepEqual(deps.endpoints.list(), []);
});

test("a DEL of what nobody here knows frees what this host holds under the name, and is done if it is another's", async () => {
  const { told, faults, code } = createBench();
  faults.release = "409";
  assert.equal(await code("DEL"), undefined);
  assert.ok(told.includes(released({ host: "node-1" })));
});

test("a DEL that could not release keeps the record for the next", async () => {
  const { told, faults, code, deps, run } = createBench();
  await run("ADD");
  faults.release = "DAEMON_UNREACHABLE";
  assert.equal(await code("DEL"), 11);
  assert.deepEqual([deps.endpoints.list().length, deps.endpoints.alive()], [1, []]);
  faults.release = "";
  await run("DEL");
  assert.match(told.findLast((line) => line.startsWith("release")) ?? "", /"sequence":5/);
  assert.deepEqual(deps.endpoints.list(), []);
});
