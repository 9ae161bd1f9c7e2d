// What stands at the socket in place of a good BIRD. The good one is in publisher.root.test.ts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createBirdControl } from "./bird-control.ts";

async function directory(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "romana-bird-"));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

/** A socket that greets, and answers each command with `reply`. */
async function fake(t: TestContext, greeting: string, reply = ""): Promise<string> {
  const path = join(await directory(t), "bird.ctl");
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.write(greeting);
    socket.on("data", () => (reply === "" ? socket.end() : socket.write(reply)));
  }).listen(path);
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return path;
}
const GOOD = "0001 BIRD 2.0.12 ready.\n";

test("a configuration that BIRD took", async (t) => {
  const path = await fake(t, GOOD, "0002-Reading configuration from /x\n0003 Reconfigured\n");
  assert.equal(await createBirdControl(path).configure(), undefined);
});

test("a configuration that BIRD refuses is told with its reason", async (t) => {
  const path = await fake(t, GOOD, "0002-Reading configuration from /x\n8002 /x:3:1 syntax error\n");
  assert.equal(await createBirdControl(path).configure(), "/x:3:1 syntax error");
});

test("lines that go on are part of the reply", async (t) => {
  const reply = "2002-Name\n1002-r1 BGP --- up 1:2 Established\n r2 BGP --- start 1:2 Active\n0000 \n";
  const path = await fake(t, "0001 BIRD v3.1.0 ready.\n", reply);
  assert.deepEqual(await createBirdControl(path).protocols(), [
    { name: "r1", info: "Established" },
    { name: "r2", info: "Active" },
  ]);
});

const bad: readonly [what: string, code: string, greeting: string, reply?: string][] = [
  ["BIRD 2.0.11", "BIRD_OLD", "0001 BIRD 2.0.11 ready.\n"],
  ["BIRD 1.6.8", "BIRD_OLD", "0001 BIRD 1.6.8 ready.\n"],
  ["another program", "BIRD_GARBAGE", "220 mail.example ESMTP\n"],
  ["a program with such codes", "BIRD_GARBAGE", "0001 hello\n"],
  ["one that hangs up", "BIRD_SOCKET", GOOD],
];
for (const [what, code, greeting, reply] of bad)
  test(`${what} is ${code}`, async (t) => {
    await assert.rejects(createBirdControl(await fake(t, greeting, reply)).configure(), { code });
  });

test("no socket, and a file in its place, are BIRD_SOCKET", async (t) => {
  const dir = await directory(t);
  await writeFile(join(dir, "file"), "");
  for (const name of ["none", "file"])
    await assert.rejects(createBirdControl(join(dir, name)).configure(), { code: "BIRD_SOCKET" });
});
