// Of all listeners of a cluster one leads: two with different views of the cluster would undo each other's work. Who leads holds a Lease
// (coordination.k8s.io/v1) and renews it; whether another's has ended is judged by the own clock, from when its last renewal was seen.
import { type Clock, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import type { HealthReporter } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { startRunner } from "../../base/runner.ts";
import { isRecord } from "../../core/model/read-fields.ts";
import type { KubeClient } from "../../io/kube/kube-client.ts";
import { isKubeError } from "../../io/kube/kube-error.ts";
import type { KubeObject } from "../../io/kube/types.ts";

export interface Leader {
  /** False some seconds before anybody else may lead. */
  readonly isLeading: boolean;
  /** Gives the lease back, so that the next leads at once. */
  close(): Promise<void>;
}

export type LeaderDeps = {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly health: HealthReporter;
};

const NAME = "romana-listener";
/** Seconds, as the lease says it. */
const DURATION = 15;
const RENEW_EVERY = Seconds(4);
/** Of its last renewal. */
const LEADS_FOR = Seconds(10);
const BACKOFF = { first: Milliseconds(500), most: Seconds(4) };

/** `began`: this one leads from now on, and must not rely on what it did before. */
export function startLeader(identity: string, began: () => void, deps: LeaderDeps): Leader {
  const { client, clock, log, health } = deps;
  const election = new Election(identity, deps);
  const work = async (): Promise<void> => {
    const before = election.isLeading;
    await election.run();
    health.ok();
    if (election.isLeading === before) return;
    log.info(before ? "leads no more" : "leads", { identity, namespace: client.namespace });
    if (!before) began();
  };
  const onError = (error: unknown, attempt: number): void => {
    health.failed(String(error));
    if (attempt === 0) log.warn("the lease was not renewed", { error: String(error) });
  };
  const runner = startRunner(
    work,
    { every: RENEW_EVERY, backoff: BACKOFF, onError },
    { clock, rng: deps.rng },
  );
  return {
    get isLeading() {
      return election.isLeading;
    },
    async close() {
      await runner.close();
      await election.resign();
    },
  };
}

class Election {
  readonly #identity: string;
  readonly #deps: LeaderDeps;
  readonly #path: string;
  /** Monotonic, before the request left. */
  #renewed = -Infinity;
  /** The lease as it was seen last, and since when. */
  #seen: { readonly version: string | undefined; readonly at: number } | undefined;

  constructor(identity: string, deps: LeaderDeps) {
    this.#identity = identity;
    this.#deps = deps;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${deps.client.namespace}/leases`;
  }

  get isLeading(): boolean {
    return this.#deps.clock.monotonic() - this.#renewed < LEADS_FOR;
  }

  async run(): Promise<void> {
    const lease = await this.#read();
    if (!lease) return this.#write("POST", this.#path, undefined);
    const { holder } = readSpec(lease);
    const isOver = this.#look(lease) >= Seconds(DURATION);
    if (holder === this.#identity || holder === "" || isOver)
      return this.#write("PUT", `${this.#path}/${NAME}`, lease);
    this.#renewed = -Infinity;
  }

  async resign(): Promise<void> {
    if (!this.isLeading) return;
    this.#renewed = -Infinity;
    const { client, log } = this.#deps;
    try {
      const lease = await client.ask<KubeObject>("GET", `${this.#path}/${NAME}`);
      if (readSpec(lease).holder !== this.#identity) return;
      const body = { ...lease, spec: { ...specOf(lease), holderIdentity: "" } };
      await client.ask("PUT", `${this.#path}/${NAME}`, { body });
    } catch (error) {
      log.warn("the lease was not given back: it ends by itself", { error: String(error) });
    }
  }

  async #read(): Promise<KubeObject | undefined> {
    try {
      return await this.#deps.client.ask<KubeObject>("GET", `${this.#path}/${NAME}`);
    } catch (error) {
      if (isKubeError(error, "KUBE_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /** For how long it has been as it is. */
  #look({ metadata }: KubeObject): number {
    const now = this.#deps.clock.monotonic();
    if (this.#seen?.version !== metadata.resourceVersion || !this.#seen)
      this.#seen = { version: metadata.resourceVersion, at: now };
    return now - this.#seen.at;
  }

  /** A conflict is somebody else's success. */
  async #write(method: "POST" | "PUT", path: string, lease: KubeObject | undefined): Promise<void> {
    const { client, clock } = this.#deps;
    const at = clock.monotonic();
    const { holder, transitions } = readSpec(lease);
    // metav1.MicroTime: six digits.
    const now = new Date(clock.now()).toISOString().replace("Z", "000Z");
    const isNew = holder !== this.#identity;
    const spec = {
      ...specOf(lease),
      ...{ holderIdentity: this.#identity, leaseDurationSeconds: DURATION, renewTime: now },
      ...(isNew && { acquireTime: now, leaseTransitions: transitions + (lease ? 1 : 0) }),
    };
    const metadata = lease?.metadata ?? { name: NAME, namespace: client.namespace };
    const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
    try {
      await client.ask(method, path, { body });
      this.#renewed = at;
    } catch (error) {
      if (!isKubeError(error, "KUBE_CONFLICT")) throw error;
      this.#renewed = -Infinity;
    }
  }
}

const specOf = (lease: KubeObject | undefined): Readonly<Record<string, unknown>> =>
  isRecord(lease?.["spec"]) ? lease["spec"] : {};

function readSpec(lease: KubeObject | undefined): { readonly holder: string; readonly transitions: number } {
  const { holderIdentity: holder, leaseTransitions: count } = specOf(lease);
  return {
    holder: typeof holder === "string" ? holder : "",
    transitions: typeof count === "number" ? count : 0,
  };
}
