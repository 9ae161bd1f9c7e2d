// Where the daemon may listen, and with which files.
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../base/errors.ts";
import { readOptions } from "../../base/options.ts";
import { daemonOptions } from "./config.ts";
import { checkListener, listenAddress } from "./listener.ts";

const plain = readOptions(daemonOptions, { argv: [], env: {}, envPrefix: "TEST" });
const tls = { tlsCert: "/cert", tlsKey: "/key" };

/** Each: options, and the fields of what is wrong with them. */
const checked: readonly (readonly [given: Partial<typeof plain>, fields: readonly string[]])[] = [
  [{}, []],
  [{ listen: "127.1.2.3:9600" }, []],
  [{ listen: "[::1]:9600" }, []],
  [{ listen: "localhost:9600" }, []],
  [{ listen: ":9600" }, ["--listen", "--listen"]],
  [{ listen: "0.0.0.0:9600" }, ["--listen", "--listen"]],
  [{ listen: "10.0.0.1:9600" }, ["--listen", "--listen"]],
  [{ listen: "127.example:9600" }, ["--listen", "--listen"]],
  [{ listen: ":9600", insecure: true }, []],
  [{ listen: ":9600", ...tls }, ["--listen"]],
  [{ ...tls, tlsCrl: "/crl" }, ["--tls-client-ca"]],
  [{ listen: ":9600", ...tls, insecure: true }, []],
  [{ listen: ":9600", ...tls, tlsClientCa: "/ca" }, []],
  [{ listen: ":9600", ...tls, tokenFile: "/tokens" }, []],
  [{ listen: ":9600", tokenFile: "/tokens" }, ["--listen"]],
  [{ tokenFile: "/tokens" }, []],
  [{ ...tls, tlsClientCa: "/ca" }, []],
  [{ tlsCert: "/cert" }, ["--tls-key"]],
  [{ tlsKey: "/key" }, ["--tls-cert"]],
  [{ tlsClientCa: "/ca" }, ["--tls-cert"]],
  [{ listen: ":9600", tlsClientCa: "/ca" }, ["--tls-cert", "--listen"]],
];
for (const [given, fields] of checked)
  test(`${JSON.stringify(given)}: ${fields.length > 0 ? `refused for ${fields.join(" and ")}` : "taken"}`, () => {
    const check = (): void => checkListener({ ...plain, ...given });
    if (fields.length === 0) return check();
    assert.throws(check, (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.deepEqual(
        error.faults.map(({ field }) => field),
        fields,
      );
      return true;
    });
  });

/** What `--listen` takes. */
const listens: readonly [string, { host: string; port: number }][] = [
  ["127.0.0.1:9600", { host: "127.0.0.1", port: 9600 }],
  ["[::1]:9600", { host: "::1", port: 9600 }],
  [":9600", { host: "::", port: 9600 }],
  ["localhost:0", { host: "localhost", port: 0 }],
];
for (const [text, expected] of listens)
  test(`--listen ${text}`, () => assert.deepEqual(listenAddress({ listen: text }), expected));
