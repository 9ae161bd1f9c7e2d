// A cluster of etcd: calls with a deadline, at the endpoint that answered last, at the next when it does not; a user's token;
// and the proof that it is one cluster, which only goes forward.
import { type Clock, type Duration, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { backoffDelay } from "../../base/retry.ts";
import type { Pems } from "../files/pem-files.ts";
import { type CallTerms, EtcdEndpoint, type Greeting } from "./etcd-endpoint.ts";
import { EtcdError, moreTelling, unreadable, unsent } from "./etcd-errors.ts";
import { type Header, toNumber } from "./etcd-messages.ts";
import { type Method, methods } from "./etcd-proto.ts";

export type EtcdUser = { readonly name: string; readonly password: string };
export type EtcdOptions = {
  /** One at least; each `https://HOST:PORT` or `http://HOST:PORT`. */
  readonly endpoints: readonly string[];
  /** Read for each new connection and each log-in: what they read may be renewed in place. */
  readonly tls?: () => Pems;
  readonly user?: () => EtcdUser;
};
export type EtcdDeps = { readonly clock: Clock; readonly rng: Rng; readonly log: Log };

export type CallRules = {
  /** Absent: a request that may have been carried out is not sent again. Else it is, and this is called first. */
  readonly onDoubt?: () => void;
};

/** For one answer of one endpoint. etcd's own limit for a proposal is 7 s, and an election takes 1 to 2. */
const ATTEMPT = Seconds(2);
/** For all attempts of one call. */
export const WITHIN = Seconds(6);
/** An attempt with less time than this would only hide what the others said. */
const LEAST = Milliseconds(250);
const BACKOFF = { first: Milliseconds(50), most: Milliseconds(500) };
/** The first with requests for progress on a watch and with long responses cut into fragments. */
const OLDEST = [3, 4] as const;

export class EtcdClient {
  readonly #endpoints: readonly EtcdEndpoint[];
  readonly #options: EtcdOptions;
  readonly #deps: EtcdDeps;
  readonly #failed = new AbortController();
  #current: EtcdEndpoint;
  #token: Promise<string | undefined> | undefined;
  #cluster: string | undefined;
  #newest = 0;

  constructor(options: EtcdOptions, deps: EtcdDeps) {
    const { clock, rng } = deps;
    const tls = options.tls ?? (() => ({}));
    const greet = (greeting: Greeting): void => this.#greet(greeting);
    this.#options = options;
    this.#deps = deps;
    this.#endpoints = options.endpoints.map((url) => new EtcdEndpoint({ url, tls, clock, greet }));
    // Many clients spread over the members.
    this.#current = this.#at(Math.floor(rng() * options.endpoints.length));
  }

  /** The endpoint that is used at present. */
  get endpoint(): EtcdEndpoint {
    return this.#current;
  }

  /** The newest revision that an answer or an event told of. */
  get newest(): number {
    return this.#newest;
  }

  /** Rejects with UnavailableError, after WITHIN at the latest. */
  call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    rules: CallRules,
  ): Promise<Response> {
    // Reads and transactions go through the leader: they cannot be behind what was known when they began.
    const isLinear = method.path === methods.range.path || method.path === methods.txn.path;
    return this.run(async (endpoint, terms) => {
      const before = isLinear ? this.#newest : 0;
      const response = await endpoint.call(method, request, terms);
      const { header } = response as { header?: Header };
      if (header) this.#check(endpoint.url, header, before);
      return response;
    }, rules);
  }

  /** Does `work` at one endpoint after the other until it succeeds, fails for good, or the time is over. */
  async run<T>(
    work: (endpoint: EtcdEndpoint, terms: CallTerms) => Promise<T>,
    { onDoubt }: CallRules,
  ): Promise<T> {
    const { clock } = this.#deps;
    const end = clock.monotonic() + WITHIN;
    let told: EtcdError | undefined;
    for (let attempt = 0; ; attempt++) {
      this.failed.throwIfAborted();
      const endpoint = this.#current;
      const { connection } = endpoint;
      try {
        return await this.#attempt(endpoint, work, Milliseconds(Math.min(ATTEMPT, end - clock.monotonic())));
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        told = moreTelling(told, error);
        if (!error.failure.isRefused && !onDoubt) throw error;
        if (!error.failure.isRefused) onDoubt?.();
        const { again } = error.failure;
        if (again === "no" || (again === "token" && !this.#options.user)) throw error;
        if (again === "elsewhere") this.leave(endpoint, connection);
        await this.#pause(attempt);
        if (clock.monotonic() + LEAST >= end) throw told;
      }
    }
  }

  /** Terms of a stream: how long it may take to be opened. */
  async terms(endpoint: EtcdEndpoint, within: Duration = ATTEMPT): Promise<CallTerms> {
    return { within, token: await this.#login(endpoint, within) };
  }

  /** `endpoint` did not do its part over that `connection`: calls go to the next one. Of many who find out, the first one counts. */
  leave(endpoint: EtcdEndpoint, connection: number): void {
    if (endpoint.connection !== connection) return;
    endpoint.reset();
    if (endpoint !== this.#current) return;
    this.#current = this.#at((this.#endpoints.indexOf(endpoint) + 1) % this.#endpoints.length);
    this.#deps.log.debug("etcd endpoint left", { endpoint: endpoint.url, next: this.#current.url });
  }

  /** The next use logs in again. */
  forgetToken(): void {
    this.#token = undefined;
  }

  /** Takes note of a revision that an event told. */
  note(revision: number): void {
    this.#newest = Math.max(this.#newest, revision);
  }

  /** Aborts when the client is of no use any more, with the UnavailableError that all calls reject with. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** From now on calls reject with `reason`; those that are under way may be answered. */
  fail(reason: UnavailableError): void {
    this.#failed.abort(reason);
  }

  disconnect(): void {
    for (const endpoint of this.#endpoints) endpoint.reset();
  }

  async #attempt<T>(
    endpoint: EtcdEndpoint,
    work: (endpoint: EtcdEndpoint, terms: CallTerms) => Promise<T>,
    within: Duration,
  ): Promise<T> {
    const terms = await this.terms(endpoint, within);
    const login = this.#token;
    try {
      return await work(endpoint, terms);
    } catch (error) {
      // Another call may have logged in again meanwhile.
      if (error instanceof EtcdError && error.failure.again === "token" && this.#token === login)
        this.forgetToken();
      throw error;
    }
  }

  /** Once around all endpoints without a pause. */
  async #pause(attempt: number): Promise<void> {
    const { clock, rng } = this.#deps;
    const round = Math.floor((attempt + 1) / this.#endpoints.length);
    if (round === 0) return;
    await clock.sleep(backoffDelay(BACKOFF, round - 1, rng), this.failed).catch(() => undefined);
  }

  #login(endpoint: EtcdEndpoint, within: Duration): Promise<string | undefined> {
    const { user } = this.#options;
    if (!user) return Promise.resolve(undefined);
    if (this.#token) return this.#token;
    const token = authenticate(endpoint, user, within);
    token.catch(() => {
      if (this.#token === token) this.#token = undefined;
    });
    this.#token = token;
    return token;
  }

  #greet({ endpoint, header, version }: Greeting): void {
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const isKnown = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
    if (!isKnown)
      throw this.#refusal("STORE_TOO_OLD", endpoint, `etcd ${version}; ${OLDEST.join(".")} or newer`);
    this.#check(endpoint, header, 0);
  }

  /** An answer of another cluster, or of one that lost what it had told, must not be mixed with what is known. */
  #check(endpoint: string, { cluster_id, revision }: Header, atLeast: number): void {
    const cluster = cluster_id.toString();
    this.#cluster ??= cluster;
    if (cluster !== this.#cluster)
      throw this.#refusal("STORE_OTHER_CLUSTER", endpoint, `cluster ${cluster}, not ${this.#cluster}`);
    const found = toNumber(revision);
    if (found < atLeast) {
      const message = `etcd at ${endpoint} went back from revision ${atLeast} to ${found}: it lost what it had told`;
      this.#deps.log.error(message);
      this.fail(new UnavailableError({ code: "STORE_DIED", message }));
      this.failed.throwIfAborted();
    }
    this.note(found);
  }

  #refusal(code: string, endpoint: string, reason: string): EtcdError {
    this.#deps.log.error("etcd endpoint refused", { endpoint, reason });
    return new EtcdError({ code, isRefused: true, again: "elsewhere" }, { endpoint, reason });
  }

  #at(index: number): EtcdEndpoint {
    const endpoint = this.#endpoints[index];
    if (!endpoint) throw new UnavailableError({ code: "STORE_WITHOUT_ENDPOINT" });
    return endpoint;
  }
}

async function authenticate(
  endpoint: EtcdEndpoint,
  user: () => EtcdUser,
  within: Duration,
): Promise<string | undefined> {
  const request = readUser(endpoint, user);
  try {
    return (await endpoint.call(methods.authenticate, request, { within, token: undefined })).token;
  } catch (error) {
    // A user may be configured before the cluster asks for one: then nobody needs a token.
    if (error instanceof EtcdError && error.code === "STORE_WITHOUT_USERS") return undefined;
    throw unsent(error);
  }
}

function readUser({ url }: EtcdEndpoint, user: () => EtcdUser): EtcdUser {
  try {
    return user();
  } catch (error) {
    throw unreadable(url, error);
  }
}
