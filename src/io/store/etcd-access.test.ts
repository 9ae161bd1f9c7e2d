import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InputError } from "../../base/errors.ts";
import { type EtcdFiles, etcdAccess, NO_FILES } from "./etcd-access.ts";

const folder = mkdtempSync(join(tmpdir(), "romana-access-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const garbage = file("garbage.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
const empty = file("empty", "\n");
const HTTPS = "https://a:2379";

/** Each: the endpoints, the files, and the fields of the faults. */
const refused: readonly (readonly [list: string, files: Partial<EtcdFiles>, fields: readonly string[]])[] = [
  ["", {}, ["--store"]],
  ["a:2379", {}, ["--store"]],
  ["ftp://a:2379,https://b:2379,https://c", {}, ["--store", "--store"]],
  ["https://a:70000", {}, ["--store"]],
  ["https://a:2379/path", {}, ["--store"]],
  ["https://user:secret@a:2379", {}, ["--store"]],
  ["https://::1:2379", {}, ["--store"]],
  ["https://a:2379,", {}, ["--store"]],
  ["http://a:2379", {}, ["--store"]],
  [`${HTTPS},http://10.0.0.1:2379`, {}, ["--store"]],
  ["http://a:2379", { insecure: true, etcdCa: garbage }, ["--store"]],
  ["http://a:2379", { insecure: true, etcdUser: "romana", etcdPasswordFile: garbage }, ["--store"]],
  [HTTPS, { etcdCert: garbage }, ["--etcd-key"]],
  [HTTPS, { etcdKey: garbage }, ["--etcd-cert"]],
  [HTTPS, { etcdUser: "romana" }, ["--etcd-password-file"]],
  [HTTPS, { etcdPasswordFile: garbage }, ["--etcd-user"]],
  [`${HTTPS},http://10.0.0.1:2379`, { etcdUser: "romana", etcdPasswordFile: garbage }, ["--store"]],
  [HTTPS, { etcdUser: "romana", etcdPasswordFile: empty }, ["--etcd-password-file"]],
  [HTTPS, { etcdUser: "romana", etcdPasswordFile: join(folder, "none") }, ["--etcd-password-file"]],
  [HTTPS, { etcdCa: join(folder, "none") }, ["--etcd-ca"]],
  [HTTPS, { etcdCa: garbage }, ["--etcd-ca"]],
  [HTTPS, { etcdCert: garbage, etcdKey: garbage }, ["--etcd-cert"]],
];

test("what is wrong with the way to etcd is told by option, all of it", () => {
  for (const [list, files, fields] of refused)
    assert.throws(
      () => etcdAccess(list, { ...NO_FILES, ...files }),
      (error: unknown) => {
        assert.ok(error instanceof InputError);
        assert.deepEqual(
          error.faults.map(({ field }) => field),
          fields,
          error.message,
        );
        assert.ok(!error.message.includes("secret"));
        return true;
      },
    );
});

test("endpoints are taken by name and address, and the password again each time", () => {
  const etcdPasswordFile = file("password", "first\nand no more");
  const { endpoints, user } = etcdAccess(
    "https://a.example:2379, http://127.0.0.1:1,https://[fd00::1]:2379",
    {
      ...NO_FILES,
      etcdUser: "romana",
      etcdPasswordFile,
    },
  );
  assert.deepEqual(endpoints, ["https://a.example:2379", "http://127.0.0.1:1", "https://[fd00::1]:2379"]);
  assert.deepEqual(user?.(), { name: "romana", password: "first" });
  file("password", "second\n");
  assert.equal(user?.().password, "second");
});
