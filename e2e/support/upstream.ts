// Upstream's own end-to-end tests against the cluster: `e2e.test` beside the control plane, with the names of the tests that it runs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kubernetesBinaries } from "./binaries.ts";
import { credentials } from "./certificates.ts";
import type { Cluster } from "./cluster.ts";
import { importImages } from "./images.ts";
import { CONTROL, netnsOf } from "./network.ts";
import { fileOf } from "./place.ts";
import { must, run } from "./run.ts";

const AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.63.0";
const IMAGE_TIMEOUT = 20 * 60_000;

export type UpstreamResult = {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly seconds: number;
};

/** Regular expressions of ginkgo: what runs, and what of that does not. */
export type Selection = { readonly focus: string; readonly skip?: string };

/** Builds what upstream's tests need and puts their image on the nodes; once a cluster. */
export async function prepareUpstream({ nodes }: Cluster): Promise<void> {
  const bin = await kubernetesBinaries("e2e.test", "agnhost");
  const argv = ["bash", join(import.meta.dirname, "agnhost-image.sh"), AGNHOST, join(bin, "agnhost")];
  const tar = (await must(argv, { timeout: IMAGE_TIMEOUT })).trim();
  await Promise.all(nodes.map((node) => importImages(node, [tar])));
}

/** Those that ran or failed; `label` names the logs of this run. */
export async function runUpstream(
  { bin }: Cluster,
  label: string,
  { focus, skip }: Selection,
  timeout: number,
): Promise<UpstreamResult[]> {
  const report = fileOf("log", `upstream-${label}.json`);
  const script = 'exec "$0" "$@" >"$LOG" 2>&1';
  const argv = [
    join(bin, "e2e.test"),
    `--kubeconfig=${credentials.kubeconfig("admin")}`,
    `--kubectl-path=${join(bin, "kubectl")}`,
    ...["--provider=skeleton", "--delete-namespace-on-failure=true", "--dump-logs-on-failure=false"],
    ...["--ginkgo.no-color", `--ginkgo.timeout=${Math.round(timeout / 1000)}s`],
    ...[`--ginkgo.focus=${focus}`, ...(skip === undefined ? [] : [`--ginkgo.skip=${skip}`])],
    `--ginkgo.json-report=${report}`,
  ];
  const env = ["env", `LOG=${fileOf("log", `upstream-${label}.log`)}`];
  await run([...env, "sh", "-c", script, ...argv], { netns: netnsOf(CONTROL), timeout: timeout + 60_000 });
  return readReport(report);
}

type Report = {
  SpecReports: {
    ContainerHierarchyTexts: string[] | null;
    LeafNodeText: string;
    LeafNodeType: string;
    State: string;
    RunTime: number;
  }[];
}[];

function readReport(path: string): UpstreamResult[] {
  const reports = JSON.parse(readFileSync(path, "utf8")) as Report;
  return reports
    .flatMap(({ SpecReports }) => SpecReports)
    .filter(({ LeafNodeType, State }) => LeafNodeType === "It" && State !== "pending")
    .map(({ ContainerHierarchyTexts, LeafNodeText, State, RunTime }) => ({
      name: [...(ContainerHierarchyTexts ?? []), LeafNodeText].join(" "),
      outcome: State === "passed" || State === "skipped" ? State : "failed",
      seconds: Math.round(RunTime / 1e8) / 10,
    }));
}

/** What a person reads: failures first. */
export const describeResults = (results: readonly UpstreamResult[]): string =>
  results
    .filter(({ outcome }) => outcome !== "skipped")
    .sort((a, b) => a.outcome.localeCompare(b.outcome))
    .map(({ name, outcome, seconds }) => `${outcome} ${seconds.toFixed(1)} s  ${name}`)
    .join("\n");

/** As ginkgo matches it: every character stands for itself. */
export const literally = (name: string): string => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
