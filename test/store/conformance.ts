// The conformance suite of the store's interface: the same cases for every driver. A driver that passes may stand behind the daemon.
import { randomUUID } from "node:crypto";
import { test, type TestContext } from "node:test";
import { endCases } from "./end-cases.ts";
import { leaseCases } from "./lease-cases.ts";
import { modelCases } from "./model-cases.ts";
import { readCases } from "./read-cases.ts";
import { snapshotCases } from "./snapshot-cases.ts";
import type { Subject } from "./subject.ts";
import { txnCases } from "./txn-cases.ts";
import { watchCases } from "./watch-cases.ts";

/** A store for one case, as it closes it at its end: new, or a connection to one that the cases share. */
export type OpenSubject = (t: TestContext) => Promise<Pick<Subject, "store" | "pass">>;

export function testStore(driver: string, open: OpenSubject): void {
  const cases = [readCases, snapshotCases, txnCases, watchCases, leaseCases, modelCases, endCases];
  for (const { name, run } of cases.flat())
    test(`${driver} store: ${name}`, { timeout: 60_000 }, async (t) => {
      const over = new AbortController();
      const { store, pass } = await open(t);
      try {
        await run({ store, pass, prefix: `/conformance/${randomUUID()}/`, signal: over.signal });
      } finally {
        over.abort();
        await store.close();
      }
    });
}
