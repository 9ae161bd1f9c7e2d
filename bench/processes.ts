// Waiting in benches, and a bed for one.
import { Bed } from "../test/support/bed.ts";

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Runs `body` with a bed and clears it whatever happens. */
export async function withBed<T>(body: (bed: Bed) => Promise<T>): Promise<T> {
  const bed = new Bed("built");
  try {
    return await body(bed);
  } finally {
    await bed.dispose();
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
