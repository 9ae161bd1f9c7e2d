// All scenarios, in the order in which they run on the one cluster.
import type { Cluster } from "./support/cluster.ts";
import { hostPort } from "./scenarios/host-port.ts";
import { manifests } from "./scenarios/manifests.ts";
import { manyPods } from "./scenarios/many-pods.ts";
import { nodesAndOutside } from "./scenarios/nodes-and-outside.ts";
import { nodesReady } from "./scenarios/nodes-ready.ts";
import { podToPod } from "./scenarios/pod-to-pod.ts";
import { reboot } from "./scenarios/reboot.ts";
import { restarts } from "./scenarios/restarts.ts";
import { services } from "./scenarios/services.ts";
import { staticAddress } from "./scenarios/static-address.ts";

export type Scenario = {
  readonly name: string;
  /** Milliseconds; three minutes. */
  readonly timeout?: number;
  readonly run: (cluster: Cluster) => Promise<void>;
};

export const scenarios: readonly Scenario[] = [
  nodesReady,
  manifests,
  podToPod,
  services,
  nodesAndOutside,
  hostPort,
  staticAddress,
  ...restarts,
  reboot,
  manyPods,
];
