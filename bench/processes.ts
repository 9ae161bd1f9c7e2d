// Waiting in benches, and a bed for one.
import { Bed } from "../test/support/bed.ts";

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Somebody wants the bench to end: what was made goes away first. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Runs `body` with a bed and clears it whatever happens, Ctrl-C too: then `signal` aborts. */
export async function withBed<T>(body: (bed: Bed, signal: AbortSignal) => Promise<T>): Promise<T> {
  const bed = new Bed("built");
  const stop = new AbortController();
  const interrupt = (): void => {
    stop.abort(new Interrupted());
  };
  const interrupted = new Promise<never>((_, reject) => {
    stop.signal.addEventListener("abort", () => {
      reject(stop.signal.reason as Interrupted);
    });
  });
  const words = ["SIGINT", "SIGTERM"] as const;
  for (const word of words) process.on(word, interrupt);
  try {
    return await Promise.race([body(bed, stop.signal), interrupted]);
  } finally {
    await bed.dispose();
    for (const word of words) process.off(word, interrupt);
  }
}

/** Polls `probe` every `every` milliseconds until it is true, for 20 s at most. */
export async function until(what: string, probe: () => boolean | Promise<boolean>, every = 2): Promise<void> {
  const end = performance.now() + 20_000;
  while (performance.now() < end) {
    if (await probe()) return;
    await pause(every);
  }
  throw new Error(`bench: ${what} did not happen within 20 s`);
}

/** Whether `url` answers 200, asked from this process's own namespace. */
export const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    (reply) => reply.ok,
    () => false,
  );
