// Records that are put and taken away by themselves, each known by its key: put again as they are, nothing is written.
import { InputError } from "../../../base/errors.ts";
import { keyOfWrite, valueOfWrite } from "../../../core/ipam/keys.ts";
import type { Write } from "../../../core/ipam/types.ts";
import { KEY_PREFIX } from "../../../core/model/keys.ts";
import type { Daemon } from "../daemon.ts";
import { inverseOf } from "../inverse.ts";

/** "absent": it was to be deleted, and is not there. */
export type Change = "added" | "changed" | "unchanged" | "removed" | "absent";

/** How many of a request wait for the writer at a time, so that it does not fill the queue. */
const AT_ONCE = 200;

/** Each is a decision of its own: a request may hold more than a transaction takes. */
export async function submitWrites(daemon: Daemon, writes: readonly Write[]): Promise<Change[]> {
  refuseTwice(writes.map(keyOfWrite));
  const changes: Change[] = [];
  for (let i = 0; i < writes.length; i += AT_ONCE) {
    const some = writes.slice(i, i + AT_ONCE);
    changes.push(...(await Promise.all(some.map((write) => submitWrite(daemon, write)))));
  }
  return changes;
}

/** Decisions are not in the order of the request where some of them write nothing. */
function refuseTwice(keys: readonly string[]): void {
  const seen = new Set<string>();
  for (const key of keys) {
    const value = key.slice(KEY_PREFIX.length);
    if (seen.has(key))
      throw new InputError({ code: "DUPLICATE", field: "body", value, expected: "each thing once" });
    seen.add(key);
  }
}

/** One that nobody can read is replaced and removed as any other. */
export const submitWrite = ({ writer, mirror }: Daemon, write: Write): Promise<Change> =>
  writer.submit<Change>((state) => {
    const before = valueOfWrite(inverseOf(state, write));
    const after = valueOfWrite(write);
    if (before === after && !mirror.garbage.has(keyOfWrite(write)))
      return { value: after === undefined ? "absent" : "unchanged" };
    const value = after === undefined ? "removed" : before === undefined ? "added" : "changed";
    return { value, plan: { writes: [write], guards: [] } };
  });
