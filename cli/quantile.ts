/** What most of many measurements were like. */

/** That at `share` (0 to 1) of the way from the least to the greatest; 0 if there is none. */
export function quantile(sorted: readonly number[], share: number): number {
  const index = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
  return sorted[index] ?? 0;
}
