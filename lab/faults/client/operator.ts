// The one worker of a client that adds and removes hosts and reserves ranges, one after the other; each host and each range is new.
import type { Rng } from "../../../src/base/clock.ts";
import { cidrOf, formatCidr } from "../../../src/core/net/cidr.ts";
import { parseIp } from "../../../src/core/net/ip.ts";
import type { Operation } from "../history/history.ts";
import { type Asked, isTransient } from "./api.ts";
import type { World } from "./worker.ts";

/** Milliseconds between two acts. */
const PACE = 150;

export class Operator {
  readonly #world: World;
  readonly #rng: Rng;
  /** Of the first host. */
  readonly #number: number;

  constructor(world: World, rng: Rng, number: number) {
    this.#world = world;
    this.#rng = rng;
    this.#number = number;
  }

  async run(): Promise<void> {
    for (let n = this.#number; ; n++) {
      const host = `rack-${n % 2 === 0 ? "a" : "b"}-${n}`;
      const cidr = rangeAround(this.#world.newest ?? "10.64.0.0");
      if (!(await this.#until({ kind: "add-host", host }, []))) return;
      this.#world.churning = host;
      if (!(await this.#until({ kind: "reserve", cidr }, []))) return;
      await this.#world.pause(PACE);
      if (!(await this.#until({ kind: "open", cidr }, ["BLACKOUT_UNKNOWN"]))) return;
      this.#world.churning = undefined;
      if (!(await this.#until({ kind: "remove-host", host }, ["HOST_UNKNOWN"]))) return;
      await this.#world.pause(PACE);
    }
  }

  /** Until it is done, or was done by an earlier try (`done`: the codes that say so). False: there is nothing more to ask. */
  async #until(request: Asked, done: readonly string[]): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      const daemon = Math.floor(this.#rng() * this.#world.daemons);
      const operation = await this.#world.ask(request, daemon);
      if (!operation) return false;
      if (!isTransient(operation.outcome)) return isDone(operation, done);
      await this.#world.pause(100 + 100 * this.#rng());
    }
  }
}

/** Where addresses are given out just now. */
const rangeAround = (ip: string): string => formatCidr(cidrOf(parseIp(ip), 28));

function isDone({ request, outcome }: Operation, done: readonly string[]): boolean {
  if (outcome.kind === "done" || (outcome.kind === "refused" && done.includes(outcome.code))) return true;
  throw new Error(`${JSON.stringify(request)}: ${JSON.stringify(outcome)}`);
}
