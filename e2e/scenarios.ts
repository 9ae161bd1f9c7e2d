// All scenarios, in the order in which they run on the one cluster.
import type { Cluster } from "./support/cluster.ts";
import { nodesReady } from "./scenarios/nodes-ready.ts";
import { nodesAndOutside } from "./scenarios/nodes-and-outside.ts";
import { podToPod } from "./scenarios/pod-to-pod.ts";
import { services } from "./scenarios/services.ts";

export type Scenario = {
  readonly name: string;
  /** Milliseconds; three minutes. */
  readonly timeout?: number;
  readonly run: (cluster: Cluster) => Promise<void>;
};

export const scenarios: readonly Scenario[] = [nodesReady, podToPod, services, nodesAndOutside];
