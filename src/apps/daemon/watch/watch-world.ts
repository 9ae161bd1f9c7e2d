// What agents see at present, a line per thing, and what each change of it means for whom. Knows no streams.
import type { BlockView, WatchLine } from "../../../core/api/types.ts";
import { concerns, type Party, type Scope } from "../../../core/desired/concern.ts";
import { formatCidr } from "../../../core/net/cidr.ts";
import { parseIp } from "../../../core/net/ip.ts";

/** A change that agents see, without its revision. */
export type WatchChange = WithoutRevision<Extract<WatchLine, { type: "put" | "delete" }>>;
type WithoutRevision<T> = T extends unknown ? Omit<T, "revision"> : never;

/** One change as lines, for those whom it concerns: `after` it the put, only `before` it the removal. A party `undefined` concerns nobody. */
export type Step = {
  readonly revision: number;
  readonly put: string | undefined;
  readonly removal: string;
  readonly before: Party | undefined;
  readonly after: Party | undefined;
  /** Of a thing that concerns everybody. */
  readonly forAll: boolean;
  /** Its host has blocks: whoever it comes to concern, or ceases to, has more to learn than this. */
  readonly moves: boolean;
};

/** What a step tells a watcher; `RENEW`: all that concerns him has to be told anew. */
export const RENEW = Symbol("renew");
export type Told = string | typeof RENEW | undefined;

export function toldOf(step: Step, scope: Scope | undefined): Told {
  if (!scope || step.forAll) return step.put ?? step.removal;
  const is = step.after !== undefined && concerns(scope, step.after);
  const was = step.before !== undefined && concerns(scope, step.before);
  if (is !== was && step.moves) return RENEW;
  if (is) return step.put;
  return was ? step.removal : undefined;
}

export const toLine = (line: WatchLine): string => `${JSON.stringify(line)}\n`;

type Put = Extract<WatchChange, { type: "put" }>;
type Current = { readonly put: Put; readonly line: string; readonly party: Party | undefined };

export class WatchWorld {
  /** In the order that hosts and blocks came. */
  readonly #current = new Map<string, Current>();
  readonly #parties = new Map<string, Party>();
  /** Keys of `#current`, by host. */
  readonly #blocks = new Map<string, Set<string>>();
  /** Hosts in a scope's subnets, by their text: a segment's nodes ask for the same. */
  readonly #onLink = new Map<string, readonly string[]>();

  clear(): void {
    for (const each of [this.#current, this.#parties, this.#blocks, this.#onLink]) each.clear();
  }

  /** Takes a change; `undefined` where nothing changes for agents. */
  take(revision: number, change: WatchChange): Step | undefined {
    const key = `${change.kind}/${change.key}`;
    const known = this.#current.get(key);
    if (change.type === "put" ? known && isSame(known.put, change) : !known) return undefined;
    const put = change.type === "put" ? toLine({ ...change, revision }) : undefined;
    const after = change.type === "put" ? this.#partyOf(change) : undefined;
    const before = known?.party;
    if (change.type === "put" && put !== undefined)
      this.#current.set(key, { put: change, line: put, party: after });
    else this.#current.delete(key);
    const moves = change.kind === "host" && this.#noteHost(change.key, after);
    if (change.kind === "block") this.#noteBlock(key, before, after);
    const removal = toLine({ type: "delete", kind: change.kind, key: change.key, revision });
    return { revision, put, removal, before, after, forAll: change.kind === "topology", moves };
  }

  /** Lines of all that concerns whoever has that scope. */
  *lines(scope: Scope | undefined): Generator<string> {
    if (!scope) for (const { line } of this.#current.values()) yield line;
    else {
      const topology = this.#current.get("topology/topology");
      if (topology) yield topology.line;
      for (const host of this.#hostsOf(scope))
        for (const key of [`host/${host}`, ...(this.#blocks.get(host) ?? [])]) {
          const current = this.#current.get(key);
          if (current) yield current.line;
        }
    }
  }

  #hostsOf(scope: Scope): Set<string> {
    const key = scope.subnets.map(formatCidr).join();
    let hosts = this.#onLink.get(key);
    if (!hosts) {
      const { subnets } = scope;
      hosts = [...this.#parties.values()]
        .filter((each) => concerns({ host: "", subnets }, each))
        .map(({ host }) => host);
      this.#onLink.set(key, hosts);
    }
    return new Set([scope.host, ...hosts]);
  }

  #partyOf(change: Put): Party | undefined {
    if (change.kind === "topology") return undefined;
    if (change.kind === "block") return this.#partyNamed(change.value.host);
    return { host: change.key, ips: change.value.ips.map((ip) => parseIp(ip)) };
  }

  #partyNamed(host: string): Party {
    return this.#parties.get(host) ?? { host, ips: [] };
  }

  /** Whether the host has blocks, whose party is another now. */
  #noteHost(host: string, party: Party | undefined): boolean {
    this.#onLink.clear();
    if (party) this.#parties.set(host, party);
    else this.#parties.delete(host);
    const blocks = this.#blocks.get(host) ?? [];
    for (const key of blocks) {
      const current = this.#current.get(key);
      if (current) this.#current.set(key, { ...current, party: this.#partyNamed(host) });
    }
    return this.#blocks.has(host);
  }

  #noteBlock(key: string, before: Party | undefined, after: Party | undefined): void {
    const old = before && this.#blocks.get(before.host);
    if (before && old?.delete(key) && old.size === 0) this.#blocks.delete(before.host);
    if (!after) return;
    const blocks = this.#blocks.get(after.host);
    if (blocks) blocks.add(key);
    else this.#blocks.set(after.host, new Set([key]));
  }
}

/** Blocks come at every allocation, and nearly always as agents know them: their fields are compared, and no text is made of them. */
function isSame(a: Put, b: Put): boolean {
  if (a.kind !== "block" || b.kind !== "block") return JSON.stringify(a.value) === JSON.stringify(b.value);
  const [known, value] = [a.value, b.value];
  const fields = Object.keys(value) as (keyof BlockView)[];
  return fields.every((field) => known[field] === value[field]);
}
