// Stores as daemons of each older schema left them (testdata/, made by those programs): this one reads all that is in them, hands out nothing
// that is in use, and gives nothing that is kept.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { filled } from "../../../test/support/backups.ts";
import { startDaemon } from "../../../test/support/daemon.ts";
import { type AddressReply } from "../../core/api/types.ts";
import { RECORDS_SCHEMA } from "../../core/model/schema.ts";
import type { Store } from "../../io/store/store.ts";
import { readSchema } from "../../io/store/store-state.ts";

type Records = Readonly<Record<string, string>>;

function recordsOf(schema: number): Records {
  // What has no schema is what schema 1 has, but for the record that says so.
  const file = join(import.meta.dirname, `testdata/schema-${Math.max(1, schema)}.json`);
  const records = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  if (schema > 0) return records;
  return Object.fromEntries(Object.entries(records).filter(([key]) => key !== "schema"));
}

async function start(t: TestContext, store: Store) {
  const running = await startDaemon({ store, argv: ["--adoption-window=0"] });
  t.after(() => running.close());
  return running;
}

/** What came with each schema: the route that shows it, and the names that are shown. */
const brought: readonly (readonly [number, string, string, readonly string[]])[] = [
  [0, "hosts", "name", ["h1", "h2"]],
  [0, "addresses", "name", ["db", "net/c1/eth0", "web"]],
  [0, "blackouts", "cidr", ["10.0.0.240/28"]],
  [2, "reservations", "cidr", ["10.0.1.9/32"]],
  [2, "limits", "tenant", ["t"]],
  [3, "policies", "id", ["p1"]],
  [3, "pods", "id", ["t/web-0"]],
];

for (let schema = 0; schema < RECORDS_SCHEMA; schema++)
  test(`a store of schema ${schema} is taken to schema ${RECORDS_SCHEMA}, and all in it is there`, async (t) => {
    const records = recordsOf(schema);
    const store = await filled(records);
    const { call, daemon } = await start(t, store);
    assert.deepEqual((await readSchema(store)).record, { version: RECORDS_SCHEMA });
    assert.deepEqual([...daemon.mirror.garbage], []);
    for (const [since, kind, key, names] of brought) {
      const { body } = await call(`GET /${kind}${kind === "pods" ? "?tenant=t" : ""}`);
      const shown = (Array.isArray(body) ? body : body[kind]) as Record<string, string>[];
      assert.deepEqual(shown.map((each) => each[key]).sort(), schema < since ? [] : names, kind);
    }
    const { body } = await call("POST /address", { name: "new", host: "h1", tenant: "t", segment: "s" });
    const { ips } = body as AddressReply;
    assert.ok(
      ips.length === 2 && !Object.values(records).some((text) => text.includes(`"ip":"${ips[0]}"`)),
      String(ips),
    );
  });
