// What a bench says: a figure beside its peer or limit, and whether the goal was reached.

export type Goal = {
  readonly kind: "at-most" | "at-least";
  readonly limit: number;
  readonly of: "ratio" | "value";
};
/** Ratio to the peer over interleaved pairs, with its 95 % interval. */
export type RatioInterval = { readonly mean: number; readonly low: number; readonly high: number };
export type Figure = {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same work done by somebody else, in this run. */
  readonly peer?: { readonly name: string; readonly value: number };
  /** Where pairs were measured: the goal is met when the interval includes or beats it. Without: value / peer. */
  readonly interval?: RatioInterval;
  readonly goal?: Goal;
  /** What the reader should know: sizes, spread. */
  readonly note?: string;
};
export type Bench = {
  readonly name: string;
  readonly about: string;
  /** Makes network namespaces. */
  readonly needsRoot?: true;
  readonly run: () => Promise<readonly Figure[]>;
};

export const ratioOf = ({ value, peer, interval }: Figure): number | undefined =>
  interval?.mean ?? (peer && value / peer.value);

/** A figure without a goal is a report, and met. */
export function isMet(figure: Figure): boolean {
  if (!figure.goal) return true;
  const { kind, limit, of } = figure.goal;
  const { interval } = figure;
  // The end of the interval that is nearest to the goal.
  const best = interval && (kind === "at-most" ? interval.low : interval.high);
  const found = of === "value" ? figure.value : (best ?? ratioOf(figure));
  return found !== undefined && (kind === "at-most" ? found <= limit : found >= limit);
}

/** `q` in [0, 1] of unsorted numbers; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Geometric mean of `ours / peer` over pairs of one run, and its 95 % interval (Student's t). At least two pairs. */
export function pairedRatio(
  pairs: readonly { readonly ours: number; readonly peer: number }[],
): RatioInterval {
  const logs = pairs.map(({ ours, peer }) => Math.log(ours / peer));
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
  const variance = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (logs.length - 1);
  const half = t95(logs.length - 1) * Math.sqrt(variance / logs.length);
  return { mean: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) };
}

/** Two-sided 95 % quantile of Student's t, within 1 % from 5 degrees of freedom on. */
const t95 = (freedom: number): number => 1.96 + 2.37 / freedom + 2.8 / freedom ** 2;
