// One of a client's workers: one request after the other, drawn from its seed. What it draws from is its own memory of pods that live and
// that have gone; a request of unknown outcome is asked again, at another daemon, until it is answered.
import type { Rng } from "../../../src/base/clock.ts";
import type { HostReport } from "../../../src/core/api/types.ts";
import type { Given, Operation } from "../history/history.ts";
import { type Asked, isTransient, type Reported } from "./api.ts";

/** What the workers of a client share. */
export type World = {
  readonly client: string;
  readonly hosts: readonly string[];
  /** Hosts of this client alone. */
  readonly own: readonly string[];
  readonly daemons: number;
  /** A host that comes and goes; absent between two. */
  churning: string | undefined;
  /** The IPv4 address that was given last. */
  newest: string | undefined;
  /** Asks, writes down; undefined when there is nothing more to ask. */
  readonly ask: (request: Asked, daemon: number) => Promise<Operation | undefined>;
  /** As `ask`, for an agent. */
  readonly report: (host: string, body: HostReport, daemon: number) => Promise<Reported | undefined>;
  readonly pause: (milliseconds: number) => Promise<void>;
};

/** Pods of one worker that live at once, at most. */
const ALIVE = 24;
/** Of the dead, so many are remembered for late releases and names used again. */
const REMEMBERED = 12;
/** Milliseconds before a request is made again, at least. */
const PAUSE = 30;

/** As the CNI plugin names a pod's attachment: network, container, interface. */
const attachment = (container: string): string => `lab/${container}/eth0`;
const SHARED = "lab/shared-";
export const SHARED_NAMES = Array.from({ length: 24 }, (_, n) => attachment(`shared-${n}`));

export class Worker {
  readonly alive: Given[] = [];
  /** The name that a request under way is about. */
  inHand: string | undefined;
  readonly #gone: Given[] = [];
  readonly #world: World;
  readonly #rng: Rng;
  readonly #id: string;
  #count = 0;

  constructor(world: World, id: number, rng: Rng) {
    this.#world = world;
    this.#rng = rng;
    this.#id = `${world.client}-${id}`;
  }

  /** Until there is nothing more to ask. */
  async run(): Promise<void> {
    while (await this.#live(this.#draw()));
  }

  #below(n: number): number {
    return Math.floor(this.#rng() * n);
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[this.#below(list.length)];
  }

  #draw(): Asked {
    const kind = this.#below(100);
    const given = this.#pick(this.alive);
    const gone = this.#pick(this.#gone);
    if (kind < 4) return this.#shared();
    if (kind < 6 && this.#world.churning) return this.#fresh(this.#world.churning);
    if (kind < 12 && gone) return { kind: "release", name: gone.name, sequence: gone.sequence };
    if (!given || (kind < 55 && this.alive.length < ALIVE)) return this.#birth(kind, gone);
    if (kind < 66) return again(given);
    if (kind < 69) return { ...again(given), host: this.#pick(this.#world.own) ?? "" };
    return release(given, kind);
  }

  #birth(kind: number, gone: Given | undefined): Asked {
    if (kind < 22 && gone) return again(gone);
    if (kind < 26 && gone && this.#world.hosts.includes(gone.host))
      return { ...this.#fresh(gone.host), tenant: gone.tenant, ips: gone.ips.slice(0, 1) };
    const request = this.#fresh(this.#pick(this.#world.own) ?? "");
    return { ...request, tenant: kind < 30 ? "tight" : kind < 36 ? "dual" : request.tenant };
  }

  #fresh(host: string): Extract<Asked, { kind: "allocate" }> {
    const tenant = `tenant-${this.#below(3)}`;
    return { kind: "allocate", name: attachment(`${this.#id}-${this.#count++}`), host, tenant, segment: "" };
  }

  /** Names that all workers of all clients use: several at once ask for one, or free it. */
  #shared(): Asked {
    const n = this.#below(SHARED_NAMES.length);
    const host = this.#world.hosts[n % this.#world.hosts.length] ?? "";
    const name = SHARED_NAMES[n] ?? "";
    if (this.#below(5) < 2) return { kind: "release", name, host };
    return { kind: "allocate", name, host, tenant: "tenant-0", segment: "shared" };
  }

  /** Asks until it is answered. False: there is nothing more to ask. */
  async #live(request: Asked): Promise<boolean> {
    const first = this.#below(this.#world.daemons);
    this.inHand = this.#nameOf(request);
    for (let attempt = 0; ; attempt++) {
      const operation = await this.#world.ask(request, (first + attempt) % this.#world.daemons);
      if (!operation) return false;
      this.#learn(operation);
      if (!isTransient(operation.outcome)) break;
      await this.#world.pause(PAUSE + Math.min(2000, PAUSE * 2 ** attempt) * this.#rng());
    }
    this.inHand = undefined;
    return true;
  }

  #nameOf(request: Asked): string | undefined {
    if (request.kind === "release" && request.ip !== undefined)
      return this.alive.find(({ ips }) => ips[0] === request.ip)?.name;
    return (request as { name?: string }).name;
  }

  #learn({ request, outcome }: Operation): void {
    const { name } = request as { name?: string };
    if (name?.startsWith(SHARED)) return;
    if (outcome.kind === "given") this.#keep(outcome);
    if (request.kind !== "release") return;
    const isOver =
      outcome.kind === "done" || (outcome.kind === "refused" && outcome.code === "ADDRESS_UNKNOWN");
    if (isOver) this.#bury(request);
  }

  /** A name has what it was given last: it may have lost what it had, with a host that was removed. */
  #keep(given: Given): void {
    const index = this.alive.findIndex(({ name }) => name === given.name);
    if (index < 0) this.alive.push(given);
    else this.alive[index] = given;
  }

  #bury({ name, ip, sequence }: Extract<Asked, { kind: "release" }>): void {
    const index = this.alive.findIndex(
      (each) => (each.name === name && (sequence ?? each.sequence) === each.sequence) || each.ips[0] === ip,
    );
    const [given] = index < 0 ? [] : this.alive.splice(index, 1);
    if (given) this.#gone.push(given);
    if (this.#gone.length > REMEMBERED) this.#gone.shift();
  }
}

const again = ({ name, host, tenant, segment }: Given): Extract<Asked, { kind: "allocate" }> => ({
  ...{ kind: "allocate", name, host, tenant, segment },
});

/** As the CNI does it mostly; by address and by bare name at times. */
function release({ name, host, ips, sequence }: Given, kind: number): Asked {
  if (kind < 73) return { kind: "release", ip: ips[0] ?? "", host };
  if (kind < 77) return { kind: "release", name };
  return { kind: "release", name, sequence, host };
}
