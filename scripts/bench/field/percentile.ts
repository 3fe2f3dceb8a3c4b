/** The value of this share (0.99: the 99th percentile) of ascending values, by nearest rank. */
export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? NaN;
}
