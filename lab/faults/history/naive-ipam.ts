// An address management so simple that it is plainly right: one list, one thing at a time. And its flaws, each of which the checker must find.
// For the checker's tests; nothing runs on it.
import { formatIp } from "../../../src/core/net/ip.ts";
import { type Given, type Outcome, type Request, sameHolder } from "./history.ts";

export const FLAWS = [
  "forgets on restart",
  "gives to two",
  "forgets names",
  "loses what it acknowledged",
  "a late release frees",
  "numbers fall",
  "a number lives twice",
  "gives what is reserved",
  "gives on removed hosts",
  "keeps what a removed host had",
  "exhausted too early",
  "denies what is there",
  "ignores wishes",
  "makes up addresses",
] as const;
export type Flaw = (typeof FLAWS)[number];

/** 10.0.0.0/27, blocks of 8, one tenant, one host each block. */
const BASE = 10n << 24n;
const SIZE = 32;
const BLOCK = 8;
export const SMALL = { tenant: "t", cidr: "10.0.0.0/27", blockMask: 29 } as const;

const ipOf = (slot: number): string => formatIp({ family: 4, value: BASE + BigInt(slot) });

export class NaiveIpam {
  readonly #names = new Map<string, Given>();
  /** By slot. */
  readonly #used = new Map<number, string>();
  readonly #hosts: Set<string>;
  readonly #reserved = new Set<number>();
  readonly #flaw: Flaw | undefined;
  /** Whether the flaw shows this time: now and then, as real ones do. */
  readonly #strikes: () => boolean;
  #sequence = 1000;

  constructor(hosts: readonly string[], flaw?: Flaw, strikes: () => boolean = () => true) {
    this.#hosts = new Set(hosts);
    this.#flaw = flaw;
    this.#strikes = strikes;
  }

  get addresses(): Given[] {
    const made = { name: "nobody", host: "h0", tenant: "t", segment: "", ips: [ipOf(31)], sequence: 1 };
    return this.#has("makes up addresses") ? [...this.#names.values(), made] : [...this.#names.values()];
  }

  restart(): void {
    if (this.#has("forgets on restart")) this.#used.clear();
  }

  apply(request: Request): Outcome {
    switch (request.kind) {
      case "allocate":
        return this.#allocate(request);
      case "release":
        return this.#release(request);
      case "add-host":
        this.#hosts.add(request.host);
        return { kind: "done" };
      case "remove-host":
        return this.#removeHost(request.host);
      case "reserve":
        this.#reserved.add(slotOf(request.cidr));
        return { kind: "done" };
      case "open":
        this.#reserved.delete(slotOf(request.cidr));
        return { kind: "done" };
      case "report":
        return { kind: "done" };
    }
  }

  #has(flaw: Flaw): boolean {
    return this.#flaw === flaw && this.#strikes();
  }

  #allocate(request: Extract<Request, { kind: "allocate" }>): Outcome {
    const { name, host, tenant, segment, ips } = request;
    const known = this.#names.get(name);
    if (known && !this.#has("forgets names")) {
      const isSame = sameHolder(known, request) && (ips ?? known.ips).every((ip) => known.ips.includes(ip));
      return isSame ? { kind: "given", ...known } : { kind: "refused", code: "NAME_TAKEN" };
    }
    if (!this.#hosts.has(host) && !this.#has("gives on removed hosts"))
      return { kind: "refused", code: "HOST_UNKNOWN" };
    const slot = this.#choose(host, ips);
    if (typeof slot === "string") return { kind: "refused", code: slot };
    const given = { name, host, tenant, segment, ips: [ipOf(slot)], sequence: this.#next(name) };
    this.#names.set(name, given);
    this.#used.set(slot, name);
    if (this.#has("loses what it acknowledged")) this.#forget(given);
    return { kind: "given", ...given };
  }

  #next(name: string): number {
    if (this.#has("a number lives twice")) return 7;
    return this.#has("numbers fall") ? 999 - name.length - ++this.#sequence : ++this.#sequence;
  }

  #choose(host: string, ips: readonly string[] | undefined): number | string {
    const wanted = ips?.[0];
    if (wanted !== undefined && !this.#has("ignores wishes")) {
      const slot = slotOf(wanted);
      if (this.#reserved.has(slot)) return "IP_RESERVED";
      return this.#used.has(slot) || !this.#mayUse(host, slot) ? "IP_TAKEN" : slot;
    }
    for (let slot = 0; slot < SIZE; slot++) {
      const isTaken = this.#used.has(slot) || !this.#mayUse(host, slot);
      const isReserved = this.#reserved.has(slot) && !this.#has("gives what is reserved");
      if ((!isTaken && !isReserved) || (this.#used.has(slot) && this.#has("gives to two"))) {
        if (slot > BLOCK && this.#has("exhausted too early")) return "EXHAUSTED";
        return slot;
      }
    }
    return "EXHAUSTED";
  }

  /** A block is of one host as long as somebody is in it. */
  #mayUse(host: string, slot: number): boolean {
    const first = slot - (slot % BLOCK);
    for (let i = first; i < first + BLOCK; i++) {
      const holder = this.#names.get(this.#used.get(i) ?? "");
      if (holder && holder.host !== host) return false;
    }
    return true;
  }

  #release(request: Extract<Request, { kind: "release" }>): Outcome {
    const { name, ip, sequence, host } = request;
    const found = this.#names.get(name ?? this.#used.get(slotOf(ip ?? "")) ?? "");
    if (!found || this.#has("denies what is there")) return { kind: "refused", code: "ADDRESS_UNKNOWN" };
    if (host !== undefined && host !== found.host) return { kind: "refused", code: "RELEASE_FOREIGN" };
    if (sequence !== undefined && sequence !== found.sequence && !this.#has("a late release frees"))
      return { kind: "refused", code: "RELEASE_STALE" };
    this.#forget(found);
    return { kind: "done" };
  }

  #removeHost(host: string): Outcome {
    if (!this.#hosts.delete(host)) return { kind: "refused", code: "HOST_UNKNOWN" };
    if (this.#has("keeps what a removed host had")) return { kind: "done" };
    for (const given of [...this.#names.values()]) if (given.host === host) this.#forget(given);
    return { kind: "done" };
  }

  #forget({ name, ips }: Given): void {
    this.#names.delete(name);
    for (const ip of ips) if (this.#used.get(slotOf(ip)) === name) this.#used.delete(slotOf(ip));
  }
}

/** Of an address, or of a prefix of one address. */
function slotOf(text: string): number {
  return Number(text.split("/")[0]?.split(".").at(-1) ?? -1);
}
