// The agents of a client's hosts, one after the other without end: each tells a daemon what lives on its host, as the workers remember it,
// while they go on. A request that is under way is in hand, as at an agent whose plugin waits for the answer.
import type { Rng } from "../../../src/base/clock.ts";
import type { HostReport } from "../../../src/core/api/types.ts";
import { SHARED_NAMES, type Worker, type World } from "./worker.ts";

/** Milliseconds between two reports. */
const PACE = 100;

export class Agents {
  readonly #world: World;
  readonly #workers: readonly Worker[];
  readonly #rng: Rng;
  /** What each host's agent was told last: it looks at what lives after that. */
  readonly #seen = new Map<string, NonNullable<HostReport["seen"]>>();

  constructor(world: World, workers: readonly Worker[], rng: Rng) {
    this.#world = world;
    this.#workers = workers;
    this.#rng = rng;
  }

  /** Before anything lives: an agent has followed its daemon before its node gets pods. */
  async introduce(): Promise<void> {
    for (const host of this.#world.own)
      for (let daemon = 0; !this.#seen.has(host); daemon = (daemon + 1) % this.#world.daemons) {
        const told = await this.#world.report(host, this.#bodyOf(host), daemon);
        if (!told) return;
        if (told.seen) this.#seen.set(host, told.seen);
        else await this.#world.pause(PACE);
      }
  }

  async run(): Promise<void> {
    for (let n = 0; ; n++) {
      const host = this.#world.own[n % this.#world.own.length] ?? "";
      const daemon = Math.floor(this.#rng() * this.#world.daemons);
      const told = await this.#world.report(host, this.#bodyOf(host), daemon);
      if (!told) return;
      if (told.seen) this.#seen.set(host, told.seen);
      await this.#world.pause(PACE);
    }
  }

  #bodyOf(host: string): HostReport {
    const seen = this.#seen.get(host);
    const inHand = new Set([...SHARED_NAMES, ...this.#workers.flatMap(({ inHand: name }) => name ?? [])]);
    const alive = this.#workers
      .flatMap((worker) => worker.alive)
      .filter((given) => given.host === host && !inHand.has(given.name))
      .map(({ name, ips, tenant, segment, sequence }) => ({
        name,
        ips: [...ips],
        tenant,
        segment,
        sequence,
      }));
    return { ...(seen && { seen }), endpoints: alive, in_hand: [...inHand] };
  }
}
