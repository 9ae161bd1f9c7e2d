// The way to the worker thread: what is asked while it works goes to it as one list when it is done.
import type { Worker } from "node:worker_threads";
import { type Clock, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { WorkerAnswers, WorkerReply, WorkerRequest } from "./sqlite-messages.ts";

type RequestOf<K extends WorkerRequest["kind"]> = Extract<WorkerRequest, { kind: K }>;

export interface SqlitePort {
  /** `take` sees the answer in the order of commits, before any later answer, also when the caller has given up. */
  ask<K extends keyof WorkerAnswers, T>(
    request: RequestOf<K>,
    take: (answer: WorkerAnswers[K]) => T,
  ): Promise<T>;
  /** Ends the thread; what waits is rejected with `reason`. */
  close(reason: UnavailableError): Promise<void>;
}

type Waiting = {
  readonly request: WorkerRequest;
  readonly take: (answer: WorkerReply & { answer: unknown }) => void;
  readonly reject: (error: unknown) => void;
};

/** In one list: its requests are acknowledged together. */
const MAX_LIST = 256;
const TIMEOUT = Seconds(10);

/** `onDeath`: the thread has ended by itself. */
export function startSqlitePort(
  worker: Worker,
  { clock, onDeath }: { clock: Clock; onDeath: (reason: UnavailableError) => void },
): SqlitePort {
  let waiting: Waiting[] = [];
  let asked: Waiting[] = [];
  let left = 0;
  let dead: UnavailableError | undefined;
  let answered = new AbortController();

  worker.on("message", (replies: readonly WorkerReply[]) => {
    for (const reply of replies) settle(asked[reply.id], reply);
    left -= replies.length;
    if (left > 0) return;
    answered.abort();
    send();
  });
  worker.on("error", die);
  worker.on("exit", () => die(undefined));

  return {
    ask: (request, take) =>
      new Promise((resolve, reject) => {
        if (dead) return reject(dead);
        const takeReply = ({ answer }: { answer: unknown }): void => resolve(take(answer as never));
        waiting.push({ request, take: takeReply, reject });
        // After this turn's other callers have asked theirs.
        if (left === 0 && waiting.length === 1) queueMicrotask(send);
      }),
    async close(reason) {
      bury(reason);
      await worker.terminate();
    },
  };

  function send(): void {
    if (left > 0 || waiting.length === 0 || dead) return;
    asked = waiting.slice(0, MAX_LIST);
    waiting = waiting.slice(MAX_LIST);
    left = asked.length;
    worker.postMessage(asked.map(({ request }) => request));
    answered = new AbortController();
    void watchTime(answered.signal);
  }

  /** While the disk hangs everybody who waits is told so; the answer, if it comes, still counts. */
  async function watchTime(signal: AbortSignal): Promise<void> {
    const isLate = (): Promise<boolean> =>
      clock.sleep(TIMEOUT, signal).then(
        () => true,
        () => false,
      );
    while (await isLate()) {
      const error = new UnavailableError({ code: "STORE_TIMEOUT", seconds: TIMEOUT / 1000 });
      for (const { reject } of [...asked, ...waiting]) reject(error);
      waiting = [];
    }
  }

  function die(cause: unknown): void {
    if (dead) return;
    const reason = new UnavailableError(
      { code: "STORE_FAILED", message: "the store's thread has ended" },
      { cause },
    );
    bury(reason);
    onDeath(reason);
  }

  function bury(reason: UnavailableError): void {
    dead ??= reason;
    answered.abort();
    for (const { reject } of [...asked, ...waiting]) reject(dead);
    waiting = [];
  }
}

function settle(waiting: Waiting | undefined, reply: WorkerReply): void {
  if (!waiting) return;
  if ("refusal" in reply) waiting.reject(new UnavailableError(reply.refusal));
  else waiting.take(reply);
}
