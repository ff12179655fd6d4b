/** Durations: every sample of a run, in one array made beforehand; its quantiles are exact. */

/** Samples kept; the fastest case has about half as many in a run. */
const samplesMax = 1 << 20;

export class Durations {
  readonly #samplesMs = new Float64Array(samplesMax);
  #count = 0;
  #isSorted = false;

  get count(): number {
    return this.#count;
  }

  /** Samples beyond the array are counted, and left out of the quantiles. */
  add(durationMs: number): void {
    if (this.#count < samplesMax) this.#samplesMs[this.#count] = durationMs;
    this.#count += 1;
  }

  clear(): void {
    this.#count = 0;
    this.#isSorted = false;
  }

  /** What `fraction` of all samples do not exceed, in microseconds. Ends the adding. */
  quantileUs(fraction: number): number {
    const kept = this.#samplesMs.subarray(0, Math.min(this.#count, samplesMax));
    if (!this.#isSorted) kept.sort();
    this.#isSorted = true;
    const index = Math.min(kept.length - 1, Math.floor(kept.length * fraction));
    return (kept[index] ?? Number.NaN) * 1000;
  }
}
