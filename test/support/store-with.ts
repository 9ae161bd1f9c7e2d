// A store of which a test replaces some methods.
import type { Store } from "../../src/io/store/store.ts";

export const storeWith = (store: Store, replaced: Partial<Store>): Store => ({
  identity: store.identity,
  get: (key) => store.get(key),
  list: (prefix, options) => store.list(prefix, options),
  snapshot: (prefix) => store.snapshot(prefix),
  watch: (prefix, options) => store.watch(prefix, options),
  txn: (compares, operations) => store.txn(compares, operations),
  grantLease: (ttl) => store.grantLease(ttl),
  renewLease: (id) => store.renewLease(id),
  revokeLease: (id) => store.revokeLease(id),
  compact: (revision) => store.compact(revision),
  close: () => store.close(),
  ...replaced,
});
