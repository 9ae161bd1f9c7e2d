// The lab's own programs: the daemon, the controller of the routers, an agent per host. Knows their words and when each of them serves.
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Api } from "./api.ts";
import { agentFlags, daemonUrl, serverFlags } from "./lab-tls.ts";
import { namespaceOf } from "./namespaces.ts";
import { cniSocket } from "./pods.ts";
import {
  isAlive,
  type ProcessSpec,
  type Started,
  startProcess,
  stopProcess,
  waitUntil,
} from "./processes.ts";
import { API_SOCKET, type LabState } from "./state.ts";

export const DAEMON_PORT = 9600;
const START_SECONDS = 20;

export type LabProcesses = {
  /** Starts `daemon`, `controller` or the agent of a host, none of which may run yet, and waits until it serves. */
  start(process: string): Promise<void>;
  /** Ends one of them, and waits until it is gone. */
  stop(process: string, signal: "SIGTERM" | "SIGKILL"): Promise<void>;
};

export type ProcessDeps = {
  readonly api: Api;
  readonly clock: Clock;
  readonly logLevel: string;
  /** Ends waiting. */
  readonly signal: AbortSignal;
};

export function createProcesses(
  state: LabState,
  { api, clock, logLevel, signal }: ProcessDeps,
): LabProcesses {
  const running = new Map<string, Started>();
  return {
    async start(name) {
      const spec = processSpec(state, name, logLevel);
      await mkdir(join(state.directory, name), { recursive: true });
      // What a killed process left would look like a living one.
      await rm(socketOf(state, name), { force: true });
      const started = await startProcess(spec);
      running.set(name, started);
      const serves = async (): Promise<boolean> => {
        if (!isAlive(started.pid))
          throw new UnavailableError({ code: "LAB_PROCESS_DIED", process: name, log: spec.log });
        return isServing(state, name, api);
      };
      if (!(await waitUntil(serves, clock, START_SECONDS, signal)))
        throw new UnavailableError({ code: "LAB_NOT_READY", process: name, log: spec.log });
    },
    async stop(name, word) {
      const started = running.get(name);
      if (started) await stopProcess(started, word, clock);
      running.delete(name);
    },
  };
}

function processSpec(state: LabState, name: string, logLevel: string): ProcessSpec {
  const isHost = state.hosts.some((host) => host.name === name);
  return {
    name,
    // The controller lives beside the daemon: its side of the network.
    namespace: namespaceOf(state.id, isHost ? name : "daemon"),
    argv: isHost ? agentArgv(state, name, logLevel) : serverArgv(state, name, logLevel),
    log: join(state.directory, `${name}.log`),
  };
}

function serverArgv(state: LabState, name: string, logLevel: string): string[] {
  const { directory } = state;
  if (name === "controller") return ["lab", "controller", directory];
  return [
    "daemon",
    `--listen=:${DAEMON_PORT}`,
    ...serverFlags(state),
    `--store=sqlite:${join(directory, "daemon", "romana.db")}`,
    `--initial-topology=${join(directory, "topology.json")}`,
    "--new-cluster",
    `--log-level=${logLevel}`,
  ];
}

/** The agent makes its host known by itself, with the labels by which the topology puts it into its rack. */
function agentArgv(state: LabState, host: string, logLevel: string): string[] {
  const { directory, daemon, hosts } = state;
  const tags = Object.entries(hosts.find(({ name }) => name === host)?.tags ?? {});
  return [
    "agent",
    `--hostname=${host}`,
    "--link-name=eth0",
    `--daemon=${daemonUrl(state, daemon, DAEMON_PORT).origin}`,
    ...agentFlags(state, host),
    `--cni-socket=${cniSocket(directory, host)}`,
    ...tags.map(([key, value]) => `--tags=${key}=${value}`),
    `--state-dir=${join(directory, host)}`,
    `--log-level=${logLevel}`,
  ];
}

/** Daemon: ready through the relay. Controller: its relay is there. Agent: its CNI socket is there. */
const isServing = (state: LabState, name: string, api: Api): Promise<boolean> =>
  succeeds(name === "daemon" ? api.call("GET", "/readyz") : stat(socketOf(state, name)));

const socketOf = ({ directory }: LabState, name: string): string =>
  name === "controller" ? join(directory, API_SOCKET) : cniSocket(directory, name);

const succeeds = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => true,
    () => false,
  );
