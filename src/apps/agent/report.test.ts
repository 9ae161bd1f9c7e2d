// What is reported as seen after a restart: what is in the file, if it is what was written there.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createFakeEndpoints } from "../../../test/support/fake-endpoints.ts";
import { silentLog } from "../../base/log.ts";
import type { HostReport, HostReportReply } from "../../core/api/types.ts";
import { createMirror } from "../../core/desired/mirror.ts";
import type { Replica } from "../../io/daemon/daemon-client.ts";
import { report, seenFile } from "./report.ts";

const stateDir = mkdtempSync(join(tmpdir(), "romana-report-"));
after(() => rmSync(stateDir, { recursive: true }));
const seen = { cluster: "c", revision: 7 };
const reply: HostReportReply = { ...seen, state: "ready", waiting_for: [], conflicts: [] };

/** The file's text, and what is told of it. */
const files: readonly (readonly [what: string, text: string, told: unknown])[] = [
  ["as it was written", JSON.stringify({ ...seen, policies: false }), { ...seen, policies: false }],
  ["of an older agent", JSON.stringify(seen), seen],
  ["empty", "", undefined],
  ["cut off", JSON.stringify(seen).slice(0, -3), undefined],
  ["null", "null", undefined],
  ["a number", "7", undefined],
  ["of no cluster", `{"cluster":"","revision":7}`, undefined],
  ["of a cluster that is no text", `{"cluster":7,"revision":7}`, undefined],
  ["of no revision", `{"cluster":"c"}`, undefined],
  ["of a revision that is none", `{"cluster":"c","revision":-1}`, undefined],
];
for (const [what, text, told] of files)
  test(`a file ${what}: ${JSON.stringify(told) ?? "nothing"} was seen, and the report goes out`, async () => {
    writeFileSync(seenFile(stateDir), text);
    const reports: HostReport[] = [];
    const replica: Replica = {
      url: new URL("http://127.0.0.1:9600"),
      register: () => Promise.reject(new Error("not asked")),
      report: (_host, body) => Promise.resolve((reports.push(body), reply)),
      watch: () => assert.fail("not watched"),
    };
    const deps = { replica, mirror: createMirror(), endpoints: createFakeEndpoints(), log: silentLog };
    await report({ ...deps, hostname: "n", stateDir }, new AbortController().signal);
    assert.deepEqual(
      reports.map((each) => each.seen),
      [told],
    );
  });
