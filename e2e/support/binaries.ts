// The programs of others: built from their Go modules, or the official ones of `KUBE_BIN` and `HELM_BIN`.
import { join } from "node:path";
import { ROOT } from "./place.ts";
import { must } from "./run.ts";

/** A cold build takes minutes. */
const TIMEOUT = 45 * 60_000;
const build = async (folder: string, ...words: string[]): Promise<string> =>
  (await must(["bash", join(ROOT, "e2e", folder, "build.sh"), ...words], { timeout: TIMEOUT })).trim();

/** Path of a folder with these programs; with those that a cluster needs when none is named. */
export const kubernetesBinaries = (...programs: string[]): Promise<string> =>
  build("kubernetes", ...programs);

export const helmBinary = (): Promise<string> => build("helm");
