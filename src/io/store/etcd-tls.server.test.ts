// etcd that speaks TLS and asks for certificates: who gets in, who does not, and certificates that change while we run.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import { type CertificateFiles, createAuthority } from "../../../test/support/certificates.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { type EtcdCluster, loopbackOfProcess, startEtcd } from "../../../test/support/etcd.ts";
import { startTcpProxy } from "../../../test/support/tcp-proxy.ts";
import { commit, put } from "../../../test/store/subject.ts";
import { systemClock, systemRng } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { NO_FILES } from "./etcd-access.ts";
import { openStore } from "./open-store.ts";
import type { Store } from "./store.ts";

const dir = mkdtempSync(join(tmpdir(), "romana-etcd-tls-"));
const [ours, theirs] = [createAuthority(join(dir, "ours")), createAuthority(join(dir, "theirs"))];
const here = [`IP:${loopbackOfProcess()}`];
const client = ours.issue("romana", []);
/** What the members and the store read: replaced in the course of the tests. */
const used = { ca: join(dir, "ca.pem"), cert: join(dir, "etcd.pem"), key: join(dir, "etcd-key.pem") };
let etcd: EtcdCluster;

before(async () => {
  replace(used, ours.issue("etcd", here));
  etcd = await startEtcd({ tls: used });
});
after(async () => {
  await etcd.dispose();
  rmSync(dir, { recursive: true });
});

function replace(target: CertificateFiles, source: CertificateFiles): void {
  for (const part of ["ca", "cert", "key"] as const) copyFileSync(source[part], target[part]);
}

async function open(t: TestContext, { ca, cert, key }: CertificateFiles, urls = etcd.urls): Promise<Store> {
  const files = { ...NO_FILES, etcdCa: ca, etcdCert: cert, etcdKey: key };
  const deps = { clock: systemClock, rng: systemRng, log: silentLog };
  const store = await openStore(`etcd:${urls.join(",")}`, deps, files);
  t.after(() => store.close());
  return store;
}

test("with certificates of one authority on both sides the store is open", async (t) => {
  await commit(await open(t, client), put("/k", "v"));
});

/** Each: who is not let in, by whom, what the reason must name. `elsewhere`: at an address that is not in the server's certificate. */
const refused: readonly (readonly [
  who: string,
  files: CertificateFiles,
  reason: RegExp,
  elsewhere?: true,
])[] = [
  [
    "a client without a certificate",
    { ...client, cert: "", key: "" },
    /bad certificate|certificate required/,
  ],
  [
    "a client of a foreign authority",
    { ...theirs.issue("stranger", []), ca: ours.ca },
    /bad certificate|unknown ca/,
  ],
  [
    "a client whose certificate has ended",
    ours.issue("late", [], { starts: -2, ends: -1 }),
    /bad certificate|expired/,
  ],
  [
    "a server of a foreign authority",
    { ...client, ca: theirs.ca },
    /unable to (get local issuer|verify the first) certificate/,
  ],
  ["a server under another name", client, /does not match certificate/, true],
];

test("who shows no good certificate is refused, on either side, with the reason", async (t) => {
  const proxy = await startTcpProxy(new URL(etcd.urls[0] ?? ""));
  t.after(() => proxy.close());
  const attempts = refused.map(([who, files, reason, elsewhere]) =>
    assert.rejects(
      open(t, files, elsewhere ? [`https://${proxy.address}`] : etcd.urls),
      (error: unknown) => {
        assert.ok(error instanceof UnavailableError && error.code === "STORE_UNREACHABLE", String(error));
        assert.match(error.message, reason);
        return true;
      },
      who,
    ),
  );
  await Promise.all(attempts);
});

test("certificates are renewed, of another authority even, without a restart of the store", async (t) => {
  const own = { ca: join(dir, "own-ca.pem"), cert: join(dir, "own.pem"), key: join(dir, "own-key.pem") };
  replace(own, client);
  const store = await open(t, own);
  await commit(store, put("/k", "before"));
  replace(used, theirs.issue("etcd", here));
  const [member] = etcd.members;
  await member?.kill("SIGTERM");
  const restarted = member?.start();
  replace(own, theirs.issue("romana", []));
  await restarted;
  await eventually(() => commit(store, put("/k", "after")), { within: 10_000 });
});
