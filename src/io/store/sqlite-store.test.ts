import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testStore } from "../../../test/store/conformance.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { silentLog } from "../../base/log.ts";
import { openSqliteStore } from "./sqlite-store.ts";

testStore("sqlite", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "romana-store-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const clock = createFakeClock();
  const store = await openSqliteStore({ path: join(folder, "romana.db"), clock, log: silentLog });
  return { store, pass: (seconds) => clock.advance(seconds * 1000) };
});
