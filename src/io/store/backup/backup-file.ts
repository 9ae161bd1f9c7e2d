// Backups as files. A file under the name that was asked for is always a whole backup: it gets its name when it is.
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { InputError, UnavailableError } from "../../../base/errors.ts";
import { type BackupSummary, checkBackup } from "./read-backup.ts";

/** Bytes read at once. */
const PIECE = 256 * 1024;

/**
 * Writes `chunks` beside `path`, checks them on the way, and puts them in the place of what was there. InputError `FILE`; UnavailableError
 * `FILE_FAILED`; what `chunks` throws and what they lack leave `path` as it was.
 */
export async function saveBackup(path: string, chunks: AsyncIterable<Uint8Array>): Promise<BackupSummary> {
  const aside = `${path}.new`;
  const file = await onDisk(path, () => open(aside, "w", 0o600));
  async function* saved(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      await onDisk(path, () => file.writeFile(chunk));
      yield chunk;
    }
  }
  try {
    const summary = await checkBackup(saved(), path).finally(() => onDisk(path, () => file.sync()));
    await onDisk(path, () => rename(aside, path));
    return summary;
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** InputError `FILE`, UnavailableError `FILE_FAILED`. */
export async function* readBackupFile(path: string): AsyncGenerator<Uint8Array> {
  await onDisk(path, () => stat(path));
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: PIECE })) yield chunk as Buffer;
  } catch (cause) {
    throw toError(path, cause);
  }
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw toError(path, cause);
  }
}

const USERS = ["ENOENT", "EACCES", "EISDIR", "ENOTDIR", "EPERM", "EROFS", "ENAMETOOLONG"];

/** A name that cannot be is the user's fault, a disk that fails is the world's. */
function toError(path: string, cause: unknown): Error {
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  if (!USERS.includes(code))
    return new UnavailableError({ code: "FILE_FAILED", path, error: code }, { cause });
  return new InputError({ code: "FILE", field: "file", value: path, expected: `a file to use (${code})` });
}
