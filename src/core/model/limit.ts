// The most that a tenant may have, and its form in the store. Never decides whether it is reached.
import { garbage, parseText, readCount, readObject, readRecord, readString } from "./codec-read.ts";
import { limitKey } from "./keys.ts";

/**
 * Key `limits/<tenant>`. Addresses in use, those of a pod counted one by one. Every allocation for the tenant writes it anew, so that two
 * daemons cannot both give the last one.
 */
export type Limit = {
  readonly tenant: string;
  /** In all networks together. */
  readonly total?: number;
  /** By network. */
  readonly networks: Readonly<Record<string, number>>;
};

export const encodeLimit = (limit: Limit): string => JSON.stringify(limit);

/** UnavailableError `STORE_GARBAGE`. */
export function decodeLimit(key: string, text: string): Limit {
  const { tenant, total, networks } = readObject(parseText(key, text), ["tenant", "networks"], ["total"]);
  const limit = {
    tenant: readString(tenant),
    networks: Object.fromEntries(readRecord(networks).map(([name, each]) => [name, readCount(each)])),
  };
  if (limitKey(limit.tenant) !== key)
    throw garbage(tenant, `the name in the key, as ${limitKey(limit.tenant)}`);
  return total ? { ...limit, total: readCount(total) } : limit;
}
