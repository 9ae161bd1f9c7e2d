// Reading many keys of etcd: page by page, all at the revision of the first page.
import type { CallRules, EtcdClient } from "./etcd-client.ts";
import { entryOf, rangeOf } from "./etcd-codec.ts";
import { toNumber } from "./etcd-messages.ts";
import { methods } from "./etcd-proto.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Entry, Page } from "./store.ts";

/** Entries in one answer. */
const PAGE = 2000;
/** Times a list is begun again because etcd compacted the revision that it was reading. */
const MAX_TRIES = 5;
/** A read may be asked for as often as one likes. */
export const REPEATABLE: CallRules = { onDoubt: () => undefined };

export type Part = { readonly limit?: number; readonly after?: string };

/** Rejects with UnavailableError `STORE_COMPACTED` when etcd forgets the revision before the last page. */
export async function* readPages(
  client: EtcdClient,
  prefix: string,
  { limit = Infinity, after }: Part = {},
): AsyncGenerator<Page> {
  let left = limit;
  let revision = 0;
  for (let last = after; ;) {
    const request = { ...rangeOf(prefix, last), limit: Math.min(PAGE, left), revision };
    const { header, kvs, more } = await client.call(methods.range, request, REPEATABLE);
    if (revision === 0) revision = toNumber(header.revision);
    const entries = kvs.map(entryOf);
    yield { entries, revision };
    left -= entries.length;
    last = entries.at(-1)?.key;
    if (!more || left <= 0) return;
  }
}

export async function readList(client: EtcdClient, prefix: string, part?: Part): Promise<Page> {
  for (let tries = 1; ; tries++) {
    try {
      return await joinPages(readPages(client, prefix, part));
    } catch (error) {
      const isCompacted = error instanceof UnavailableError && error.code === "STORE_COMPACTED";
      if (!isCompacted || tries === MAX_TRIES) throw error;
    }
  }
}

async function joinPages(pages: AsyncIterable<Page>): Promise<Page> {
  const entries: Entry[] = [];
  let revision = 0;
  for await (const page of pages) {
    for (const entry of page.entries) entries.push(entry);
    revision = page.revision;
  }
  return { entries, revision };
}
