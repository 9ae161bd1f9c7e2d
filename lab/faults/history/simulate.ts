// Clients of the naive IPAM, as many at once as one likes, in a time of their own: each request has a start, a moment at which it takes
// effect, and an end, in any order with those of others. Answers get lost before or after the effect. Same seed, same history.
import type { Rng } from "../../../src/base/clock.ts";
import type { Given, History, Operation, Outcome, Request } from "./history.ts";
import { type Flaw, NaiveIpam, SMALL } from "./naive-ipam.ts";

export type Simulation = {
  readonly clients: number;
  readonly operations: number;
  /** Of answers that never come. */
  readonly loss: number;
  readonly flaw?: Flaw;
};

type Event = { readonly at: number; readonly run: () => void };

const HOSTS = ["h0", "h1"];

// long: the state of one run, and what happens in it
export function simulate({ clients, operations, loss, flaw }: Simulation, rng: Rng): History {
  const ipam = new NaiveIpam(["h0"], flaw, () => rng() < 0.2);
  const done: Operation[] = [];
  const events: Event[] = [];
  let left = operations;
  let last = 0;
  const below = (n: number): number => Math.floor(rng() * n);
  const schedule = (at: number, run: () => void): void => {
    const i = events.findIndex((event) => event.at > at);
    events.splice(i < 0 ? events.length : i, 0, { at, run });
  };

  function begin(client: string, start: number, memory: Map<string, Given>): void {
    if (left-- <= 0) return;
    const request = draw(client, memory, below);
    const isLost = rng() < loss;
    const effect = start + 1 + below(20);
    const end = effect + 1 + below(20);
    let outcome: Outcome = { kind: "unknown", why: "lost" };
    // A request whose answer is lost may arrive long after its client has given up, or never.
    const arrives = !isLost || rng() < 0.7;
    if (arrives)
      schedule(isLost ? effect + below(200) : effect, () => {
        const answer = ipam.apply(request);
        if (!isLost) outcome = answer;
      });
    schedule(end, () => {
      done.push({ client, start, end, request, outcome });
      if (outcome.kind === "given") memory.set(outcome.name, outcome);
      last = Math.max(last, end);
      begin(client, end + 1 + below(5), memory);
    });
  }

  for (let i = 0; i < clients; i++) begin(`c${i}`, below(10), new Map());
  for (let event = events.shift(); event; event = events.shift()) {
    if (below(20) === 0) ipam.restart();
    event.run();
    last = Math.max(last, event.at);
  }
  return {
    ground: { hosts: ["h0"], small: [SMALL], skew: 0 },
    operations: done,
    final: { start: last + 1, end: last + 2, addresses: ipam.addresses },
  };
}

function draw(client: string, memory: Map<string, Given>, below: (n: number) => number): Request {
  const name = below(4) === 0 ? `shared-${below(2)}` : `${client}-${below(8)}`;
  const host = HOSTS[below(8) === 0 ? 1 : 0] ?? "";
  const given = memory.get(name);
  const ip = `10.0.0.${below(32)}`;
  const kind = below(20);
  if (kind < 10) {
    const holder = { name, host, tenant: "t", segment: "" };
    return { kind: "allocate", ...holder, ...(below(6) === 0 ? { ips: [ip] } : {}) };
  }
  if (kind < 14 && given) return { kind: "release", name, sequence: given.sequence };
  if (kind < 15 && given) return { kind: "release", ip: given.ips[0] ?? "", host: given.host };
  if (kind < 16) return { kind: "release", name };
  if (kind < 17) return { kind: below(2) === 0 ? "reserve" : "open", cidr: `${ip}/32` };
  if (kind < 18) return { kind: below(2) === 0 ? "remove-host" : "add-host", host: "h1" };
  return given
    ? { kind: "release", name, sequence: given.sequence }
    : { kind: "allocate", name, host, tenant: "t", segment: "" };
}
