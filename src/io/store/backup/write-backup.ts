// Records as the text of a backup. It ends in a trailer only if all of them came.
import { createHash } from "node:crypto";
import { headerLine, pairLine, type RecordPage, trailerLine } from "./backup-lines.ts";

/** A text for each page, which has to be written before the next is asked for. */
export async function* writeBackup(pages: AsyncIterable<RecordPage>): AsyncGenerator<string> {
  const hash = createHash("sha256");
  let [entries, isFirst] = [0, true];
  for await (const { header, pairs } of pages) {
    const text = (isFirst ? headerLine(header) : "") + pairs.map(pairLine).join("");
    isFirst = false;
    entries += pairs.length;
    hash.update(text);
    yield text;
  }
  yield trailerLine({ entries, sha256: hash.digest("hex") });
}
