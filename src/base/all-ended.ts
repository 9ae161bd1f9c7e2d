// Several things at once, none left running: what undoes them may start when this has thrown.

type Results<T extends readonly unknown[]> = { -readonly [I in keyof T]: Awaited<T[I]> };

/** As `Promise.all`, but throws the first failure, in the order of the list, only after all have ended. */
export async function allEnded<const T extends readonly unknown[]>(promises: T): Promise<Results<T>> {
  const outcomes = await Promise.allSettled(promises);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as Results<T>;
}
