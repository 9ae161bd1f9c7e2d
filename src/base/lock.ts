// One at a time, in the order of asking.

export interface Lock {
  /** Runs `work` when everyone who asked before is done; its outcome is the caller's alone. */
  run<T>(work: () => T | Promise<T>): Promise<T>;
}

export function createLock(): Lock {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run<T>(work: () => T | Promise<T>): Promise<T> {
      const result = last.then(work);
      last = result.catch(() => undefined);
      return result;
    },
  };
}
