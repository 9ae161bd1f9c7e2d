// How a program is told to stop.

/** The name of the first signal that asks for it. */
export const firstSignal = (): Promise<string> =>
  new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
