// What etcd and gRPC say when they fail, as the store's errors, and what may be done about each. The texts are the protocol: etcd
// gives one gRPC status to many faults and tells them apart by their description (rpctypes of its client library).
import { status } from "@grpc/grpc-js";
import { UnavailableError } from "../../base/errors.ts";

export type Failure = {
  readonly code: string;
  /** Nothing was and nothing will be done. False: the request may have been, or may still be, carried out. */
  readonly isRefused: boolean;
  /** Where to try again: at another member, with a new token, or not at all. */
  readonly again: "elsewhere" | "token" | "no";
};

const refused = (code: string, again: Failure["again"]): Failure => ({ code, isRefused: true, again });
const doubtful = (code: string, again: Failure["again"]): Failure => ({ code, isRefused: false, again });

/** By the text after "etcdserver: ", whole. */
const SAID: Readonly<Record<string, Failure>> = {
  // Told before anything is proposed, as every request asks for a member that has a leader.
  "no leader": refused("STORE_NO_LEADER", "elsewhere"),
  "mvcc: database space exceeded": refused("STORE_FULL", "no"),
  "too many requests": refused("STORE_BUSY", "elsewhere"),
  "rpc not supported for learner": refused("STORE_NO_LEADER", "elsewhere"),
  "corrupt cluster": refused("STORE_CORRUPT", "no"),
  "request is too large": refused("STORE_TXN_TOO_BIG", "no"),
  "requested lease not found": refused("LEASE_GONE", "no"),
  "mvcc: required revision has been compacted": refused("STORE_COMPACTED", "no"),
  "mvcc: required revision is a future revision": refused("STORE_FUTURE", "no"),
  "permission denied": refused("STORE_DENIED", "no"),
  "authentication failed, invalid user ID or password": refused("STORE_DENIED", "no"),
  "invalid auth token": refused("STORE_DENIED", "token"),
  "revision of auth store is old": refused("STORE_DENIED", "token"),
  "user name is empty": refused("STORE_DENIED", "token"),
  "authentication is not enabled": refused("STORE_WITHOUT_USERS", "no"),
  "leader changed": doubtful("STORE_NO_LEADER", "elsewhere"),
  "server stopped": doubtful("STORE_UNREACHABLE", "elsewhere"),
  "context deadline exceeded": doubtful("STORE_TIMEOUT", "elsewhere"),
  "request timed out": doubtful("STORE_TIMEOUT", "elsewhere"),
  "request timed out, possibly due to previous leader failure": doubtful("STORE_TIMEOUT", "elsewhere"),
  "request timed out, possibly due to connection lost": doubtful("STORE_TIMEOUT", "elsewhere"),
};

/** By gRPC status, where the text says nothing. */
const MEANT: Readonly<Record<number, Failure>> = {
  [status.UNAVAILABLE]: doubtful("STORE_UNREACHABLE", "elsewhere"),
  [status.DEADLINE_EXCEEDED]: doubtful("STORE_TIMEOUT", "elsewhere"),
  [status.CANCELLED]: doubtful("STORE_UNREACHABLE", "elsewhere"),
  [status.RESOURCE_EXHAUSTED]: refused("STORE_TXN_TOO_BIG", "no"),
};

/** How the gRPC library says that it never had a connection to send on. */
const UNSENT = /^(No connection established|Channel closed before call started|Name resolution failed)/;
/** What it wraps around the system's own words. */
const WRAPPING = /^No connection established\. Last error: (Error: )?|\.? Resolution note: *$/g;
const UNKNOWN = doubtful("STORE_ERROR", "no");

/** What `code` and `text` of a gRPC status, or the reason of a cancelled watch, mean. */
export function failureOf(text: string, code: number = status.UNKNOWN): Failure {
  const said = SAID[text.replace(/^etcdserver: /, "")];
  if (said) return said;
  // Raft drops what is proposed while there is no leader.
  if (text === "raft proposal dropped") return refused("STORE_NO_LEADER", "elsewhere");
  if (UNSENT.test(text)) return refused("STORE_UNREACHABLE", "elsewhere");
  return MEANT[code] ?? UNKNOWN;
}

/** A call that failed at one endpoint. */
export class EtcdError extends UnavailableError {
  readonly failure: Failure;

  constructor(
    failure: Failure,
    { endpoint, reason }: { readonly endpoint: string; readonly reason: string },
  ) {
    const message = `etcd at ${endpoint}: ${reason.replace(WRAPPING, "").trim()}`;
    super({ code: failure.code, message, endpoint, reason });
    this.failure = failure;
  }
}

/** What went before a call failed, so nothing of the call itself was sent. */
export function unsent(error: unknown): unknown {
  if (!(error instanceof EtcdError)) return error;
  const { endpoint, reason } = error.details;
  return new EtcdError(
    { ...error.failure, isRefused: true },
    { endpoint: String(endpoint), reason: String(reason) },
  );
}

/** The files of certificates or of the password were good when the program started; half-written ones are better soon. */
export function unreadable(endpoint: string, error: unknown): EtcdError {
  const failure = { code: "STORE_CREDENTIALS", isRefused: true, again: "elsewhere" } as const;
  return new EtcdError(failure, { endpoint, reason: (error as Error).message });
}

/** Of what several endpoints said, the one that tells an operator most. */
export function moreTelling(a: EtcdError | undefined, b: EtcdError): EtcdError {
  const rank = ({ code }: EtcdError): number =>
    ["STORE_UNREACHABLE", "STORE_TIMEOUT", "STORE_BUSY", "STORE_NO_LEADER", "STORE_CREDENTIALS"].indexOf(
      code,
    );
  return a && rank(a) > rank(b) ? a : b;
}
