// Requests to daemons as operations of the history: whatever happens to one has an outcome.
import { Pool } from "undici";
import type { HostReport, HostReportReply } from "../../../src/core/api/types.ts";
import type { Operation, Outcome, Request } from "../history/history.ts";

/** Answers that say "not now" of which nothing was changed. All else that is not an answer leaves it open. */
const NOTHING_DONE = new Set([
  "ADOPTION_PENDING",
  "STORE_FORGOT",
  "QUEUE_FULL",
  "STOPPING",
  "CONTENTION",
  "TOO_MANY_REQUESTS",
]);
const GIVE_UP_AFTER = 4000;

type Body = {
  readonly code?: string;
  readonly name?: string;
  readonly host?: string;
  readonly tenant?: string;
  readonly segment?: string;
  readonly ips?: string[];
  readonly sequence?: number;
};
/** What workers and operators ask; agents have a method of their own. */
export type Asked = Exclude<Request, { readonly kind: "report" }>;
/** `seen`: what the daemon had, if it answered. */
export type Reported = { readonly operation: Operation; readonly seen?: NonNullable<HostReport["seen"]> };
type Call = { readonly method: "POST" | "DELETE"; readonly path: string; readonly body?: unknown };

export class Api {
  readonly #client: string;
  readonly #pools: readonly Pool[];

  constructor(client: string, daemons: readonly string[]) {
    this.#client = client;
    const timeouts = { headersTimeout: GIVE_UP_AFTER, bodyTimeout: GIVE_UP_AFTER };
    this.#pools = daemons.map(
      (url) => new Pool(url, { connections: 64, pipelining: 1, connect: { timeout: 1500 }, ...timeouts }),
    );
  }

  /** Asks the daemon at `index` once; never throws. */
  async ask(request: Asked, index: number): Promise<Operation> {
    return this.#timed(request, async () => {
      const { status, body } = await this.#call(callOf(request), index);
      return outcomeOf(request, status, body as Body);
    });
  }

  /** As `ask`: an agent tells what lives on its host. */
  async report(host: string, report: HostReport, index: number): Promise<Reported> {
    let told: HostReportReply | undefined;
    const operation = await this.#timed({ kind: "report", host }, async () => {
      const call = { method: "POST", path: `/hosts/${host}/report`, body: report } as const;
      const { status, body } = await this.#call(call, index);
      if (status === 200) told = body as HostReportReply;
      return told ? { kind: "done" } : { kind: "unknown", why: (body as Body).code ?? `HTTP_${status}` };
    });
    return { operation, ...(told && { seen: { cluster: told.cluster, revision: told.revision } }) };
  }

  async close(): Promise<void> {
    for (const pool of this.#pools) await pool.destroy();
  }

  async #timed(request: Request, work: () => Promise<Outcome>): Promise<Operation> {
    const start = microseconds();
    const outcome = await work().catch((error: unknown): Outcome => ({
      kind: "unknown",
      why: reasonOf(error),
    }));
    return { client: this.#client, start, end: microseconds(), request, outcome };
  }

  async #call({ method, path, body }: Call, index: number): Promise<{ status: number; body: unknown }> {
    const pool = this.#pools[index];
    if (!pool) throw new Error(`no daemon ${index}`);
    const content = body === undefined ? {} : { body: JSON.stringify(body), headers: JSON_TYPE };
    const reply = await pool.request({ method, path, ...content });
    return { status: reply.statusCode, body: await reply.body.json() };
  }
}

const JSON_TYPE = { "content-type": "application/json" };

/** One clock for all processes of the machine (CLOCK_MONOTONIC). */
const microseconds = (): number => Number(process.hrtime.bigint() / 1000n);

const reasonOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error);

function callOf(request: Asked): Call {
  switch (request.kind) {
    case "allocate": {
      const { name, host, tenant, segment, ips } = request;
      const wish = ips === undefined ? {} : { ips };
      return { method: "POST", path: "/address", body: { name, host, tenant, segment, ...wish } };
    }
    case "release": {
      const query = new URLSearchParams({ addressName: request.name ?? request.ip ?? "" });
      if (request.sequence !== undefined) query.set("sequence", String(request.sequence));
      if (request.host !== undefined) query.set("host", request.host);
      return { method: "DELETE", path: `/address?${query.toString()}` };
    }
    case "add-host":
      return { method: "POST", path: "/hosts", body: hostBody(request.host) };
    case "remove-host":
      return { method: "DELETE", path: `/hosts/${request.host}` };
    case "reserve":
      return { method: "POST", path: "/blackouts", body: { cidr: request.cidr } };
    case "open":
      return { method: "DELETE", path: `/blackouts?cidr=${encodeURIComponent(request.cidr)}` };
  }
}

/** A host named `rack-a-7` is in rack a, and has an address that follows from its number. */
export function hostBody(name: string): unknown {
  const [, rack = "a", number = "0"] = name.split("-");
  const n = Number(number) + (rack === "a" ? 0 : 2 ** 20);
  return { name, ip: `172.${16 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`, tags: { rack } };
}

function outcomeOf(request: Request, status: number, body: Body): Outcome {
  if (status === 200) return request.kind === "allocate" ? givenOf(body) : { kind: "done" };
  const code = body.code ?? `HTTP_${status}`;
  // A removal goes step by step: the first may have been done.
  const isNothing = status < 500 || (NOTHING_DONE.has(code) && request.kind !== "remove-host");
  return isNothing ? { kind: "refused", code } : { kind: "unknown", why: code };
}

function givenOf({
  name = "",
  host = "",
  tenant = "",
  segment = "",
  ips = [],
  sequence = -1,
}: Body): Outcome {
  return { kind: "given", name, host, tenant, segment, ips, sequence };
}

/** Refusals that pass: the same request may be answered later. */
export const isTransient = (outcome: Outcome): boolean =>
  outcome.kind === "unknown" || (outcome.kind === "refused" && NOTHING_DONE.has(outcome.code));
