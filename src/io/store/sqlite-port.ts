// The way to the worker thread: what is asked while it works goes to it as one list when it is done.
import type { Worker } from "node:worker_threads";
import { type Clock, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { WorkerAnswers, WorkerReply, WorkerRequest } from "./sqlite-messages.ts";

type RequestOf<K extends WorkerRequest["kind"]> = Extract<WorkerRequest, { kind: K }>;

type Waiting = {
  readonly request: WorkerRequest;
  readonly take: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
};

/** In one list: its requests are acknowledged together. */
const MAX_LIST = 256;
const TIMEOUT = Seconds(10);

export type SqlitePortOptions = {
  readonly clock: Clock;
  /** The thread has ended by itself. */
  readonly onDeath: (reason: UnavailableError) => void;
};

export class SqlitePort {
  readonly #worker: Worker;
  readonly #options: SqlitePortOptions;
  #waiting: Waiting[] = [];
  #asked: Waiting[] = [];
  /** Of those asked, how many are not answered. */
  #left = 0;
  /** Nothing more is taken. */
  #closed: UnavailableError | undefined;
  #isDead = false;
  #answered = new AbortController();

  constructor(worker: Worker, options: SqlitePortOptions) {
    this.#worker = worker;
    this.#options = options;
    worker.on("message", (replies: readonly WorkerReply[]) => this.#receive(replies));
    worker.on("error", (cause) => this.#die(cause));
    worker.on("exit", () => this.#die(undefined));
  }

  /** `take` sees the answer in the order of commits, before any later answer, also when the caller has given up. */
  ask<K extends keyof WorkerAnswers, T>(
    request: RequestOf<K>,
    take: (answer: WorkerAnswers[K]) => T,
  ): Promise<T> {
    return this.#closed ? Promise.reject(this.#closed) : this.#enqueue(request, take);
  }

  /** Refuses what comes with `reason`, answers what waits, closes the database and ends the thread. */
  async close(reason: UnavailableError): Promise<void> {
    const wasOpen = this.#closed === undefined;
    this.#closed ??= reason;
    try {
      if (wasOpen) await this.#enqueue<"close", void>({ kind: "close" }, () => undefined);
    } finally {
      this.#isDead = true;
      this.#rejectAll(this.#closed);
      await this.#worker.terminate();
    }
  }

  #enqueue<K extends keyof WorkerAnswers, T>(
    request: RequestOf<K>,
    take: (answer: WorkerAnswers[K]) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, take: (answer) => resolve(take(answer as never)), reject });
      // After this turn's other callers have asked theirs.
      if (this.#left === 0 && this.#waiting.length === 1) queueMicrotask(() => this.#send());
    });
  }

  #send(): void {
    if (this.#left > 0 || this.#waiting.length === 0 || this.#isDead) return;
    this.#asked = this.#waiting.slice(0, MAX_LIST);
    this.#waiting = this.#waiting.slice(MAX_LIST);
    this.#left = this.#asked.length;
    this.#worker.postMessage(this.#asked.map(({ request }) => request));
    this.#answered = new AbortController();
    void this.#watchTime(this.#answered.signal);
  }

  #receive(replies: readonly WorkerReply[]): void {
    for (const reply of replies) settle(this.#asked[reply.id], reply);
    this.#left -= replies.length;
    if (this.#left > 0) return;
    this.#answered.abort();
    this.#send();
  }

  /** While the disk hangs everybody who waits is told so; the answer, if it comes, still counts. */
  async #watchTime(signal: AbortSignal): Promise<void> {
    const isLate = (): Promise<boolean> =>
      this.#options.clock.sleep(TIMEOUT, signal).then(
        () => true,
        () => false,
      );
    while (await isLate())
      this.#rejectAll(new UnavailableError({ code: "STORE_TIMEOUT", seconds: TIMEOUT / 1000 }));
  }

  #die(cause: unknown): void {
    if (this.#isDead) return;
    this.#isDead = true;
    const message = "the store's thread has ended";
    this.#closed ??= new UnavailableError({ code: "STORE_DIED", message }, { cause });
    this.#rejectAll(this.#closed);
    this.#options.onDeath(this.#closed);
  }

  /** What was not sent yet is not done any more. */
  #rejectAll(reason: UnavailableError): void {
    if (this.#isDead) this.#answered.abort();
    const rejected = [...this.#asked, ...this.#waiting];
    this.#waiting = [];
    for (const { reject } of rejected) reject(reason);
  }
}

function settle(waiting: Waiting | undefined, reply: WorkerReply): void {
  if (!waiting) return;
  if ("refusal" in reply) waiting.reject(new UnavailableError(reply.refusal));
  else waiting.take(reply.answer);
}
