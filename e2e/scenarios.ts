// All scenarios, in the order in which they run on the one cluster.
import type { Cluster } from "./support/cluster.ts";
import { forgottenSandbox } from "./scenarios/forgotten-sandbox.ts";
import { hostPort } from "./scenarios/host-port.ts";
import { manifests } from "./scenarios/manifests.ts";
import { manyPods } from "./scenarios/many-pods.ts";
import { masquerade } from "./scenarios/masquerade.ts";
import { networkPolicy } from "./scenarios/network-policy.ts";
import { nodesAndOutside } from "./scenarios/nodes-and-outside.ts";
import { nodesReady } from "./scenarios/nodes-ready.ts";
import { outage } from "./scenarios/outage.ts";
import { podToPod } from "./scenarios/pod-to-pod.ts";
import { reboot } from "./scenarios/reboot.ts";
import { reflector } from "./scenarios/reflector.ts";
import { restarts } from "./scenarios/restarts.ts";
import { rights } from "./scenarios/rights.ts";
import { services } from "./scenarios/services.ts";
import { shortLived } from "./scenarios/short-lived.ts";
import { staticAddress } from "./scenarios/static-address.ts";
import { uninstall } from "./scenarios/uninstall.ts";
import { allOfUpstream, upstream } from "./scenarios/upstream.ts";

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
  masquerade,
  hostPort,
  staticAddress,
  networkPolicy,
  shortLived,
  forgottenSandbox,
  ...restarts,
  outage,
  reboot,
  manyPods,
  reflector,
  upstream,
  rights,
  uninstall,
];

export const fullScenarios: readonly Scenario[] = [nodesReady, allOfUpstream];
