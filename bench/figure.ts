// What a bench says: a figure beside its peer or limit, and whether the goal was reached.

export type Goal = {
  readonly kind: "at-most" | "at-least";
  readonly limit: number;
  readonly of: "ratio" | "value";
};
export type Figure = {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same work done by somebody else, in this run. */
  readonly peer?: { readonly name: string; readonly value: number };
  readonly goal?: Goal;
  /** What the reader should know: sizes, spread. */
  readonly note?: string;
};
export type Bench = {
  readonly name: string;
  readonly about: string;
  readonly run: () => Promise<readonly Figure[]>;
};

export const ratioOf = ({ value, peer }: Figure): number | undefined =>
  peer ? value / peer.value : undefined;

export function isMet(figure: Figure): boolean {
  if (!figure.goal) return true;
  const { kind, limit, of } = figure.goal;
  const found = of === "ratio" ? ratioOf(figure) : figure.value;
  return found !== undefined && (kind === "at-most" ? found <= limit : found >= limit);
}

/** `q` in [0, 1] of unsorted numbers; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Mean and the half-width of its 95 % interval (normal approximation). */
export function interval(values: readonly number[]): { mean: number; half: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance =
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return { mean, half: 1.96 * Math.sqrt(variance / values.length) };
}
