// Whose data an etcd holds: a key of the driver's own, made once by whoever comes first, which lives as long as the data does.
// etcd's own cluster id will not do: a restore of a snapshot makes another one, of the same data.
import { randomUUID } from "node:crypto";
import { UnavailableError } from "../../base/errors.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { ownKey } from "./etcd-codec.ts";
import { COMPARE, type TxnRequest, toNumber } from "./etcd-messages.ts";
import { methods } from "./etcd-proto.ts";
import { REPEATABLE } from "./etcd-read.ts";

const KEY = ownKey("/romana/v3/meta/identity");
const SCHEMA = 1;

export type Identity = { readonly clusterId: string; readonly fresh: boolean; readonly revision: number };

/** Rejects with `STORE_SCHEMA_NEWER`, `STORE_CORRUPT` and what calls reject with. */
export async function readIdentity(client: EtcdClient): Promise<Identity> {
  // A transaction that only might put is refused at full quota, and a daemon must be able to start then.
  const { header, kvs } = await client.call(methods.range, { key: KEY }, REPEATABLE);
  if (kvs.length === 0) return makeIdentity(client);
  return { clusterId: parseIdentity(kvs[0]?.value), fresh: false, revision: toNumber(header.revision) };
}

async function makeIdentity(client: EtcdClient): Promise<Identity> {
  const clusterId = randomUUID();
  const value = Buffer.from(JSON.stringify({ clusterId, schema: SCHEMA }));
  const request: TxnRequest = {
    compare: [{ result: COMPARE.EQUAL, target: COMPARE.MOD, key: KEY, mod_revision: 0 }],
    success: [{ request_put: { key: KEY, value } }],
    failure: [{ request_range: { key: KEY } }],
  };
  const { succeeded, header, responses } = await client.call(methods.txn, request, REPEATABLE);
  const revision = toNumber(header.revision);
  if (succeeded) return { clusterId, fresh: true, revision };
  const found = parseIdentity(responses[0]?.response_range?.kvs[0]?.value);
  // The answer to the put was lost, and this is its repetition.
  return { clusterId: found, fresh: found === clusterId, revision };
}

function parseIdentity(value: Buffer | undefined): string {
  const text = value?.toString() ?? "";
  try {
    const { clusterId, schema } = JSON.parse(text) as { clusterId?: unknown; schema?: unknown };
    if (typeof schema === "number" && schema > SCHEMA) throw newerSchema(schema);
    if (typeof clusterId === "string" && clusterId !== "") return clusterId;
  } catch (error) {
    if (error instanceof UnavailableError) throw error;
  }
  const message = `etcd: the key 0xff ${KEY.subarray(1).toString()} does not say whose data this is: ${text}`;
  throw new UnavailableError({ code: "STORE_CORRUPT", message });
}

const newerSchema = (schema: number): UnavailableError =>
  new UnavailableError({
    code: "STORE_SCHEMA_NEWER",
    message: `etcd: data of schema ${schema}, this program knows ${SCHEMA}: run a newer one`,
  });
