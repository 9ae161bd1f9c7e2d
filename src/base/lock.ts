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

export interface KeyedLock {
  /** As `Lock.run`, among those of the same key. */
  run<T>(key: string, work: () => T | Promise<T>): Promise<T>;
  /** Those that somebody works or waits on. */
  keys(): Iterable<string>;
}

export function createKeyedLock(): KeyedLock {
  const last = new Map<string, Promise<unknown>>();
  return {
    run<T>(key: string, work: () => T | Promise<T>): Promise<T> {
      const result = (last.get(key) ?? Promise.resolve()).then(work);
      const ended = result
        .catch(() => undefined)
        .then(() => {
          if (last.get(key) === ended) last.delete(key);
        });
      last.set(key, ended);
      return result;
    },
    keys: () => last.keys(),
  };
}
