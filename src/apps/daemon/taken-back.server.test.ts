// A request that was taken back before its turn is not done: who asked has gone on at another replica, and nobody would release it.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createAuthority } from "../../../test/support/certificates.ts";
import { twoRacks } from "../../../test/support/daemon.ts";
import { daemonBed } from "../../../test/support/daemon-process.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { Milliseconds, systemClock } from "../../base/clock.ts";
import type { AddressList } from "../../core/api/types.ts";
import { NO_ACCESS } from "../../io/daemon/access.ts";
import { exchange } from "../../io/daemon/exchange.ts";
import { createTransport } from "../../io/daemon/transport.ts";

const dir = mkdtempSync(join(tmpdir(), "romana-taken-back-"));
after(() => rmSync(dir, { recursive: true }));
const authority = createAuthority(dir);
const { cert, key } = authority.issue("daemon", ["IP:127.0.0.1"]);

const ways = {
  http: [],
  https: ["--tls-cert", cert, "--tls-key", key],
} as const;

for (const [scheme, flags] of Object.entries(ways))
  test(`what was asked of a paused daemon over ${scheme} and taken back is not done when it goes on`, async (t) => {
    const { start, listen, log } = await daemonBed(t);
    const child = await start("--new-cluster", ...flags);
    const transport = createTransport({ access: { ...NO_ACCESS, daemonCa: authority.ca } });
    t.after(() => transport.close());
    const ask = <Reply>(method: "GET" | "POST", path: string, body?: unknown, signal?: AbortSignal) => {
      const sending = { method, body, timeout: 5000, ...(signal && { signal }) };
      return exchange<Reply>(transport, new URL(path, `${scheme}://${listen}`), sending);
    };
    await ask("POST", "/topology", twoRacks);
    await ask("POST", "/hosts", { name: "h", ip: "192.168.0.1", tags: { rack: "a" } });
    child.kill("SIGSTOP");
    const stop = new AbortController();
    const asked = ask("POST", "/address", { name: "gone", host: "h", tenant: "t" }, stop.signal);
    await systemClock.sleep(Milliseconds(200));
    stop.abort();
    await assert.rejects(asked, /no answer from the daemon/);
    child.kill("SIGCONT");
    await eventually(() => assert.match(log(), /"route":"\/address".*"status":503/));
    assert.deepEqual((await ask<AddressList>("GET", "/addresses")).addresses, []);
  });
