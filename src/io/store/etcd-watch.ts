// One watch of everything in etcd, from a revision on, as whole revisions in order. Knows within seconds when nobody serves it
// any more. Never tries again: that is the feed's.
import { status } from "@grpc/grpc-js";
import { type Clock, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { eventOf, EVERYTHING } from "./etcd-codec.ts";
import type { CallTerms, EtcdEndpoint, Stream } from "./etcd-endpoint.ts";
import { type Event, toNumber, type WatchRequest, type WatchResponse } from "./etcd-messages.ts";
import { methods } from "./etcd-proto.ts";
import type { WatchEvent } from "./store.ts";

/** What one transaction changed; of keys that are not the store's own, nothing is told but the revision. */
export type Change = { readonly revision: number; readonly events: readonly WatchEvent[] };

/** etcd remembers nothing before `oldest`. */
export class CompactedError extends UnavailableError {
  readonly oldest: number;

  constructor(oldest: number) {
    super({ code: "STORE_COMPACTED", oldest });
    this.oldest = oldest;
  }
}

/** After this long without a message etcd is asked for a sign of life. */
const PROBE_EVERY = Seconds(1);
/** Questions in a row without any message after which the watch is dead. Counted, not timed: our own pauses prove nothing. */
const MOST_UNANSWERED = 2;

export type WatchOptions = {
  readonly endpoint: EtcdEndpoint;
  readonly terms: CallTerms;
  readonly since: number;
  readonly clock: Clock;
  /** Ends the watch with an error. */
  readonly signal: AbortSignal;
};

/**
 * Changes after `since`, some at a time; an empty list is a sign of life, the first one that etcd accepted the watch. Ends only by
 * being left, or with EtcdError or CompactedError.
 */
export async function* watchChanges(options: WatchOptions): AsyncGenerator<Change[]> {
  const { endpoint, terms, since, clock } = options;
  const stream = await endpoint.open(methods.watch, terms);
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  const life = { messages: 0 };
  signal.addEventListener("abort", () => stream.destroy(new Error("stopped")), { once: true });
  try {
    stream.write({ create_request: { ...EVERYTHING, start_revision: since + 1, fragment: true } });
    void probe(stream, life, clock, signal);
    yield* readChanges(stream, since, life);
    throw saying("the server ended the watch", status.UNAVAILABLE);
  } catch (error) {
    throw error instanceof CompactedError ? error : endpoint.errorOf(error);
  } finally {
    // What comes of ending it interests nobody.
    stream.on("error", () => undefined);
    over.abort();
    stream.cancel();
  }
}

async function* readChanges(
  stream: Stream<WatchRequest, WatchResponse>,
  since: number,
  life: { messages: number },
): AsyncGenerator<Change[]> {
  let position = since;
  let held: readonly Event[] = [];
  for await (const response of stream as AsyncIterable<WatchResponse>) {
    life.messages++;
    checkAlive(response);
    // A server may repeat what is older than was asked for.
    const news = response.events.filter(({ kv }) => toNumber(kv.mod_revision) > position);
    const { whole, rest } = splitWhole([...held, ...news], response.fragment);
    held = rest;
    const changes = group(whole);
    position = changes.at(-1)?.revision ?? position;
    yield changes;
  }
}

function checkAlive({ canceled, compact_revision, cancel_reason }: WatchResponse): void {
  if (!canceled) return;
  const oldest = toNumber(compact_revision);
  if (oldest > 0) throw new CompactedError(oldest);
  // Text is all that there is: the status belongs to the stream, which goes on.
  throw saying(cancel_reason, status.UNKNOWN);
}

/** A fragment may end amid a transaction: its last revision waits for what follows. */
function splitWhole(
  events: readonly Event[],
  isFragment: boolean,
): { whole: readonly Event[]; rest: readonly Event[] } {
  if (!isFragment) return { whole: events, rest: [] };
  const last = events.at(-1);
  const end = last ? toNumber(last.kv.mod_revision) : 0;
  const at = events.findIndex(({ kv }) => toNumber(kv.mod_revision) === end);
  return at < 0 ? { whole: [], rest: events } : { whole: events.slice(0, at), rest: events.slice(at) };
}

function group(events: readonly Event[]): Change[] {
  const changes: { revision: number; events: WatchEvent[] }[] = [];
  for (const event of events) {
    const revision = toNumber(event.kv.mod_revision);
    if (changes.at(-1)?.revision !== revision) changes.push({ revision, events: [] });
    const told = eventOf(event);
    if (told) changes.at(-1)?.events.push(told);
  }
  return changes;
}

/**
 * Asks for progress while nothing comes, and ends the stream when that is not answered. The revision of the answer is never used:
 * up to etcd 3.4.24 and 3.5.7 it may overtake events on their way.
 */
async function probe(
  stream: Stream<WatchRequest, WatchResponse>,
  life: { readonly messages: number },
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (let [seen, unanswered] = [0, 0]; ;) {
    await clock.sleep(PROBE_EVERY, signal).catch(() => undefined);
    if (signal.aborted) return;
    unanswered = life.messages === seen ? unanswered + 1 : 0;
    seen = life.messages;
    if (unanswered > MOST_UNANSWERED) break;
    if (unanswered > 0) stream.write({ progress_request: {} });
  }
  const silence = (PROBE_EVERY * (MOST_UNANSWERED + 1)) / 1000;
  stream.destroy(saying(`no sign of life for ${silence} s`, status.DEADLINE_EXCEEDED));
}

/** As gRPC would say it. */
const saying = (details: string, code: status): Error => Object.assign(new Error(details), { code, details });
