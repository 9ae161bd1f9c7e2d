// The pods of this node: one file each, so that they outlive the agent. Routes are made from them; the daemon is told of them.
import { createHash } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { isRecord } from "../../core/model/read-fields.ts";
import { tryParseIp } from "../../core/net/ip.ts";

export type AgentEndpoint = {
  /** The name under which its address is held. */
  readonly name: string;
  readonly ips: readonly string[];
  readonly tenant: string;
  readonly segment: string;
  readonly sequence: number;
  readonly pod?: string;
  readonly network: string;
  readonly containerId: string;
  readonly ifname: string;
  readonly netns: string;
  readonly hostInterface: string;
  readonly hostIndex: number;
  readonly mtu: number;
};

export interface Endpoints {
  get(name: string): AgentEndpoint | undefined;
  list(): readonly AgentEndpoint[];
  /** Those whose interface is there: they are routed and reported. */
  alive(): readonly AgentEndpoint[];
  /** Known at once; when it resolves the next agent finds it. UnavailableError `STATE_DIR`. */
  add(endpoint: AgentEndpoint): Promise<void>;
  /** Its interface is going or gone: no route leads to it any more; the record stays until `remove`. */
  leave(name: string): void;
  /** As `leave`, for the one whose host interface has this index: it may have another by now, and then it stays. */
  leaveLink(hostIndex: number): void;
  remove(name: string): Promise<void>;
}

export const endpointsFolder = (stateDir: string): string => join(stateDir, "endpoints");

/** Reads `directory` (made if missing). A file that cannot be read is named, set aside as `….bad`, and does not stop the rest. `changed`: after each change. */
export async function openEndpoints(
  directory: string,
  { log, changed }: { log: Log; changed: () => void },
): Promise<Endpoints> {
  const endpoints = await load(directory, log);
  const leaving = new Set<string>();
  const leave = (name: string): void => {
    if (!endpoints.has(name) || leaving.has(name)) return;
    leaving.add(name);
    changed();
  };
  return {
    get: (name) => endpoints.get(name),
    list: () => [...endpoints.values()],
    alive: () => [...endpoints.values()].filter(({ name }) => !leaving.has(name)),
    async add(endpoint) {
      endpoints.set(endpoint.name, endpoint);
      leaving.delete(endpoint.name);
      changed();
      // What the caller sends to the kernel in this turn goes first: it works while this is written.
      await Promise.resolve();
      try {
        write(fileOf(directory, endpoint.name), JSON.stringify(endpoint));
      } catch (error) {
        endpoints.delete(endpoint.name);
        throw error;
      }
    },
    leave,
    leaveLink(hostIndex) {
      for (const endpoint of endpoints.values()) if (endpoint.hostIndex === hostIndex) leave(endpoint.name);
    },
    async remove(name) {
      await rm(fileOf(directory, name), { force: true });
      endpoints.delete(name);
      leaving.delete(name);
      changed();
    },
  };
}

const fileOf = (directory: string, name: string): string =>
  join(directory, `${createHash("sha256").update(name).digest("hex").slice(0, 32)}.json`);

async function load(directory: string, log: Log): Promise<Map<string, AgentEndpoint>> {
  const endpoints = new Map<string, AgentEndpoint>();
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const files = (await readdir(directory)).filter((file) => file.endsWith(".json"));
    for (const file of files) {
      const endpoint = await read(join(directory, file), log);
      if (endpoint) endpoints.set(endpoint.name, endpoint);
    }
  } catch (cause) {
    throw new UnavailableError({ code: "STATE_DIR", directory, error: String(cause) }, { cause });
  }
  return endpoints;
}

async function read(path: string, log: Log): Promise<AgentEndpoint | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (isEndpoint(value)) return value;
    throw new Error("not an endpoint");
  } catch (error) {
    log.error("endpoint file unreadable, set aside", { path, error: String(error) });
    await rename(path, `${path}.bad`);
    return undefined;
  }
}

/** Every field: one that is damaged would stop the routes and the report of all. */
function isEndpoint(value: unknown): value is AgentEndpoint {
  if (!isRecord(value)) return false;
  const { ips, pod } = value;
  return (
    TEXTS.every((field) => typeof value[field] === "string") &&
    NUMBERS.every((field) => Number.isSafeInteger(value[field]) && Number(value[field]) >= 0) &&
    Array.isArray(ips) &&
    ips.every((ip) => typeof ip === "string" && tryParseIp(ip) !== undefined) &&
    (pod === undefined || typeof pod === "string")
  );
}
const TEXTS = ["name", "tenant", "segment", "network", "containerId", "ifname", "netns", "hostInterface"];
const NUMBERS = ["sequence", "hostIndex", "mtu"];

/**
 * Whole or not at all: written aside, then renamed. The address is durable at the daemon, so the disk need not be waited for: this goes
 * to the page cache, in less time than another thread would take to hear of it.
 */
function write(path: string, text: string): void {
  try {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (cause) {
    throw new UnavailableError({ code: "STATE_DIR", path, error: String(cause) }, { cause });
  }
}
