// docs/guide/tls.md is executed: its commands make certificates and tokens that daemon, agent and CLI take, and what it revokes is out.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { startDaemon } from "../../../test/support/daemon.ts";
import { InputError } from "../../base/errors.ts";
import { type DaemonAccess, NO_ACCESS } from "../../io/daemon/access.ts";
import { createDaemonClient } from "../../io/daemon/daemon-client.ts";
import { exchange } from "../../io/daemon/exchange.ts";
import { createTransport } from "../../io/daemon/transport.ts";

const guide = readFileSync(join(import.meta.dirname, "../../../docs/guide/tls.md"), "utf8");
const dir = mkdtempSync(join(tmpdir(), "romana-tls-guide-"));
after(() => rmSync(dir, { recursive: true }));

/** Commands under a heading, as one script. */
const commandsUnder = (heading: string): string => {
  const section = guide.split(/^## /m).find((text) => text.startsWith(heading)) ?? "";
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = ""]) => text).join("");
};
const issuing = /^issue\(\) .*?^\}\n/ms.exec(guide)?.[0] ?? "";
const run = (script: string): void =>
  void execFileSync("bash", ["-euo", "pipefail", "-c", script], { cwd: dir, stdio: "pipe" });

const file = (name: string): string => join(dir, name);
const accessOf = (name: string): DaemonAccess => ({
  ...NO_ACCESS,
  ...{ daemonCa: file("ca.pem"), daemonCert: file(`${name}.pem`), daemonKey: file(`${name}-key.pem`) },
});
const tokenAccess = (): DaemonAccess => ({
  ...NO_ACCESS,
  ...{ daemonCa: file("ca.pem"), daemonTokenFile: file("grafana.token") },
});
const isUnknown = (error: unknown): boolean => error instanceof InputError && error.status === 401;

test(
  "the guide's commands are followed literally, from the authority to a revoked node",
  { timeout: 60_000 },
  async (t) => {
    run(commandsUnder("Certificates with openssl") + commandsUnder("Tokens"));
    const tls = ["--tls-cert", file("daemon.pem"), "--tls-key", file("daemon-key.pem")];
    const clients = [
      "--tls-client-ca",
      file("ca.pem"),
      "--tls-crl",
      file("crl.pem"),
      "--token-file",
      file("tokens"),
    ];
    const running = await startDaemon({ argv: ["--new-cluster", ...tls, ...clients] });
    t.after(() => running.close());
    await running.app.listen({ host: "127.0.0.1", port: 0 });
    const url = new URL(`https://127.0.0.1:${(running.app.server.address() as AddressInfo).port}`);
    const hostsSeenBy = async (access: DaemonAccess): Promise<string[]> => {
      const transport = createTransport({ access });
      t.after(() => transport.close());
      const sending = { method: "GET", timeout: 5000 } as const;
      const reply = await exchange<{ hosts: { name: string }[] }>(transport, new URL("/hosts", url), sending);
      return reply.hosts.map(({ name }) => name);
    };
    const register = async (name: string): Promise<void> => {
      const client = createDaemonClient([url], createTransport({ access: accessOf(name) }));
      t.after(() => client.close());
      await client.replica().register({ name, ip: "192.168.0.1" }, AbortSignal.timeout(5000));
    };

    await register("node-1");
    assert.deepEqual(await hostsSeenBy(accessOf("alice")), ["node-1"]);
    assert.deepEqual(await hostsSeenBy(tokenAccess()), ["node-1"]);
    run(issuing + commandsUnder("Renew"));
    assert.deepEqual(await hostsSeenBy(accessOf("node-2")), ["node-1"], "renewed");
    run(commandsUnder("Revoke"));
    await assert.rejects(register("node-1"), isUnknown);
    assert.deepEqual(await hostsSeenBy(accessOf("alice")), ["node-1"], "the others are let in");
  },
);

test("the manifests are resources of cert-manager v1 that refer to each other", () => {
  const manifests = [...guide.matchAll(/^```yaml\n(.*?)^```$/gms)].flatMap(([, text = ""]) =>
    parseAllDocuments(text).map((document) => document.toJS() as Manifest),
  );
  assert.equal(manifests.length, 5);
  const named = (kind: string): string[] =>
    manifests.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
  for (const { apiVersion, kind, spec } of manifests) {
    assert.equal(apiVersion, "cert-manager.io/v1");
    if (kind === "Certificate") assert.ok(named("Issuer").includes(spec.issuerRef?.name ?? ""));
    for (const usage of spec.usages ?? [])
      assert.ok(["digital signature", "server auth", "client auth"].includes(usage), usage);
  }
  const secrets = manifests.flatMap(({ kind, spec }) => (kind === "Certificate" ? [spec.secretName] : []));
  assert.ok(manifests.some(({ spec }) => spec.ca && secrets.includes(spec.ca.secretName)));
});

type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly secretName?: string;
    readonly ca?: { readonly secretName: string };
    readonly usages?: readonly string[];
    readonly issuerRef?: { readonly name: string };
  };
};
