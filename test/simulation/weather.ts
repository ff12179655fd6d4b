/** Weather: what a simulated network does to whatever passes through it. Data only. */

export interface Weather {
  /** How long a frame takes; each link has a time of its own in this range, in milliseconds. */
  readonly delayMs: readonly [least: number, most: number];
  /** Up to this much longer for each frame; order is kept. */
  readonly jitterMs: number;
  /** Probability that a claim is refused though there is room; never on an idle link (L10). */
  readonly refusedClaims: number;
  /** Probabilities of what may become of a dial: turned away, never answered, answered late. */
  readonly refusedDials: number;
  readonly lostDials: number;
  readonly slowDials: number;
  /** Probability that a listener cannot listen. */
  readonly refusedListens: number;
  /** Below the laws, for each frame: probabilities of what no legal medium does. */
  readonly duplicatedFrames: number;
  readonly truncatedFrames: number;
  readonly garbledFrames: number;
}

/** Nothing goes wrong, and everything takes a moment. */
export const calmWeather: Weather = Object.freeze({
  delayMs: [0.0625, 0.5] as const,
  jitterMs: 0.0625,
  refusedClaims: 0,
  refusedDials: 0,
  lostDials: 0,
  slowDials: 0,
  refusedListens: 0,
  duplicatedFrames: 0,
  truncatedFrames: 0,
  garbledFrames: 0,
});
