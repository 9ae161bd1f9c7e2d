// Counts of blocks and addresses for people.

const EXACT = 1e12;

/** 65,536; large ones as 2^80 or, between powers of two, as 4.0e+23. */
export function formatCount(count: number): string {
  if (count < EXACT) return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
  const power = Math.log2(count);
  return Number.isInteger(power) ? `2^${power}` : count.toExponential(1);
}
