// What every workload of deploy/manifests must say, so that a cluster can rely on it and it may do no more than it needs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { manifests } from "../support/manifests.ts";

type Container = {
  readonly name: string;
  readonly resources?: {
    readonly requests?: Record<string, string>;
    readonly limits?: Record<string, string>;
  };
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly runAsUser?: number;
    readonly runAsNonRoot?: boolean;
    readonly capabilities?: { readonly drop?: string[]; readonly add?: string[] };
    readonly seccompProfile?: { readonly type: string };
  };
} & Partial<Record<(typeof PROBES)[number], object>>;
type PodSpec = {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly priorityClassName?: string;
  readonly tolerations?: readonly object[];
  readonly nodeSelector?: Record<string, string>;
  readonly securityContext?: { readonly runAsNonRoot?: boolean };
};
type Workload = {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly replicas?: number;
    readonly strategy?: { readonly type?: string; readonly rollingUpdate?: object };
    readonly updateStrategy?: { readonly rollingUpdate?: object };
    readonly selector: { readonly matchLabels: Record<string, string> };
    readonly template: { readonly spec: PodSpec };
  };
};

const PROBES = ["startupProbe", "livenessProbe", "readinessProbe"] as const;
const isWorkload = (object: unknown): object is Workload =>
  ["Deployment", "DaemonSet"].includes((object as Workload).kind);
const workloads = [...manifests].flatMap(([file, objects]) =>
  objects
    .filter(isWorkload)
    .map((workload) => ({ file, objects, workload, pod: workload.spec.template.spec })),
);

/** Of our own: named ones in the place of `privileged`. */
const CAPABILITIES: Readonly<Record<string, readonly string[]>> = {
  agent: ["SYS_ADMIN", "NET_ADMIN"],
  "own-directory": ["CHOWN"],
  uninstall: ["SYS_ADMIN", "NET_ADMIN"],
};
const isNobody = (pod: PodSpec, context: Container["securityContext"]): boolean =>
  pod.securityContext?.runAsNonRoot === true || context?.runAsNonRoot === true;

/** What takes Romana away stays for minutes, and serves nobody. */
const lasting = workloads.filter(({ workload }) => workload.metadata.name !== "romana-uninstall");
const containersOf = ({ containers, initContainers = [] }: PodSpec): readonly Container[] => [
  ...containers,
  ...initContainers,
];

test("there are workloads", () => assert.ok(lasting.length > 5, `${lasting.length} workloads`));

for (const { file, workload, pod } of workloads)
  test(`${file}: ${workload.metadata.name} may do no more than it is named for`, () => {
    for (const { name: part, securityContext: context } of containersOf(pod)) {
      assert.deepEqual(
        [context?.privileged ?? false, context?.allowPrivilegeEscalation, context?.readOnlyRootFilesystem],
        [false, false, true],
      );
      assert.equal(context?.seccompProfile?.type, "RuntimeDefault");
      assert.deepEqual(context?.capabilities?.drop, ["ALL"]);
      assert.deepEqual(context.capabilities.add ?? [], CAPABILITIES[part] ?? []);
      const isRoot = context.runAsUser === 0;
      assert.ok(isRoot ? part in CAPABILITIES : isNobody(pod, context), part);
    }
  });

for (const { file, objects, workload, pod } of lasting) {
  const { name } = workload.metadata;
  const containers = containersOf(pod);

  test(`${file}: ${name} is kept when nodes are full or tainted, and says what it takes`, () => {
    assert.match(pod.priorityClassName ?? "", /^system-(node|cluster)-critical$/);
    assert.deepEqual(pod.tolerations, [{ operator: "Exists" }]);
    assert.equal(pod.nodeSelector?.["kubernetes.io/os"], "linux");
    for (const { resources } of containers)
      assert.ok(resources?.requests?.["cpu"] && resources.requests["memory"]);
    for (const { resources } of pod.containers) assert.ok(resources?.limits?.["memory"]);
  });

  test(`${file}: ${name} is asked whether it has started, lives and is ready`, () => {
    for (const container of pod.containers) for (const probe of PROBES) assert.ok(container[probe], probe);
  });

  test(`${file}: ${name} is replaced one by one, and not by a drain all at once`, () => {
    const { kind, spec } = workload;
    const isOne = kind === "Deployment" && spec.replicas === 1;
    const rolls = spec.updateStrategy?.rollingUpdate ?? spec.strategy?.rollingUpdate;
    if (isOne) assert.equal(spec.strategy?.type, "Recreate");
    else assert.equal((rolls as { maxUnavailable?: number } | undefined)?.maxUnavailable, 1);
    // A drain does not evict pods of a DaemonSet; a budget of one pod would keep it waiting.
    if (kind === "DaemonSet" || isOne) return;
    const budget = objects.find((object) => object["kind"] === "PodDisruptionBudget") as
      { spec: { maxUnavailable?: number; selector: unknown } } | undefined;
    assert.deepEqual(budget?.spec, { maxUnavailable: 1, selector: spec.selector });
  });
}
