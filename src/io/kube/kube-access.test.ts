// What says how Kubernetes is reached, and what is refused of it.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InputError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { type KubeAccess, openKubeAccess } from "./kube-access.ts";

const dir = mkdtempSync(join(tmpdir(), "romana-kube-"));
after(() => rmSync(dir, { recursive: true }));
const parse = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());
const inPod = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };

const open = (env: Record<string, string>, document?: unknown): KubeAccess => {
  const kubeconfig = document === undefined ? "" : join(dir, "config");
  if (document !== undefined) writeFileSync(kubeconfig, JSON.stringify(document));
  return openKubeAccess({ kubeconfig, env, parse, log: silentLog }, join(dir, "mount"));
};

const config = (
  cluster: Record<string, unknown> = { server: "https://k:6443/base" },
  user: Record<string, unknown> = { token: "secret" },
  context: Record<string, unknown> = {},
): Record<string, unknown> => ({
  "current-context": "c",
  contexts: [{ name: "c", context: { cluster: "k", user: "u", ...context } }],
  clusters: [{ name: "k", cluster }],
  users: [{ name: "u", user }],
});

test("in a pod its service account's files are used: one that is not there, or wrong, is told by name", () => {
  mkdirSync(join(dir, "mount"));
  for (const [name, text] of [
    ["token", "one\n"],
    ["namespace", "romana-system"],
  ] as const)
    writeFileSync(join(dir, "mount", name), text);
  assert.throws(() => open(inPod), /service account: ".*ca.crt"/);
  writeFileSync(join(dir, "mount", "ca.crt"), "no certificate");
  assert.throws(() => open(inPod), /service account: .*PEM certificates/);
});

test("a kubeconfig's current context is used, with the token as its file has it now", () => {
  writeFileSync(join(dir, "token"), "one\n");
  const access = open({}, config({ server: "https://k:6443" }, { tokenFile: "token" }, { namespace: "n" }));
  assert.deepEqual([access.server.href, access.token(), access.namespace], ["https://k:6443/", "one", "n"]);
  writeFileSync(join(dir, "token"), "two\n");
  assert.equal(access.token(), "two");
});

test("a kubeconfig goes before the pod's own account", () => {
  const access = open(inPod, config());
  assert.deepEqual([access.server.host, access.token(), access.namespace], ["k:6443", "secret", "default"]);
});

const refused: readonly (readonly [string, unknown, RegExp])[] = [
  ["without a context", {}, /config: current-context: "": expected a text/],
  ["with a context that is not there", { "current-context": "x" }, /contexts: "x": expected an entry/],
  ["with a cluster that is not there", config(undefined, undefined, { cluster: "x" }), /clusters: "x"/],
  ["without a server", config({}), /clusters\[0\].cluster.server: ""/],
  [
    "with a server that is no address",
    config({ server: "k:6443" }),
    /cluster.server: "k:6443": expected an address/,
  ],
  [
    "that checks no certificate",
    config({ server: "https://k", "insecure-skip-tls-verify": true }),
    /insecure-skip/,
  ],
  ["with a proxy", config({ server: "https://k", "proxy-url": "http://p" }), /proxy-url/],
  ["that runs a program", config(undefined, { exec: { command: "x" } }), /user.exec: "\(given\)"/],
  ["with a password", config(undefined, { username: "a", password: "secret" }), /username/],
  ["with a token that is no text", config(undefined, { token: 1 }), /token: "number": expected a text/],
  [
    "whose authority is none",
    config({ server: "https://k", "certificate-authority-data": "eA==" }),
    /PEM certificates/,
  ],
  [
    "whose authority is not there",
    config({ server: "https://k", "certificate-authority": "x.pem" }),
    /readable file/,
  ],
];
for (const [what, document, message] of refused)
  test(`a kubeconfig ${what} is refused, and no secret is shown`, () => {
    assert.throws(
      () => open({}, document),
      (error) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  });

test("no pod and no kubeconfig", () => {
  assert.throws(
    () => open({}),
    /--kubeconfig: "": expected a kubeconfig file, as this is no pod of Kubernetes/,
  );
});
