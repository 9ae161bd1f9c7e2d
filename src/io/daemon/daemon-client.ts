// The daemon's REST API for other parts of Romana: kept-alive connections, replies as values. What may be done twice is asked of another
// replica where one does not answer; what belongs to one replica (its watch, and what it must hear before) is not.
import { UnavailableError } from "../../base/errors.ts";
import type { UsageReply } from "../../core/api/ipam.ts";
import type {
  AddressList,
  AddressReply,
  AddressRequest,
  AdoptReply,
  HostList,
  HostReply,
  HostReport,
  HostReportReply,
  HostRequest,
  ReleaseReply,
  WatchLine,
} from "../../core/api/types.ts";
import { exchange } from "./exchange.ts";
import { kubernetesCalls, type KubernetesCalls } from "./kubernetes-calls.ts";
import { Replicas } from "./replicas.ts";
import { createTransport, type Sending, type Transport } from "./transport.ts";
import { watchDaemon, type WatchOptions } from "./watch-daemon.ts";

/** Errors as of `exchange`; of several replicas that did not answer, the one that tells most. */
export interface DaemonClient extends KubernetesCalls {
  allocate(body: AddressRequest): Promise<AddressReply>;
  /** By the sequence of its allocation or by the host that holds it. InputError with status 404 or 409: it is not ours (any more). */
  release(
    name: string,
    holder: { readonly sequence: number } | { readonly host: string },
  ): Promise<ReleaseReply>;
  hosts(): Promise<readonly HostReply[]>;
  /** Makes or changes one. InputError with status 409: somebody has one of its addresses. */
  putHost(body: HostRequest): Promise<HostReply>;
  /** InputError with status 404. */
  removeHost(name: string): Promise<HostReply>;
  usage(): Promise<UsageReply>;
  /** What the daemon waits for. */
  adoption(): Promise<AdoptReply>;
  /** What the host holds. */
  addresses(host: string): Promise<readonly AddressReply[]>;
  readonly replicas: Replicas;
  /** The one in use now. `patience`: milliseconds of silence after which it counts as dead. */
  replica(patience?: number): Replica;
  /** Whether the replica at `url` says so, within a second. */
  isReady(url: URL): Promise<boolean>;
  close(): void;
}

/** All of it ends when the replica is left. */
export interface Replica {
  readonly url: URL;
  register(body: HostRequest, signal: AbortSignal): Promise<HostReply>;
  report(host: string, body: HostReport, signal: AbortSignal): Promise<HostReportReply>;
  /** As `watchDaemon`. */
  watch(options: WatchOptions, signal: AbortSignal): AsyncIterable<readonly WatchLine[]>;
}

/** Milliseconds. A daemon waits 6 s for its store before it says 503; more where there is nobody else to ask. */
const TIMEOUT = { one: 20_000, ofSeveral: 8000, probe: 1000 };
/** Who watches is less patient than who asks: a replica that he left, in an election of etcd's say, may answer the next time. */
const ROUNDS = 3;
/** Where nobody else is to be had, a slow daemon is better than none. */
const PATIENCE = 12_000;

/** `urls`: at least one. */
export function createDaemonClient(
  urls: readonly URL[],
  transport: Transport = createTransport(),
): DaemonClient {
  const replicas = new Replicas(urls);
  const ask = <Reply>(method: Sending["method"], path: string, body?: unknown): Promise<Reply> =>
    askInTurn(replicas, (url, signal) => {
      const timeout = replicas.count > 1 ? TIMEOUT.ofSeveral : TIMEOUT.one;
      return exchange(transport, new URL(path, url), { method, body, timeout, signal });
    });
  return {
    allocate: (body) => ask("POST", "/address", body),
    release: (name, holder) => {
      const by =
        "sequence" in holder ? `sequence=${holder.sequence}` : `host=${encodeURIComponent(holder.host)}`;
      return ask("DELETE", `/address?addressName=${encodeURIComponent(name)}&${by}`);
    },
    hosts: async () => (await ask<HostList>("GET", "/hosts")).hosts,
    putHost: (body) => ask("POST", "/hosts", body),
    removeHost: (name) => ask("DELETE", `/hosts/${encodeURIComponent(name)}`),
    ...kubernetesCalls(ask),
    usage: () => ask("GET", "/ipam/usage"),
    adoption: () => ask("GET", "/ipam/adopt"),
    addresses: async (host) =>
      (await ask<AddressList>("GET", `/addresses?host=${encodeURIComponent(host)}`)).addresses,
    replicas,
    replica: (patience = PATIENCE) => createReplica(replicas, transport, patience),
    async isReady(url) {
      const { probe: timeout } = TIMEOUT;
      const signal = AbortSignal.timeout(timeout);
      const asked = exchange(transport, new URL("/readyz", url), { method: "GET", timeout, signal });
      return asked.then(
        () => true,
        () => false,
      );
    },
    close: () => transport.close(),
  };
}

function createReplica(replicas: Replicas, transport: Transport, patience: number): Replica {
  const { current: url, left } = replicas;
  const post = <Reply>(path: string, body: unknown, signal: AbortSignal): Promise<Reply> => {
    const until = AbortSignal.any([signal, left]);
    return exchange(transport, new URL(path, url), {
      ...{ method: "POST", body, timeout: patience, signal: until },
    });
  };
  return {
    url,
    register: (body, signal) => post("/hosts", body, signal),
    report: (host, body, signal) => post(`/hosts/${encodeURIComponent(host)}/report`, body, signal),
    watch: (options, signal) =>
      watchDaemon(transport, url, { silence: patience, ...options }, AbortSignal.any([signal, left])),
  };
}

/** One replica after the other, the one in use first, until one answers. */
async function askInTurn<Reply>(
  replicas: Replicas,
  ask: (url: URL, signal: AbortSignal) => Promise<Reply>,
): Promise<Reply> {
  let told: UnavailableError | undefined;
  let wasLeft = true;
  for (let round = 0; round < ROUNDS && wasLeft; round++) {
    wasLeft = false;
    for (const url of replicas.inTurn()) {
      const left = url === replicas.current ? replicas.left : new AbortController().signal;
      try {
        return await ask(url, left);
      } catch (error) {
        if (!(error instanceof UnavailableError) || !isForAnother(error)) throw error;
        if (left.aborted) wasLeft = true;
        else if (!isAnswer(error)) replicas.leave(url);
        if (!told || !isAnswer(told)) told = error;
      }
    }
  }
  throw told ?? new UnavailableError({ code: "DAEMON_UNREACHABLE" });
}

const isAnswer = ({ details }: UnavailableError): boolean => "status" in details;

/** Another replica of a store that forgot may not know that yet, and must not be talked into handing out; too many requests stay too many. */
const isForAnother = ({ code, details }: UnavailableError): boolean =>
  code !== "STORE_FORGOT" && details["status"] !== 429;
