// The newest store that a program ever followed, on disk: an older one is known for what it is after a restart of both.
import { readFile, rename, writeFile } from "node:fs/promises";
import { type Clock, Seconds } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { isRecord } from "../../core/model/read-fields.ts";

/** `policies`: `false`, if it was told that there are none. */
export type Seen = { readonly cluster: string; readonly revision: number; readonly policies?: boolean };

/** Seldom, for it is no allocation. */
const KEEP_EVERY = Seconds(1);

/** Keeps what it is told at `path`; that it cannot is logged, and stops nobody. */
export function createSeenKeeper(
  path: string,
  { log, clock }: { readonly log: Log; readonly clock: Clock },
): (seen: Seen | undefined) => Promise<void> {
  let kept: { readonly text: string; readonly at: number } | undefined;
  return async (seen) => {
    const now = clock.monotonic();
    const text = JSON.stringify(seen);
    if (!seen || (kept && (text === kept.text || now - kept.at < KEEP_EVERY))) return;
    kept = { text, at: now };
    try {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    } catch (error) {
      log.warn("the seen revision is not kept", { error: String(error) });
    }
  };
}

export async function readSeen(path: string): Promise<Seen | undefined> {
  const text = await readFile(path, "utf8").catch(() => ""); // none yet: no store was ever followed
  try {
    const value: unknown = JSON.parse(text);
    return isSeen(value) ? value : undefined;
  } catch {
    return undefined; // damaged: as if none. The daemon would refuse it, and all that is reported beside it.
  }
}

const isSeen = (value: unknown): value is Seen =>
  isRecord(value) &&
  typeof value["cluster"] === "string" &&
  value["cluster"] !== "" &&
  Number.isSafeInteger(value["revision"]) &&
  Number(value["revision"]) >= 0 &&
  (value["policies"] === undefined || typeof value["policies"] === "boolean");
