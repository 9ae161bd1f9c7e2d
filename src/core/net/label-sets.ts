// Sets of small integers (labels) in one growing array, for the many short sets of route aggregation.
// A set is a reference into the pool and never changes; it is freed with the pool only.

/** At a reference stands the number of members, then the members, ascending. No members stands for "any label". */
export type LabelSets = {
  pool: Int32Array;
  used: number;
  readonly labels: number;
  readonly absorbing: boolean;
};

/**
 * A pool for labels 0 to `labels - 1`. `absorbing`: label 0 cannot be installed, so what merges with {0} is {0}:
 * no prefix may cover a place that must have no route.
 */
export function labelSets(labels: number, absorbing: boolean): LabelSets {
  const pool = new Int32Array(Math.max(1024, labels * 4));
  for (let label = 0; label < labels; label++) pool.set([1, label], label * 2);
  return { pool, used: labels * 2 + 1, labels, absorbing };
}

/** The set of one label. */
export const only = (label: number): number => label * 2;
/** The set of all labels. */
export const anyOf = (sets: LabelSets): number => sets.labels * 2;

/** Any member, the same one each time; 0 of "any label". */
export const firstOf = (sets: LabelSets, set: number): number =>
  (sets.pool[set] ?? 0) === 0 ? 0 : (sets.pool[set + 1] ?? 0);

/** Number of members; 0 of "any label". */
export const sizeOfSet = (sets: LabelSets, set: number): number => sets.pool[set] ?? 0;

export function hasLabel(sets: LabelSets, set: number, label: number): boolean {
  const size = sets.pool[set] ?? 0;
  if (size === 0) return true;
  for (let i = set + 1; i <= set + size; i++) if (sets.pool[i] === label) return true;
  return false;
}

/** The step of ORTC: the common labels of two halves, or, if there are none, the labels of either. */
export function mergeSets(sets: LabelSets, a: number, b: number): number {
  const sizeA = sets.pool[a] ?? 0;
  const sizeB = sets.pool[b] ?? 0;
  if (sets.absorbing && (a === only(0) || b === only(0))) return only(0);
  if (a === b || sizeB === 0) return a;
  if (sizeA === 0) return b;
  reserve(sets, sizeA + sizeB + 1);
  const common = writeIntersection(sets, a, b);
  if (common === sizeA) return a;
  if (common === sizeB) return b;
  return common === 1 ? only(sets.pool[sets.used + 1] ?? 0) : keep(sets, common || writeUnion(sets, a, b));
}

function reserve(sets: LabelSets, words: number): void {
  if (sets.used + words <= sets.pool.length) return;
  const larger = new Int32Array(Math.max(sets.pool.length * 2, sets.used + words));
  larger.set(sets.pool);
  sets.pool = larger;
}

/** Makes a set of the `size` members just written behind `used`. */
function keep(sets: LabelSets, size: number): number {
  const set = sets.used;
  sets.pool[set] = size;
  sets.used += size + 1;
  return set;
}

/** Writes the common members behind `used`; their number. */
function writeIntersection({ pool, used }: LabelSets, a: number, b: number): number {
  const endA = a + (pool[a] ?? 0);
  const endB = b + (pool[b] ?? 0);
  let to = used;
  for (let i = a + 1, j = b + 1; i <= endA && j <= endB;) {
    const x = pool[i] ?? 0;
    const y = pool[j] ?? 0;
    if (x === y) pool[++to] = x;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return to - used;
}

/** Writes the members of either set, which have none in common, behind `used`; their number. */
function writeUnion({ pool, used }: LabelSets, a: number, b: number): number {
  const endA = a + (pool[a] ?? 0);
  const endB = b + (pool[b] ?? 0);
  let to = used;
  for (let i = a + 1, j = b + 1; i <= endA || j <= endB;) {
    const takeA = j > endB || (i <= endA && (pool[i] ?? 0) < (pool[j] ?? 0));
    pool[++to] = pool[takeA ? i++ : j++] ?? 0;
  }
  return to - used;
}
