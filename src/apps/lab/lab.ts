// A running lab and the handles by which scenarios shake it: start and end its processes, add and remove pods. Never decides
// whether what it built is right: the report does.
import type { Clock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { NativeHelper } from "../../io/kernel/kernel.ts";
import { type Api, createApi } from "./api.ts";
import { netnsPath, type Run, runOf } from "./fabric.ts";
import { createProcesses, type LabProcesses } from "./lab-processes.ts";
import { namespaceOf, removeNamespaces } from "./namespaces.ts";
import type { FabricPlan } from "./plan-fabric.ts";
import { addPod, addPodNamespaces, deletePod, type PodDeps, type PodSpec } from "./pods.ts";
import { type LabState, type PodState, saveState } from "./state.ts";

export interface Lab extends LabProcesses {
  /** As it is now; replaced at every change. Pods in the order of their hosts. */
  readonly state: LabState;
  readonly plan: FabricPlan;
  readonly helper: NativeHelper;
  readonly run: Run;
  readonly api: Api;
  /** Makes the pods' namespaces. */
  addNamespaces(pods: readonly PodSpec[]): Promise<void>;
  /** CNI ADD of a pod whose namespace is there. */
  addPod(pod: PodSpec): Promise<void>;
  /** CNI DEL and the end of the pod's namespace. */
  deletePod(name: string): Promise<void>;
  /** Name of the namespace of a node or pod. */
  readonly namespace: (node: string) => string;
  /** Its path. */
  netns(node: string): string;
  /** Ends this program's part; the lab runs on. */
  leave(): Promise<void>;
}

export type LabParts = {
  /** Ends waiting. */
  readonly signal: AbortSignal;
  readonly state: LabState;
  readonly plan: FabricPlan;
  readonly helper: NativeHelper;
  readonly clock: Clock;
  readonly logLevel: string;
};

type Pods = Pick<Lab, "state" | "addNamespaces" | "addPod" | "deletePod">;

export function createLab({ state, plan, helper, clock, logLevel, signal }: LabParts): Lab {
  const api = createApi(state);
  const run = runOf(helper);
  const namespace = (node: string): string => namespaceOf(state.id, node);
  const pods = createPods(state, { id: state.id, directory: state.directory, run, clock });
  return {
    ...createProcesses(state, { api, clock, logLevel, signal }),
    get state() {
      return pods.state;
    },
    plan,
    helper,
    run,
    api,
    addNamespaces: (specs) => pods.addNamespaces(specs),
    addPod: (spec) => pods.addPod(spec),
    deletePod: (name) => pods.deletePod(name),
    namespace,
    netns: (node) => netnsPath(namespace(node)),
    leave: () => helper.close(),
  };
}

function createPods(first: LabState, deps: PodDeps): Pods {
  let state = first;
  let saving = Promise.resolve();
  const rank = (pod: PodState): number => state.hosts.findIndex(({ name }) => name === pod.host);
  // One save after the other: hosts add their pods at the same time.
  const change = (pods: readonly PodState[]): Promise<void> => {
    const changed = (state = { ...state, pods: [...pods].sort((a, b) => rank(a) - rank(b)) });
    return (saving = saving.then(() => saveState(changed)));
  };
  return {
    get state() {
      return state;
    },
    addNamespaces: (pods) => addPodNamespaces(pods, deps),
    async addPod(pod) {
      const added = await addPod(pod, deps);
      await change([...state.pods, added]);
    },
    async deletePod(name) {
      const pod = state.pods.find((one) => one.name === name);
      if (!pod) throw new UnavailableError({ code: "LAB_POD_UNKNOWN", name });
      await deletePod(pod, deps);
      await removeNamespaces([namespaceOf(state.id, name)], deps);
      await change(state.pods.filter((one) => one !== pod));
    },
  };
}
