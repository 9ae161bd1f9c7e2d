// A topology against 10,000 live addresses: what would change, and the complete list of what stands against it, page by page.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { storeWith } from "../../../../test/support/store-with.ts";
import { systemClock } from "../../../base/clock.ts";
import type { TopologyPlanReply } from "../../../core/api/topology-plan.ts";
import { encodeAddress, encodeBlock } from "../../../core/model/codec.ts";
import { addressKey, blockKey } from "../../../core/model/keys.ts";
import { parseCidr, subnet } from "../../../core/net/cidr.ts";
import { createMemoryStore } from "../../../io/store/memory-store.ts";

const COUNT = 10_000;
const v4 = { name: "v4", cidr: "10.0.0.0/16" };
const topology = {
  ...twoRacks,
  networks: [v4],
  topologies: twoRacks.topologies.map((tree) => ({ ...tree, networks: ["v4"] })),
};
/** Rack a is renamed: a new group, and the old one goes. */
const renamed = {
  ...topology,
  topologies: [
    {
      networks: ["v4"],
      map: [
        { name: "rack-c", groups: [] },
        { name: "rack-b", groups: [] },
      ],
    },
  ],
};

const store = createMemoryStore({ clock: systemClock });
const kept = storeWith(store, { close: async () => undefined });
const first = await startDaemon({ store: kept });
await first.call("POST /topology", topology);
await first.call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
await first.close();
for (let i = 0; i < COUNT / 8; i++) {
  const cidr = subnet(parseCidr("10.0.0.0/17"), 29, BigInt(i));
  const owner = { host: "h1", tenant: "t", segment: "", sequence: 1 };
  const names = Array.from({ length: 8 }, (_, j) => `p${i * 8 + j}`);
  const slots = names.map((name) => ({ state: "used", name, sequence: 1 }) as const);
  const addresses = names.map((name, j) => {
    const ip = { ...cidr.ip, value: cidr.ip.value + BigInt(j) };
    return { ...owner, name, ips: [{ ip, network: "v4", block: cidr }] };
  });
  await store.txn(
    [],
    [
      {
        kind: "put",
        key: blockKey(cidr),
        value: encodeBlock({ ...owner, cidr, network: "v4", group: "rack-a", slots }),
      },
      ...addresses.map((each) => ({
        kind: "put" as const,
        key: addressKey(each.name),
        value: encodeAddress(each),
      })),
    ],
  );
}
const daemons = await Promise.all(
  [1, 2].map(() => startDaemon({ store: kept, argv: ["--adoption-window=0", "--new-cluster"] })),
);
const [{ call, daemon }, other] = daemons as [Running, Running];
after(() => Promise.all(daemons.map((each) => each.close())));
type Running = Awaited<ReturnType<typeof startDaemon>>;

const planOf = async (
  document: unknown,
  query = "",
  at: Running["call"] = call,
): Promise<TopologyPlanReply> =>
  (await at(`POST /topology/plan${query}`, document)).body as unknown as TopologyPlanReply;

test("all 10,000 conflicts are told once, page by page, by whichever daemon is asked, while addresses come and go", async () => {
  let { conflicts: page } = await planOf(renamed, "?limit=1000");
  const { revision } = page;
  const names = page.conflicts.map(({ name }) => name);
  assert.deepEqual([page.total, names.length], [COUNT, 1000]);
  await call("DELETE /address?addressName=p9999");
  await call("POST /address", { name: "late", host: "h1", tenant: "t" });
  await eventually(() => assert.equal(other.daemon.mirror.revision, daemon.mirror.revision));
  let pages = 1;
  for (; page.continue !== undefined; pages++) {
    const at = pages % 2 === 1 ? other.call : call;
    ({ conflicts: page } = await planOf(renamed, `?limit=999&continue=${page.continue}`, at));
    assert.ok(page.revision > revision, "that something was written is told");
    names.push(...page.conflicts.map(({ name }) => name));
  }
  const all = Array.from({ length: COUNT - 1 }, (_, i) => `p${i}`);
  assert.deepEqual([pages, names.sort()], [11, [...all, "late"].sort()]);
});

test("a refused change tells the first, how many there are, and where all are", async () => {
  const { status, body } = await call("POST /topology", renamed);
  assert.deepEqual([status, body["code"]], [409, "ADDRESS_IN_USE"]);
  const details = String(body["details"]);
  assert.match(details, new RegExp(`"p0": .*none of ${COUNT} addresses.*POST /topology/plan .* names all`));
  assert.ok(details.length < 10_000, `${details.length} characters`);
  assert.equal(
    (await call("GET /topology")).body["revision"],
    first.daemon.mirror.revisionOf("/romana/v3/topology"),
  );
});

test("a plan names the groups and hosts that would change, and changes nothing", async () => {
  const { groups, hosts, conflicts } = await planOf({
    ...renamed,
    topologies: [
      {
        networks: ["v4"],
        map: [
          { name: "rack-a", groups: [] },
          { name: "rack-d", groups: [] },
        ],
      },
    ],
  });
  assert.deepEqual(
    groups.map(({ group, before, after: now }) => [group, before, now]),
    [
      ["rack-d", undefined, "10.0.128.0/17"],
      ["rack-b", "10.0.128.0/17", undefined],
    ],
  );
  assert.deepEqual([hosts, conflicts.total], [[], 0]);
  assert.equal((await planOf(topology)).groups.length, 0);
});

test("a page that begins nowhere and a faulty topology are refused", async () => {
  const twice = await call("POST /topology/plan?continue=10.0.0.1&continue=10.0.0.2", renamed);
  assert.equal(twice.status, 400, JSON.stringify(twice.body));
  const { status, body } = await call("POST /topology/plan?continue=x.5", renamed);
  assert.deepEqual([status, /querystring.continue: "x.5"/.test(String(body["details"]))], [400, true]);
  assert.equal((await call("POST /topology/plan", {})).status, 400);
  for (const limit of ["0", "abc", "-1"])
    assert.equal((await call(`POST /topology/plan?limit=${limit}`, topology)).body["code"], "LIMIT");
});
