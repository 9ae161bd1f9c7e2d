// Tokens of Kubernetes ServiceAccounts: the API server says whether one is good, whose it is, and on which node its pod runs. Nothing is
// believed that the token says of itself; its own end only bounds how long an answer may serve while the API server is away.
import { createHash } from "node:crypto";
import { type Clock, type Duration, Milliseconds, Seconds } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import { isRecord } from "../../../core/model/read-fields.ts";
import type { ServiceAccount } from "../config.ts";
import { type Caller, isName } from "./caller.ts";

export interface TokenReviews {
  /** At once where it is known. Rejects with UnavailableError: nobody can say who it is. */
  callerOf(token: string): Caller | undefined | Promise<Caller | undefined>;
}

/** Answers of TokenReview (authentication.k8s.io/v1): its `status`. */
export type Ask = (token: string) => Promise<unknown>;

type ReviewOptions = { readonly audience: string; readonly accounts: readonly ServiceAccount[] };
type Known = {
  caller: Caller | undefined;
  reviewed: number;
  asking: Promise<Caller | undefined> | undefined;
};

/** How long an answer serves before it is asked for again: a pod that was deleted has lost its token by then. */
const FRESH = { good: Seconds(60), bad: Seconds(10) };
/** Tokens that are remembered, by their digests: the one unused for longest gives way. */
const MOST = 16_384;
/** Questions at once: who sends tokens of his own making keeps no more of the API server busy. */
const MOST_ASKED = 32;
const LONGEST = 8192;

export function createTokenReviews(
  ask: Ask,
  { audience, accounts }: ReviewOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): TokenReviews {
  const known = new Map<string, Known>();
  let asked = 0;
  let told = "";
  const review = async (token: string, ends: number, entry: Known): Promise<Caller | undefined> => {
    try {
      if (++asked > MOST_ASKED) throw new UnavailableError({ code: "TOKEN_REVIEW_BUSY" });
      entry.caller = callerFrom(await ask(token), audience, accounts);
      entry.reviewed = clock.monotonic();
      told = "";
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      if (error.message !== told)
        log.warn("Kubernetes says of no token whose it is", { error: error.message });
      told = error.message;
      // What was good is so until its own end: agents go on while the API server is away.
      if (!entry.caller || clock.now() >= ends) throw unanswered(error);
      entry.reviewed = clock.monotonic();
    } finally {
      asked--;
      entry.asking = undefined;
    }
    return entry.caller;
  };
  return {
    callerOf(token) {
      const ends = token.length > LONGEST ? undefined : endOf(token);
      if (ends === undefined || ends <= clock.now()) return undefined;
      const key = createHash("sha256").update(token).digest("base64");
      const entry = known.get(key) ?? { caller: undefined, reviewed: -Infinity, asking: undefined };
      remember(known, key, entry);
      if (clock.monotonic() - entry.reviewed < freshness(entry)) return entry.caller;
      return (entry.asking ??= review(token, ends, entry));
    },
  };
}

/** Who is not known yet hears no more than that. */
const unanswered = (cause: UnavailableError): UnavailableError =>
  new UnavailableError(
    { code: "TOKEN_REVIEW", message: "nobody can say now whose this token is: try again" },
    { cause },
  );

const freshness = ({ caller }: Known): Duration => (caller ? FRESH.good : FRESH.bad);

function remember(known: Map<string, Known>, key: string, entry: Known): void {
  known.delete(key);
  known.set(key, entry);
  if (known.size > MOST) known.delete(known.keys().next().value ?? "");
}

/** Wall milliseconds, as the token says; `undefined`: it is no JSON web token (RFC 7519) with an end, which all of ServiceAccounts have. */
function endOf(token: string): number | undefined {
  const [, payload = "", signature, ...more] = token.split(".");
  if (signature === undefined || more.length > 0) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const ends = isRecord(claims) ? claims["exp"] : undefined;
    return typeof ends === "number" ? Milliseconds(ends * 1000) : undefined;
  } catch {
    return undefined; // an opaque text: nobody's
  }
}

const PREFIX = "system:serviceaccount:";
/** Of the pod that the token was made for: the kubelet asks for it, and the API server signs it. Kubernetes 1.30 and later. */
const NODE_NAME = "authentication.kubernetes.io/node-name";

function callerFrom(
  status: unknown,
  audience: string,
  accounts: readonly ServiceAccount[],
): Caller | undefined {
  if (!isRecord(status) || status["authenticated"] !== true || !isRecord(status["user"])) return undefined;
  // A server that knows no audiences answers without them.
  if (!listOf(status["audiences"]).includes(audience)) return undefined;
  const { username, extra } = status["user"];
  if (typeof username !== "string" || !username.startsWith(PREFIX) || !isName(username)) return undefined;
  const account = accounts.find(({ namespace, name }) => username === `${PREFIX}${namespace}:${name}`);
  const nobody = { name: username, role: "none", owns: "", by: "account" } as const;
  if (!account) return nobody;
  if (account.role !== "node") return { ...nobody, role: account.role };
  const [node, ...others] = isRecord(extra) ? listOf(extra[NODE_NAME]) : [];
  if (typeof node !== "string" || !isName(node) || others.length > 0) return nobody;
  return { ...nobody, name: node, role: "node", owns: node };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
