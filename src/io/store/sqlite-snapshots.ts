// What a reader of a snapshot must still see although it was overwritten: before a key is written, its entry is kept for every snapshot
// that has not come to it yet. Writers never wait for a reader; what is kept is less than the store, and gone with the snapshot.
import { compareKeys } from "./key-order.ts";
import type { Entry, Page } from "./store.ts";

type Snapshot = {
  readonly prefix: string;
  readonly revision: number;
  /** The last key that the reader has. */
  after: string;
  /** Entries as of `revision` of keys after `after` that were written since; `undefined`: there was none. */
  readonly kept: Map<string, Entry | undefined>;
};

export type SnapshotPage = Page & { readonly isLast: boolean };
/** Present entries under a prefix after a key, at most `limit`. */
type List = (prefix: string, after: string, limit: number) => Entry[];

/** A page is read between two transactions, which wait for it: some milliseconds at most. */
const PAGE = 250;

export class Snapshots {
  readonly #open = new Map<string, Snapshot>();

  /** Must be called before `key` is written. A write that is rolled back does no harm: what was kept is what is there. */
  keep(key: string, read: (key: string) => Entry | undefined): void {
    for (const { prefix, after, kept } of this.#open.values())
      if (key.startsWith(prefix) && compareKeys(key, after) > 0 && !kept.has(key)) kept.set(key, read(key));
  }

  /** The next page of `id`, which is opened at `revision` when it is not known. The last page closes it. */
  next(id: string, prefix: string, revision: number, list: List): SnapshotPage {
    const snapshot = this.#open.get(id) ?? { prefix, revision, after: "", kept: new Map() };
    const present = list(prefix, snapshot.after, PAGE);
    const isLast = present.length < PAGE;
    const end = isLast ? undefined : present.at(-1)?.key;
    const entries = merged(present, snapshot.kept, end);
    if (isLast) this.#open.delete(id);
    else this.#open.set(id, Object.assign(snapshot, { after: end }));
    return { entries, revision: snapshot.revision, isLast };
  }

  close(id: string): void {
    this.#open.delete(id);
  }
}

/** What was kept of keys up to `end`, and taken out, in the place of what is there now. */
function merged(present: Entry[], kept: Snapshot["kept"], end: string | undefined): Entry[] {
  const due = [...kept].filter(([key]) => end === undefined || compareKeys(key, end) <= 0);
  if (due.length === 0) return present;
  const entries = [
    ...present.filter(({ key }) => !kept.has(key)),
    ...due.flatMap(([, entry]) => entry ?? []),
  ];
  for (const [key] of due) kept.delete(key);
  return entries.sort((a, b) => compareKeys(a.key, b.key));
}
