// What containers leave in the machine's cgroups: empty folders.
import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";

const ROOT = "/sys/fs/cgroup";
/** The parent that containerd takes for the kubelet's containers. */
const PARENT = "k8s.io";

export function removeCgroups(): void {
  for (const place of [ROOT, ...readdirSync(ROOT).map((name) => join(ROOT, name))]) {
    const parent = join(place, PARENT);
    if (existsSync(parent)) removeEmpty(parent);
  }
}

/** Children first; one with processes is somebody's and stays. */
function removeEmpty(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmpty(join(folder, entry.name));
  const isBusy = readFileSync(join(folder, "cgroup.procs"), "utf8") !== "" || hasFolders(folder);
  if (!isBusy) rmdirSync(folder);
}

const hasFolders = (folder: string): boolean =>
  readdirSync(folder, { withFileTypes: true }).some((entry) => entry.isDirectory());
