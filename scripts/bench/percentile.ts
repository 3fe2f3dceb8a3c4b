/** The value of this share (0.99: the 99th percentile), by nearest rank; NaN if there are none. */
export function percentile(values: readonly number[], share: number): number {
  const ascending = values.toSorted((a, b) => a - b);
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? NaN;
}
