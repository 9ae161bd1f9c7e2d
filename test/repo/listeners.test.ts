// Who opens a port: off loopback there is TLS or nothing, and that is so in one place.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const src = join(import.meta.dirname, "../../src");
const OPENS = /\bcreate(Tls)?Server\(|\bcreateSocket\(/;

/** File, and why it may. */
const KNOWN: Readonly<Record<string, string>> = {
  "apps/agent/cni/server.ts": "a unix socket",
  "apps/lab/relay.ts": "a unix socket",
  "io/http/server.ts": "the daemon's and the agent's port; their options refuse plain HTTP off loopback",
};

test("nothing of the program listens but what is known to", () => {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" });
  const sources = files.filter((file) => /(?<!\.test)\.ts$/.test(file) && !file.includes("/testdata/"));
  assert.ok(sources.length > 100);
  const opening = sources.filter((file) => OPENS.test(readFileSync(join(src, file), "utf8")));
  assert.ok(OPENS.test("const server = createServer(answer)"), "the law rejects a fixture");
  assert.deepEqual(opening.sort(), Object.keys(KNOWN).sort());
});
