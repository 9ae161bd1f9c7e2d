// Prefixes that change their form: when blocks join or part, the old prefix stays beside the new ones for a while. BGP tells what goes before
// it tells what comes, and in between a router would have no route to pods that are there all the time.
import { type Cidr, formatCidr, overlaps } from "../net/cidr.ts";

/** What stays beside what is wanted, and since when (of whatever clock); by text. */
export type Lingering = ReadonlyMap<string, { readonly prefix: Cidr; readonly since: number }>;
export const nothingLingers: Lingering = new Map();

/**
 * `announced`: all that routers know, what lingers too. A prefix that holds no address of `wanted` goes at once, as nobody is to be reached
 * there; the others after `most`.
 */
export function linger(
  announced: readonly Cidr[],
  before: Lingering,
  wanted: readonly Cidr[],
  { now, most }: { readonly now: number; readonly most: number },
): Lingering {
  const names = new Set(wanted.map(formatCidr));
  return new Map(
    announced.flatMap((prefix) => {
      const name = formatCidr(prefix);
      const since = before.get(name)?.since ?? now;
      const isOver = names.has(name) || now - since >= most || !wanted.some((each) => overlaps(each, prefix));
      return isOver ? [] : [[name, { prefix, since }] as const];
    }),
  );
}
