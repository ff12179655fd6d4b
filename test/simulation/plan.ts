/**
 * Plan: what a seed chooses before its run begins: how many domains there are, who dials whom, how
 * tight everything is, and which faults exist and how often. A smaller variant of a plan is still
 * nearly the same run, for each choice has a generator of its own.
 */
import type { Quota, TimeLimits, WaitStrategy } from '../../core/index.js';
import { Random } from './prng.js';
import { drawTransferPlan, type TransferPlan } from './transfer-plan.js';
import { calmWeather, type Weather } from './weather.js';

/** The kinds of faults, each of which a seed may choose and a shrunk run may leave out. */
export const faultKinds = [
  'delay',
  'refusedClaims',
  'dials',
  'listens',
  'duplicate',
  'truncate',
  'garble',
  'clog',
  'sever',
  'lateSever',
  'flap',
  'crash',
  'stop',
  'restart',
  'recreate',
  'relisten',
  'offers',
  'stuck',
  'endless',
  'quit',
  'eager',
  'limits',
  'transfers',
  'detour',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** What no legal medium does: the links are to end as CORRUPT, and nothing comes of it. */
const forgedKinds: ReadonlySet<FaultKind> = new Set(['duplicate', 'truncate', 'garble']);

/** What makes a variant of a seed's run smaller. */
export interface Variant {
  readonly without?: readonly FaultKind[];
  readonly domains?: number;
  /** The faults stop at this point in time at the latest. */
  readonly chaosMs?: number;
}

export interface Plan {
  readonly seed: number;
  readonly variant: Variant;
  readonly random: Random;
  readonly domainCount: number;
  /** Pairs of domains: who dials whom; the same pair may come twice, and both ways. */
  readonly dials: readonly (readonly [from: number, to: number])[];
  readonly faults: ReadonlySet<FaultKind>;
  readonly faultGapMs: readonly [least: number, most: number];
  readonly chaosMs: number;
  readonly weather: Weather;
  readonly provesIdentity: boolean;
  readonly wait: WaitStrategy;
  readonly quota: Partial<Quota>;
  readonly limits: Partial<TimeLimits>;
  /** How long listeners keep the endpoints of peers that have gone. */
  readonly forgetMs: number;
  readonly frameBytesMax: number;
  readonly windowBytes: number;
  /** Undefined in a run without remote buffers. */
  readonly transfers: TransferPlan | undefined;
}

export function makePlan(seed: number, variant: Variant = {}): Plan {
  const random = new Random(seed).fork('plan');
  const topology = random.fork('topology');
  const drawnCount = topology.between(2, 5);
  const domainCount = Math.min(drawnCount, variant.domains ?? drawnCount);
  const faults = drawFaults(random.fork('faults'), variant);
  const shape = random.fork('shape');
  const frameBytesMax = shape.pick([1_024, 1_024, 2_048, 4_096]);
  const pace = random.fork('pace');
  const chaosMs = pace.pick([1_000, 4_000, 10_000, 20_000]);
  const gapMost = pace.pick([40, 300, 1_500]);
  return {
    seed,
    variant,
    random,
    domainCount,
    dials: drawDials(topology, drawnCount).filter((dial) => Math.max(...dial) < domainCount),
    faults,
    faultGapMs: [gapMost / 10, gapMost],
    chaosMs: Math.min(chaosMs, variant.chaosMs ?? Infinity),
    weather: drawWeather(random.fork('weather'), faults),
    provesIdentity: shape.chance(0.5),
    wait: shape.pick(['park', 'park', 'adaptive'] as const),
    quota: drawQuota(random.fork('quota')),
    limits: drawLimits(random.fork('limits')),
    forgetMs: random.fork('forget').pick([300, 3_000, 3_000, 60_000]),
    frameBytesMax,
    windowBytes: shape.pick([1_100, 2_500, 8_192, 65_536]),
    transfers: faults.has('transfers') ? drawTransferPlan(random.fork('transfers')) : undefined,
  };
}

function drawFaults(random: Random, variant: Variant): ReadonlySet<FaultKind> {
  const share = random.pick([0.1, 0.3, 0.6]);
  const chosen = faultKinds.filter((kind) =>
    random.chance(forgedKinds.has(kind) ? share / 4 : share),
  );
  const without = new Set(variant.without);
  return new Set(chosen.filter((kind) => !without.has(kind)));
}

/** Each domain but the first dials another; a few more dials, the way back among them. */
function drawDials(random: Random, domainCount: number): (readonly [number, number])[] {
  const dials: (readonly [number, number])[] = [];
  for (let index = 1; index < domainCount; index++) {
    const other = random.between(0, index - 1);
    dials.push(random.chance(0.5) ? [index, other] : [other, index]);
    if (random.chance(0.3)) dials.push([index, other], [other, index]);
  }
  return dials;
}

function drawWeather(random: Random, faults: ReadonlySet<FaultKind>): Weather {
  const has = (kind: FaultKind, share: number): number => (faults.has(kind) ? share : 0);
  const delays = random.pick([[0, 5] as const, [1, 60] as const, [20, 400] as const]);
  const jitterMs = random.pick([1, 20, 300]);
  const share = random.pick([0.05, 0.3]);
  return {
    delayMs: faults.has('delay') ? delays : calmWeather.delayMs,
    jitterMs: faults.has('delay') ? jitterMs : calmWeather.jitterMs,
    refusedClaims: has('refusedClaims', share),
    refusedDials: has('dials', share),
    lostDials: has('dials', share / 3),
    slowDials: has('dials', share),
    refusedListens: has('listens', share),
    duplicatedFrames: has('duplicate', share / 100),
    truncatedFrames: has('truncate', share / 200),
    garbledFrames: has('garble', share / 200),
  };
}

function drawQuota(random: Random): Partial<Quota> {
  const tightness = random.between(0, 3);
  if (tightness === 0) return {};
  const count = (): number => random.pick([1, 1, 2, 3, 8, 32]);
  const bytes = (): number => random.pick([16, 64, 600, 1_100, 5_000]);
  return {
    messages: count(),
    messageBytes: bytes(),
    transactions: count(),
    parameterBytes: bytes(),
    statusBytes: bytes(),
  };
}

function drawLimits(random: Random): Partial<TimeLimits> {
  if (random.chance(0.4)) return {};
  return {
    handshakeMs: random.pick([2_000, 5_000]),
    lingerMs: random.pick([0, 100, 2_000]),
    keepAliveMs: random.pick([200, 1_000, 2_000]),
    flushMs: random.pick([50, 1_000]),
    drainMs: random.pick([100, 2_000, 10_000]),
    dialMinMs: random.pick([1, 20]),
    dialMaxMs: random.pick([100, 5_000]),
  };
}
