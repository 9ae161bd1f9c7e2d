// What is on the machine by the lab's names: namespaces `romana-lab-<id>-<node>` and the processes inside. Finds leftovers without
// any memory. Never ends a process outside of such a namespace.
import { readdir, readlink, stat } from "node:fs/promises";
import { type Clock, Milliseconds } from "../../base/clock.ts";
import { batch, netnsPath, type Run } from "./fabric.ts";

const PREFIX = "romana-lab-";

/** Namespace of a node (host, router, pod) of lab `id`. */
export const namespaceOf = (id: string, node: string): string => `${PREFIX}${id}-${node}`;

/** Namespaces of all labs, or of one: lab id and node. */
export async function findNamespaces(
  id?: string,
): Promise<{ namespace: string; id: string; node: string }[]> {
  const names = await readdir("/run/netns").catch(absent);
  return names.sort().flatMap((namespace) => {
    const [, found = "", node = ""] = /^romana-lab-([0-9a-f]{4})-(.+)$/.exec(namespace) ?? [];
    return found !== "" && (id === undefined || found === id) ? [{ namespace, id: found, node }] : [];
  });
}

/** Ends the processes of the namespaces, then the namespaces: veths and routes go with them. */
export async function removeNamespaces(
  namespaces: readonly string[],
  { run, clock }: { run: Run; clock: Clock },
): Promise<void> {
  // A few rounds: a process may have been starting another one.
  for (let round = 0; round < 20; round++) {
    const pids = await processesIn(namespaces);
    if (pids.length === 0) break;
    for (const pid of pids) kill(pid);
    await clock.sleep(Milliseconds(20));
  }
  await batch(
    run,
    namespaces.map((name) => `netns delete ${name}`),
  );
}

/** Ids of the processes whose network namespace is one of these. */
export async function processesIn(namespaces: readonly string[]): Promise<number[]> {
  const inodes = new Set<string>();
  for (const name of namespaces) {
    const found = await stat(netnsPath(name)).catch(absentStat);
    if (found) inodes.add(`net:[${found.ino}]`);
  }
  inodes.delete(await readlink("/proc/self/ns/net"));
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const links = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/net`).catch(() => "")));
  return pids.filter((_, i) => inodes.has(links[i] ?? "")).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function absent(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  throw error;
}

function absentStat(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
