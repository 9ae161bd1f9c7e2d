// Values by exact address. For the longest prefix that holds one use prefix-map.ts.
import type { Ip } from "./ip.ts";

/** Mutable. */
export type IpMap<V> = {
  get(ip: Ip): V | undefined;
  set(ip: Ip, value: V): void;
  delete(ip: Ip): void;
};

const LOW = (1n << 64n) - 1n;

/**
 * A map keyed by the number itself would do but for this: V8 hashes a bigint by its lowest 64 bits alone, and racks that each count
 * from zero in the same bits would share their buckets. So the upper half of an IPv6 address leads to a map of lower halves.
 */
export function ipMap<V>(): IpMap<V> {
  const four = new Map<number, V>();
  const six = new Map<bigint, Map<bigint, V>>();
  return {
    get: ({ family, value }) =>
      family === 4 ? four.get(Number(value)) : six.get(value >> 64n)?.get(value & LOW),
    set: ({ family, value }, item) => {
      if (family === 4) return void four.set(Number(value), item);
      const lower = six.get(value >> 64n);
      if (lower) lower.set(value & LOW, item);
      else six.set(value >> 64n, new Map([[value & LOW, item]]));
    },
    delete: ({ family, value }) => {
      if (family === 4) return void four.delete(Number(value));
      const lower = six.get(value >> 64n);
      if (lower?.delete(value & LOW) && lower.size === 0) six.delete(value >> 64n);
    },
  };
}
