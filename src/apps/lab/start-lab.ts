// Builds a lab step by step, and removes one whatever state it is in.
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock, Rng } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Topology } from "../../core/model/topology.ts";
import { startNativeHelper } from "../../io/kernel/native-helper.ts";
import { allOf } from "../../base/all-of.ts";
import { buildFabric, type Run, runOf } from "./fabric.ts";
import { createLab, type Lab } from "./lab.ts";
import { labTopologyDocument } from "./lab-topology.ts";
import { makeCertificates } from "./lab-tls.ts";
import { findNamespaces, namespaceOf, removeNamespaces } from "./namespaces.ts";
import { planFabric } from "./plan-fabric.ts";
import { planPods } from "./pods.ts";
import {
  claimDirectory,
  describePlan,
  labDirectory,
  type LabState,
  ownProcess,
  removeDirectory,
  saveState,
} from "./state.ts";

export type LabOptions = {
  readonly topology: Topology;
  readonly topologyFile: string;
  readonly hostsPerRack: number;
  readonly podsPerHost: number;
  readonly logLevel: string;
  readonly tls?: boolean;
};

export type LabDeps = {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Told in a line what is being done. */
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
};

/** Agents that start at the same time: each is a Node process that wants a core for a moment. */
const AGENTS_AT_ONCE = 4;

/** A lab with its pods running. `claimed` is told the id before anything is made: `removeLab` undoes it at any point. */
export async function startLab(
  options: LabOptions,
  deps: LabDeps,
  claimed: (id: string) => void,
): Promise<Lab> {
  const plan = planFabric(options.topology, options);
  const id = await claimId(deps.rng);
  claimed(id);
  const helper = await startNativeHelper({ log: deps.log });
  // What is under way in the helper fails at once when the user has had enough.
  deps.signal.addEventListener("abort", () => void helper.close(), { once: true });
  const { topologyFile, logLevel, tls = false } = options;
  const directory = labDirectory(id);
  const createdAt = deps.clock.now();
  const owner = await ownProcess();
  const known = { id, directory, createdAt, topologyFile, tls, owner };
  const state: LabState = { ...known, ...describePlan(plan), pods: [] };
  await saveState(state);
  const lab = createLab({ state, plan, helper, clock: deps.clock, logLevel, signal: deps.signal });
  try {
    await bringUp(lab, options, deps);
  } catch (error) {
    await lab.leave();
    throw error;
  }
  return lab;
}

async function bringUp(lab: Lab, options: LabOptions, { progress, signal }: LabDeps): Promise<void> {
  const { plan, state, helper } = lab;
  const step = (text: string): void => {
    signal.throwIfAborted();
    progress(text);
  };
  const file = basename(state.topologyFile);
  step(`lab ${state.id} (${file}): ${plan.nodes.length} namespaces, ${plan.links.length} links`);
  await buildFabric(plan, { run: runOf(helper), namespace: (node) => namespaceOf(state.id, node) });
  const document = labTopologyDocument(options.topology, plan.hosts);
  await writeFile(join(state.directory, "topology.json"), JSON.stringify(document, null, 2));
  await makeCertificates(state, lab.run);
  step(`daemon on sqlite${state.tls ? " with TLS" : ""}, controller of the routers`);
  await Promise.all([lab.start("daemon"), lab.start("controller")]);
  step(`${state.hosts.length} agents`);
  await allOf(state.hosts, (host) => lab.start(host.name), AGENTS_AT_ONCE);
  await startPods(lab, options.podsPerHost, step);
}

/** One after the other: the time that each takes is its own, and the same topology gives the same addresses. */
async function startPods(lab: Lab, perHost: number, step: (text: string) => void): Promise<void> {
  const hosts = lab.state.hosts.map((host) => host.name);
  const pods = planPods(lab.state.id, hosts, perHost);
  step(`${pods.length} pods through the CNI plugin`);
  await lab.addNamespaces(pods);
  for (const pod of pods) await lab.addPod(pod);
}

async function claimId(rng: Rng): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const id = Math.floor(rng() * 0x10000)
      .toString(16)
      .padStart(4, "0");
    if ((await findNamespaces(id)).length === 0 && (await claimDirectory(id))) return id;
  }
  throw new UnavailableError({
    code: "LAB_NO_ID",
    message: "no free lab id: remove labs with romana lab down",
  });
}

/**
 * Removes processes, namespaces and directory of a lab, whatever of them is there; another program's part may have died anywhere.
 * `run` is of a helper that did not end with the lab's.
 */
export async function removeLab(
  id: string,
  deps: { readonly run: Run; readonly clock: Clock },
): Promise<void> {
  const namespaces = (await findNamespaces(id)).map(({ namespace }) => namespace);
  await removeNamespaces(namespaces, deps);
  await removeDirectory(id);
}
