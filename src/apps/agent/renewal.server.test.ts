// Daemon, agent and CLI over mutual TLS while every certificate is renewed and the old ones are revoked: nobody restarts, the watch goes
// on from its revision, and who kept an old certificate is out.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type CertificateFiles, createAuthority } from "../../../test/support/certificates.ts";
import { startDaemon } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { createFakeEndpoints } from "../../../test/support/fake-endpoints.ts";
import { Milliseconds, Seconds, systemClock, systemRng } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { startRunner } from "../../base/runner.ts";
import { createMirror, type Mirror } from "../../core/desired/mirror.ts";
import { type DaemonAccess, NO_ACCESS } from "../../io/daemon/access.ts";
import { createDaemonClient, type DaemonClient } from "../../io/daemon/daemon-client.ts";
import { createTransport } from "../../io/daemon/transport.ts";
import { run as runCli } from "../cli/main.ts";
import { followOnce } from "./follow.ts";
import { createScopedWatch } from "./scoped-watch.ts";

/** The files that a program is told of. */
type Used = { readonly put: (from: CertificateFiles) => void; readonly cert: string; readonly key: string };

function usedFiles(dir: string, name: string): Used {
  const [cert, key] = [join(dir, `used-${name}.pem`), join(dir, `used-${name}-key.pem`)];
  const put = (from: CertificateFiles): void => {
    copyFileSync(from.cert, cert);
    copyFileSync(from.key, key);
  };
  return { put, cert, key };
}

const accessWith = (ca: string, { cert, key }: Used): DaemonAccess => ({
  ...NO_ACCESS,
  ...{ daemonCa: ca, daemonCert: cert, daemonKey: key },
});

type Follower = { readonly mirror: Mirror; readonly errors: string[] };

/** Follows the daemon as the agent does, and remembers how its connections ended. */
function follow(t: TestContext, client: DaemonClient, stateDir: string): Follower {
  const mirror = createMirror();
  const errors: string[] = [];
  const node = { hostname: "node-1", registration: () => ({ name: "node-1", ip: "192.168.0.1" }), stateDir };
  const timing = { clock: systemClock, rng: systemRng, reportInterval: Seconds(60) };
  const watch = createScopedWatch({ mirror, scope: () => undefined, policy: undefined });
  const deps = { mirror, watch, endpoints: createFakeEndpoints(), log: silentLog, ...timing };
  const runner = startRunner(
    (signal) => followOnce({ ...deps, ...node, replica: client.replica(), heard: () => undefined }, signal),
    {
      backoff: { first: Milliseconds(10), most: Milliseconds(50) },
      onError: (error) => void errors.push(error instanceof UnavailableError ? error.code : String(error)),
    },
    timing,
  );
  t.after(() => runner.close());
  return { mirror, errors };
}

test(
  "certificates of daemon, agent and CLI are renewed while a watch is open",
  { timeout: 60_000 },
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "romana-renewal-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const ours = createAuthority(join(dir, "ours"));
    const [daemon, node, admin] = [usedFiles(dir, "daemon"), usedFiles(dir, "node"), usedFiles(dir, "admin")];
    const [before, crl] = [usedFiles(dir, "node-before"), join(dir, "crl.pem")];
    const issueAll = (): void => {
      daemon.put(ours.issue("daemon", ["IP:127.0.0.1"]));
      node.put(ours.issue("node-1", [], { organisation: "romana:nodes" }));
      admin.put(ours.issue("alice", [], { organisation: "romana:admins" }));
    };
    issueAll();
    before.put({ ...node, ca: ours.ca });
    copyFileSync(ours.revoke(), crl);

    const tls = [
      "--tls-cert",
      daemon.cert,
      "--tls-key",
      daemon.key,
      "--tls-client-ca",
      ours.ca,
      "--tls-crl",
      crl,
    ];
    const running = await startDaemon({ argv: ["--new-cluster", ...tls] });
    t.after(() => running.close());
    const { app } = running;
    await app.listen({ host: "127.0.0.1", port: 0 });
    const url = new URL(`https://127.0.0.1:${(app.server.address() as AddressInfo).port}`);
    const clientWith = (used: Used): DaemonClient => {
      const client = createDaemonClient([url], createTransport({ access: accessWith(ours.ca, used) }));
      t.after(() => client.close());
      return client;
    };
    const addHost = async (name: string, ip: string): Promise<void> => {
      let said = "";
      const say = (text: string): void => void (said += text);
      const flags = ["--daemon-ca", ours.ca, "--daemon-cert", admin.cert, "--daemon-key", admin.key];
      const code = await runCli(
        ["-r", url.href, ...flags, "host", "add", name, ip],
        {},
        { out: say, err: say },
      );
      assert.equal(code, 0, said);
    };
    const { mirror, errors } = follow(t, clientWith(node), dir);
    await addHost("node-2", "192.168.0.2");
    await eventually(() => assert.ok(mirror.snapshot.hosts.has("node-2")));

    issueAll();
    await addHost("node-3", "192.168.0.3");
    await eventually(() => assert.deepEqual(errors, ["CERTIFICATES_RENEWED"]), { within: 10_000 });
    copyFileSync(ours.revoke({ ...before, ca: ours.ca }), crl);
    await assert.rejects(
      clientWith(before).addresses("node-1"),
      (error) => error instanceof InputError && error.status === 401,
    );
    await addHost("node-4", "192.168.0.4");
    await eventually(() => assert.ok(mirror.snapshot.hosts.has("node-4")));
    assert.deepEqual(errors, ["CERTIFICATES_RENEWED"]);

    const revokedAt = performance.now();
    copyFileSync(ours.revoke({ ...node, ca: ours.ca }), crl);
    await eventually(() => assert.ok(errors.length > 2));
    assert.ok(performance.now() - revokedAt < 4000, "cut within the daemon's second, and some");
    assert.equal(errors[1], "WATCH_ENDED");
    assert.match(errors[2] ?? "", /UNAUTHENTICATED|expected a certificate/);
  },
);
