// Reads every record as the daemon would, and counts them. What cannot be read is named and does not end the reading.
import { UnavailableError } from "../../base/errors.ts";
import { writeOfEntry } from "../../core/ipam/keys.ts";
import { KEY_PREFIX } from "../../core/model/keys.ts";
import { upgradeRecord } from "../../core/model/schema.ts";
import type { Header, Pair, RecordPage } from "../../io/store/backup/backup-lines.ts";

export type Examined = {
  readonly header: Header;
  /** Records by the folder of their key. */
  readonly kinds: ReadonlyMap<string, number>;
  /** A line for each record that holds garbage, with its key. */
  readonly garbage: readonly string[];
};

/** Throws what `pages` throws. */
export async function examine(pages: AsyncIterable<RecordPage>): Promise<Examined> {
  const kinds = new Map<string, number>();
  const garbage: string[] = [];
  let header: Header | undefined;
  for await (const page of pages) {
    header = page.header;
    for (const pair of page.pairs) {
      const [kind = ""] = pair.key.slice(KEY_PREFIX.length).split("/");
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      garbage.push(...garbageIn(pair, page.header.schema));
    }
  }
  if (!header) throw new UnavailableError({ code: "NO_RECORDS" });
  return { header, kinds, garbage };
}

function garbageIn(pair: Pair, schema: number): string[] {
  try {
    writeOfEntry(pair.key, upgradeRecord(pair, schema));
    return [];
  } catch (error) {
    if (error instanceof UnavailableError && error.code === "STORE_GARBAGE") return [error.message];
    throw error;
  }
}
