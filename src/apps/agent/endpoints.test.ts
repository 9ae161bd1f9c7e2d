import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { type AgentEndpoint, openEndpoints } from "./endpoints.ts";

const endpoint = (name: string, sequence = 1): AgentEndpoint => ({
  ...{
    name,
    ips: ["10.0.0.1", "fd00::1"],
    tenant: "t",
    segment: "s",
    sequence,
    network: "n",
    containerId: "c",
  },
  ...{ ifname: "eth0", netns: "/run/netns/x", hostInterface: "rom0", hostIndex: 7, mtu: 1500 },
});

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "romana-endpoints-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}
const open = (path: string, changed = (): void => undefined) =>
  openEndpoints(path, { log: silentLog, changed });

test("what one agent kept the next one knows, until it is removed", async (t) => {
  const path = await directory(t);
  let changes = 0;
  const first = await open(path, () => void changes++);
  await first.add(endpoint("a"));
  await first.add(endpoint("a", 2));
  await first.add(endpoint("b/../../c"));
  assert.equal(changes, 3);
  const second = await open(path);
  assert.deepEqual(
    second
      .list()
      .map(({ name, sequence }) => [name, sequence])
      .sort(),
    [
      ["a", 2],
      ["b/../../c", 1],
    ],
  );
  assert.deepEqual(second.get("a"), endpoint("a", 2));
  await second.remove("a");
  await second.remove("nowhere");
  assert.deepEqual((await open(path)).list(), [endpoint("b/../../c")]);
});

test("one that is leaving is neither routed nor reported, but known", async (t) => {
  let changes = 0;
  const endpoints = await open(await directory(t), () => void changes++);
  await endpoints.add(endpoint("a"));
  endpoints.leave("a");
  endpoints.leave("a");
  endpoints.leave("nowhere");
  assert.deepEqual([endpoints.alive(), endpoints.get("a")?.name, changes], [[], "a", 2]);
  await endpoints.add(endpoint("a"));
  assert.equal(endpoints.alive().length, 1);
});

test("one that has another link by now does not leave with the old one", async (t) => {
  const endpoints = await open(await directory(t));
  await endpoints.add(endpoint("a"));
  await endpoints.add({ ...endpoint("a"), hostIndex: 8 });
  endpoints.leaveLink(7);
  assert.equal(endpoints.alive().length, 1);
  endpoints.leaveLink(8);
  assert.equal(endpoints.alive().length, 0);
});

test("a file that is none is set aside, and the others are read", async (t) => {
  const path = await directory(t);
  await (await open(path)).add(endpoint("a"));
  await writeFile(join(path, "half.json"), '{"name":"b","ips":[');
  await writeFile(join(path, "other.json"), "{}");
  assert.deepEqual((await open(path)).list(), [endpoint("a")]);
  assert.deepEqual((await readdir(path)).filter((name) => name.endsWith(".bad")).sort(), [
    "half.json.bad",
    "other.json.bad",
  ]);
  assert.deepEqual((await open(path)).list(), [endpoint("a")]);
});

const damages: readonly (readonly [string, unknown])[] = [
  ["no object", "x"],
  ["nothing", null],
  ["an address that is none", { ...endpoint("b"), ips: ["10.0.0.300"] }],
  ["an address that is a number", { ...endpoint("b"), ips: [10] }],
  ["a sequence with a fraction", { ...endpoint("b"), sequence: 1.5 }],
  ["no index of its interface", { ...endpoint("b"), hostIndex: undefined }],
  ["a tenant that is no text", { ...endpoint("b"), tenant: {} }],
  ["a pod that is no text", { ...endpoint("b"), pod: 1 }],
];
for (const [what, damaged] of damages)
  test(`a file with ${what} is set aside: it stops neither the routes nor the report of the others`, async (t) => {
    const path = await directory(t);
    await (await open(path)).add(endpoint("a"));
    await writeFile(join(path, "b.json"), JSON.stringify(damaged));
    assert.deepEqual((await open(path)).list(), [endpoint("a")]);
    assert.ok((await readdir(path)).includes("b.json.bad"));
  });

test("a directory that cannot be written is named, and the endpoint is not taken for kept", async (t) => {
  const path = join(await directory(t), "file");
  await writeFile(path, "");
  const names = (error: unknown): boolean =>
    error instanceof UnavailableError && error.code === "STATE_DIR" && error.message.includes(path);
  await assert.rejects(open(join(path, "below")), names);
  const gone = await directory(t);
  const endpoints = await open(join(gone, "endpoints"));
  await rm(join(gone, "endpoints"), { recursive: true });
  const added = endpoints.add(endpoint("a"));
  assert.equal(endpoints.get("a")?.name, "a");
  await assert.rejects(added, UnavailableError);
  assert.equal(endpoints.get("a"), undefined);
});
