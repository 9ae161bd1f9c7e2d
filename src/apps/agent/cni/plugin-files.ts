// The plugin and its list where a runtime looks for them. Each file is there whole or not at all: a runtime that reads while we write
// sees the one before.
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UnavailableError } from "../../../base/errors.ts";
import type { AgentConfig } from "../config.ts";

export type PluginPlaces = Pick<AgentConfig, "cniBinDir" | "cniConfDir">;

const LIST = "10-romana.conflist";
/** The plugin first: a list that names what is not there would fail pods. */
const FILES = [
  { name: "romana", place: "cniBinDir", mode: 0o755 },
  { name: LIST, place: "cniConfDir", mode: 0o644 },
] as const;

/** Copies from `source` what is not as it is there; the paths. UnavailableError `CNI_INSTALL`. */
export async function installPlugin(source: string, places: PluginPlaces): Promise<string[]> {
  const written: string[] = [];
  for (const { name, place, mode } of FILES) {
    const path = join(places[place], name);
    try {
      const wanted = await readFile(join(source, name));
      const found = await readFile(path).catch(() => undefined);
      if (found?.equals(wanted)) continue;
      await replace(places[place], name, { content: wanted, mode });
      written.push(path);
    } catch (cause) {
      throw new UnavailableError({ code: "CNI_INSTALL", path, error: String(cause) }, { cause });
    }
  }
  return written;
}

/** No name that a runtime reads; synced before it has one, for a power cut would else leave an empty file under it. */
async function replace(
  folder: string,
  name: string,
  { content, mode }: { readonly content: Buffer; readonly mode: number },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const aside = join(folder, `.${name}.new`);
  await rm(aside, { force: true });
  await writeFile(aside, content, { mode, flush: true });
  await rename(aside, join(folder, name));
}

/** The list first, so that no pod is begun any more. The paths of what was there. UnavailableError `CNI_REMOVE`. */
export async function removePlugin(places: PluginPlaces): Promise<string[]> {
  const removed: string[] = [];
  for (const { name, place } of FILES.toReversed()) {
    const path = join(places[place], name);
    try {
      await rm(path);
      removed.push(path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") continue;
      throw new UnavailableError({ code: "CNI_REMOVE", path, error: String(cause) }, { cause });
    }
  }
  return removed;
}

/** Lists of others that a runtime takes instead of ours, as it takes the first by name. */
export async function listsBefore({ cniConfDir }: PluginPlaces): Promise<string[]> {
  const names = await readdir(cniConfDir).catch(() => []);
  return names.filter((name) => /\.(conf|conflist|json)$/.test(name) && name < LIST).sort();
}
