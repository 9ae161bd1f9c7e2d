// A running lab and the handles by which scenarios shake it: start and end its processes, add and remove pods. Never decides
// whether what it built is right: the report does.
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { NativeHelper } from "../../io/kernel/kernel.ts";
import { type Api, createApi } from "./api.ts";
import { netnsPath, type Run, runOf } from "./fabric.ts";
import { namespaceOf, removeNamespaces } from "./namespaces.ts";
import type { FabricPlan } from "./plan-fabric.ts";
import { addPod, addPodNamespaces, cniSocket, deletePod, type PodDeps, type PodSpec } from "./pods.ts";
import {
  isAlive,
  type ProcessSpec,
  type Started,
  startProcess,
  stopProcess,
  waitUntil,
} from "./processes.ts";
import { type LabState, saveState } from "./state.ts";

export interface Lab {
  /** As it is now; replaced at every change. */
  readonly state: LabState;
  readonly plan: FabricPlan;
  readonly helper: NativeHelper;
  readonly run: Run;
  readonly api: Api;
  /** Starts `daemon`, `controller` or the agent of a host, none of which may run yet, and waits until it serves. */
  start(process: string): Promise<void>;
  /** Ends one of them, and waits until it is gone. */
  stop(process: string, signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Makes the pods' namespaces. */
  addNamespaces(pods: readonly PodSpec[]): Promise<void>;
  /** CNI ADD of a pod whose namespace is there. */
  addPod(pod: PodSpec): Promise<void>;
  /** CNI DEL and the end of the pod's namespace. */
  deletePod(name: string): Promise<void>;
  /** Path of the namespace of a node or pod. */
  netns(node: string): string;
  /** Ends this program's part; the lab runs on. */
  leave(): Promise<void>;
}

export const API_SOCKET = "api.sock";
export const DAEMON_PORT = 9600;
const START_SECONDS = 20;

export type LabParts = {
  /** Ends waiting. */
  readonly signal: AbortSignal;
  readonly state: LabState;
  readonly plan: FabricPlan;
  readonly helper: NativeHelper;
  readonly clock: Clock;
  readonly logLevel: string;
};

export function createLab({ state: first, plan, helper, clock, logLevel, signal }: LabParts): Lab {
  let state = first;
  const running = new Map<string, Started>();
  const api = createApi(join(first.directory, API_SOCKET));
  const run = runOf(helper);
  const podDeps: PodDeps = { id: first.id, directory: first.directory, run, clock };
  let saving = Promise.resolve();
  // One save after the other: hosts add their pods at the same time.
  const changePods = (pods: LabState["pods"]): Promise<void> => {
    const changed = (state = { ...state, pods });
    return (saving = saving.then(() => saveState(changed)));
  };
  return {
    get state() {
      return state;
    },
    plan,
    helper,
    run,
    api,
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
    async stop(name, signal) {
      const started = running.get(name);
      if (started) await stopProcess(started, signal, clock);
      running.delete(name);
    },
    addNamespaces: (pods) => addPodNamespaces(pods, podDeps),
    async addPod(pod) {
      const added = await addPod(pod, podDeps);
      await changePods([...state.pods, added]);
    },
    async deletePod(name) {
      const pod = state.pods.find((one) => one.name === name);
      if (!pod) throw new UnavailableError({ code: "LAB_POD_UNKNOWN", name });
      await deletePod(pod, podDeps);
      await removeNamespaces([namespaceOf(state.id, name)], { run, clock });
      await changePods(state.pods.filter((one) => one !== pod));
    },
    netns: (node) => netnsPath(namespaceOf(state.id, node)),
    leave: () => helper.close(),
  };
}

export const logFile = (state: LabState, name: string): string => join(state.directory, `${name}.log`);

function processSpec(state: LabState, name: string, logLevel: string): ProcessSpec {
  const isHost = state.hosts.some((host) => host.name === name);
  return {
    name,
    // The controller lives beside the daemon: its side of the network.
    namespace: namespaceOf(state.id, isHost ? name : "daemon"),
    argv: isHost ? agentArgv(state, name, logLevel) : serverArgv(state, name, logLevel),
    log: logFile(state, name),
  };
}

function serverArgv({ directory }: LabState, name: string, logLevel: string): string[] {
  if (name === "controller") return ["lab", "controller", directory];
  return [
    "daemon",
    `--listen=:${DAEMON_PORT}`,
    `--store=sqlite:${join(directory, "daemon", "romana.db")}`,
    `--initial-topology=${join(directory, "topology.json")}`,
    "--new-cluster",
    `--log-level=${logLevel}`,
  ];
}

/** The agent makes its host known by itself, with the labels by which the topology puts it into its rack. */
function agentArgv({ directory, daemon, hosts }: LabState, host: string, logLevel: string): string[] {
  const tags = Object.entries(hosts.find(({ name }) => name === host)?.tags ?? {});
  return [
    "agent",
    `--hostname=${host}`,
    "--link-name=eth0",
    `--daemon=http://${daemon}:${DAEMON_PORT}`,
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
