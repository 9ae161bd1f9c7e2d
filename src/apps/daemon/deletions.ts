// Which keys were deleted lately, and when: an event or a report that is older tells of what was, and must not bring it back.

/** More are forgotten, the oldest first: what is late is late by seconds. */
const MOST = 10_000;

export class Deletions {
  /** In the order in which they became known. */
  readonly #revisions = new Map<string, number>();
  /** Of a key that was deleted before, this is all that is known. */
  #floor = 0;

  /** All was read at `revision`: whatever is not there was deleted by then, if it ever was. */
  listed(revision: number): void {
    this.#revisions.clear();
    this.#floor = revision;
  }

  note(key: string, revision: number): void {
    this.#revisions.delete(key);
    this.#revisions.set(key, revision);
  }

  /** The store's revision of an absent key's last deletion, or a later one up to which nothing more is known; 0: it was not deleted. */
  revisionOf(key: string): number {
    return this.#revisions.get(key) ?? this.#floor;
  }

  /** Older events than `revision` are not to come any more. */
  passed(revision: number): void {
    for (const [key, deleted] of this.#revisions) {
      if (this.#revisions.size <= MOST || deleted > revision) return;
      this.#revisions.delete(key);
      this.#floor = Math.max(this.#floor, deleted);
    }
  }
}
