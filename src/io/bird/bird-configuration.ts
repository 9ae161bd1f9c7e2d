// BIRD's configuration file: written whole or not at all, only what BIRD itself finds no fault with, and of its owner
// before, or of the directory's.
import { execFile } from "node:child_process";
import { chown, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { UnavailableError } from "../../base/errors.ts";

export interface BirdConfiguration {
  /** `undefined`: there is none. */
  read(): Promise<string | undefined>;
  /** Why BIRD finds fault with `text`, or `undefined`: then it is the file. */
  replace(text: string): Promise<string | undefined>;
  /** What was read before, as it was. */
  restore(text: string | undefined): Promise<void>;
}

const TIMEOUT = 10_000;

/** `program`: that checks. UnavailableError `BIRD_FILE`, `BIRD_MISSING`, `BIRD_CHECK`. */
export function createBirdConfiguration(path: string, program: string): BirdConfiguration {
  const next = `${path}.new`;
  const write = (text: string): Promise<void> =>
    named(path, async () => {
      await rm(next, { force: true });
      // Passwords of neighbours are in it. BIRD may have become another user before it reads the file again.
      await writeFile(next, text, { mode: 0o640 });
      const { uid, gid } = await stat(path).catch(() => stat(dirname(path)));
      await chown(next, uid, gid);
    });
  const accept = (): Promise<void> => named(path, () => rename(next, path));
  return {
    read: () =>
      named(path, () =>
        readFile(path, "utf8").catch((error: unknown) => {
          if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
          throw error;
        }),
      ),
    async replace(text) {
      await write(text);
      const fault = await check(program, next);
      if (fault === undefined) await accept();
      else await rm(next, { force: true });
      return fault?.replaceAll(next, path);
    },
    async restore(text) {
      if (text === undefined) return named(path, () => rm(path, { force: true }));
      await write(text);
      await accept();
    },
  };
}

async function named<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new UnavailableError({ code: "BIRD_FILE", path, error: String(cause) }, { cause });
  }
}

/** What `bird -p` says against a file. */
const check = (program: string, path: string): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    execFile(program, ["-p", "-c", path], { timeout: TIMEOUT, encoding: "utf8" }, (error, stdout, stderr) => {
      if (!error) return resolve(undefined);
      const said = (stderr || stdout).trim();
      if (error.code === "ENOENT") return reject(new UnavailableError({ code: "BIRD_MISSING", program }));
      if (typeof error.code === "number" && said !== "") return resolve(said);
      reject(new UnavailableError({ code: "BIRD_CHECK", program, error: error.message }, { cause: error }));
    });
  });
