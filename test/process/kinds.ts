/** The kinds of rounds, in lanes: the rounds of a lane are played in turn by one pair. */
import type { Topology } from './pair.js';
import { limits, patientLimits, quota, smallQuota } from './setup.js';

const oneEach = { quota, limits, rate: { tickMs: 1, burstMax: 40 } };

export interface Lane {
  readonly title: string;
  readonly topology: Topology;
  readonly kinds: readonly string[];
  /** Its part of the rounds of a run, in percent. */
  readonly share: number;
}

/** Links die; both processes stay. */
const linkKinds = [
  'reset-front',
  'stop-back',
  'corrupt-body-front',
  'half-close-front',
  'corrupt-frame-back',
  'destroy-front',
  'delay',
  'pause-back',
  'cut-front',
  'reset-back',
  'corrupt-greeting-front',
  'stop-front',
  'slow',
  'silence',
  'corrupt-body-back',
  'half-close-back',
  'corrupt-frame-front',
  'destroy-back',
  'cut-back',
  'pause-front',
  'corrupt-greeting-back',
  'flap',
];

/** Processes die or close, and new ones come. */
const processKinds = ['kill-back', 'close-front', 'kill-front', 'close-back'];

/** Each process listens and dials the other. */
const mutualKinds = [
  'reset-front',
  'kill-front',
  'silence',
  'kill-back',
  'flap',
  'close-back',
  'destroy-front',
  'stop-back',
  'reset-back',
  'close-front',
  'delay',
];

/** Many endpoints, all through one proxy. */
const stormKinds = ['storm', 'kill-back', 'storm', 'kill-front', 'storm', 'silence', 'slow'];

export const lanes: readonly Lane[] = [
  {
    title: 'links die',
    topology: { dialCounts: { front: 1, back: 0 }, ...oneEach },
    kinds: linkKinds,
    share: 54,
  },
  {
    title: 'processes die',
    topology: { dialCounts: { front: 1, back: 0 }, ...oneEach },
    kinds: processKinds.map((kind) => `process-${kind}`),
    share: 16,
  },
  {
    title: 'both sides dial and listen',
    topology: { dialCounts: { front: 1, back: 1 }, ...oneEach },
    kinds: mutualKinds.map((kind) => `mutual-${kind}`),
    share: 20,
  },
  {
    title: 'fifty endpoints reconnect',
    topology: {
      dialCounts: { front: 50, back: 0 },
      quota: smallQuota,
      limits: patientLimits,
      rate: { tickMs: 100, burstMax: 3 },
    },
    kinds: stormKinds.map((kind) => `many-${kind}`),
    share: 10,
  },
];
