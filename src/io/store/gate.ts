// Waiting for news: many wait, `open` lets all of them through at once.

export interface Gate {
  open(): void;
  /** Until the next `open` or until `signal` aborts; never rejects. */
  wait(signal: AbortSignal): Promise<void>;
}

export function createGate(): Gate {
  let waiting = new Set<() => void>();
  return {
    open() {
      const woken = waiting;
      waiting = new Set();
      for (const wake of woken) wake();
    },
    wait(signal) {
      return new Promise((resolve) => {
        const wake = (): void => {
          signal.removeEventListener("abort", wake);
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener("abort", wake, { once: true });
        if (signal.aborted) wake();
      });
    },
  };
}
