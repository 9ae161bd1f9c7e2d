// Which keys were deleted lately, and when: an event or a report that is older tells of what was, and must not bring it back.

/** More are forgotten, the oldest first: what is late is late by seconds. */
const MOST = 10_000;

export class Deletions {
  /** In the order in which they became known. */
  readonly #revisions = new Map<string, number>();

  note(key: string, revision: number): void {
    this.#revisions.delete(key);
    this.#revisions.set(key, revision);
  }

  /** The store's revision of the key's last deletion; 0: it was not deleted lately. */
  revisionOf(key: string): number {
    return this.#revisions.get(key) ?? 0;
  }

  /** Older events than `revision` are not to come any more. */
  passed(revision: number): void {
    for (const [key, deleted] of this.#revisions) {
      if (this.#revisions.size <= MOST || deleted > revision) return;
      this.#revisions.delete(key);
    }
  }
}
