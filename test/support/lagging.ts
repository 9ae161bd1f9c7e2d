// A store whose watch tells late: a daemon on it plans on what is no longer true.
import { Milliseconds, systemClock } from "../../src/base/clock.ts";
import type { Store } from "../../src/io/store/store.ts";
import { storeWith } from "./store-with.ts";

export const lagging = (store: Store, by = Milliseconds(5)): Store =>
  storeWith(store, {
    async *watch(prefix, options) {
      for await (const message of store.watch(prefix, options)) {
        await systemClock.sleep(by);
        yield message;
      }
    },
  });
