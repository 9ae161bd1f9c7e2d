// What a lab is, as a file in its directory, so that `lab exec`, `status` and the controller find it. Namespaces and processes are
// never taken from here for removal: `namespaces.ts` looks at the machine.
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError, UnavailableError } from "../../base/errors.ts";
import { formatIp } from "../../core/net/ip.ts";
import type { FabricPlan } from "./plan-fabric.ts";

export type HostState = {
  readonly name: string;
  readonly group: string;
  readonly ips: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
};
export type RouterState = {
  readonly name: string;
  readonly role: "tor" | "spine";
  readonly owns: readonly string[];
  readonly hops: readonly { readonly group: string; readonly via: readonly string[] }[];
};
export type PodState = {
  readonly name: string;
  readonly host: string;
  readonly tenant: string;
  readonly segment: string;
  readonly containerId: string;
  readonly ips: readonly string[];
  /** Milliseconds from the start of the CNI plugin to its end. */
  readonly addMs: number;
};

/** A process, told from a later one of the same pid by when it began: clock ticks since boot (proc(5), field 22 of stat). */
export type Owner = { readonly pid: number; readonly began: string };

export type LabState = {
  readonly id: string;
  readonly directory: string;
  /** Wall milliseconds. */
  readonly createdAt: number;
  readonly topologyFile: string;
  /** Daemon and agents show each other certificates. */
  readonly tls: boolean;
  /** The program that is at work on it; none once it is kept. */
  readonly owner: Owner | undefined;
  /** Address of the daemon in the underlay. */
  readonly daemon: string;
  readonly hosts: readonly HostState[];
  readonly routers: readonly RouterState[];
  readonly pods: readonly PodState[];
};

const ROOT = "/run/romana-lab";
/** In a lab's directory: the daemon's REST API. */
export const API_SOCKET = "api.sock";

export const labDirectory = (id: string): string => join(ROOT, id);

/** Makes the directory of a new lab; `false` when the id is taken. */
export async function claimDirectory(id: string): Promise<boolean> {
  for (;;) {
    await mkdir(ROOT, { recursive: true });
    const outcome = await mkdir(labDirectory(id), { mode: 0o700 }).then(
      () => "made",
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (outcome === "made") return true;
    if (outcome === "EEXIST") return false;
    // Another lab that ended took the empty root away in between.
    if (outcome !== "ENOENT") throw new UnavailableError({ code: "LAB_DIRECTORY", id, errno: outcome });
  }
}

/** The lab's directory, and the root with the last lab. */
export async function removeDirectory(id: string): Promise<void> {
  await rm(labDirectory(id), { recursive: true, force: true });
  await rmdir(ROOT).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT") throw error;
  });
}

/** This process. */
export const ownProcess = async (): Promise<Owner> => ({
  pid: process.pid,
  began: (await beganAt(process.pid)) ?? "",
});

/** Whether the program that made the lab is still at work on it. */
export const isOwned = async ({ owner }: LabState): Promise<boolean> =>
  owner !== undefined && (await beganAt(owner.pid)) === owner.began;

/** `undefined`: there is no such process. */
async function beganAt(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""); // gone: no file
  // The second field is a name in parentheses that may hold blanks; the 22nd is the 20th after it.
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
}

/** Whole or not at all. */
export async function saveState(state: LabState): Promise<void> {
  const path = join(state.directory, "state.json");
  await writeFile(`${path}.new`, JSON.stringify(state, null, 2));
  await rename(`${path}.new`, path);
}

export async function loadState(directory: string): Promise<LabState> {
  return JSON.parse(await readFile(join(directory, "state.json"), "utf8")) as LabState;
}

/** Ids of the labs that have a directory. */
export async function labIds(): Promise<string[]> {
  try {
    return (await readdir(ROOT)).filter((name) => /^[0-9a-f]{4}$/.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The lab that is meant: the given one, or the only one. InputError `LAB_UNKNOWN`, `LAB_AMBIGUOUS`. */
export function chooseLab(ids: readonly string[], wanted: string): string {
  const [only] = ids;
  if (wanted !== "" ? ids.includes(wanted) : ids.length === 1) return wanted === "" ? (only ?? "") : wanted;
  throw new InputError({
    code: ids.length === 0 || wanted !== "" ? "LAB_UNKNOWN" : "LAB_AMBIGUOUS",
    field: "--id",
    value: wanted,
    expected:
      ids.length === 0 ? "a running lab: start one with romana lab --keep" : `one of ${ids.join(", ")}`,
  });
}

/** The plan in texts, as the state keeps it. */
export function describePlan(plan: FabricPlan): Pick<LabState, "daemon" | "hosts" | "routers"> {
  return {
    daemon: formatIp(plan.daemon),
    hosts: plan.hosts.map((host) => ({ ...host, ips: host.ips.map(formatIp) })),
    routers: plan.routers.map((router) => ({
      ...router,
      hops: router.hops.map(({ group, via }) => ({ group, via: via.map(formatIp) })),
    })),
  };
}
