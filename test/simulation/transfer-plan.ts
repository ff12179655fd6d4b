/** Transfer plan: what a seed chooses for the transfers of its domains. Data. */
import type { TransferLimits } from '../../core/index.js';
import type { Random } from './prng.js';

export interface TransferPlan {
  readonly limits: Partial<TransferLimits>;
  /** Every domain has a second name, and so a second path to it. */
  readonly hasSidePaths: boolean;
  /** How long a write may be on its way. */
  readonly fenceMs: number;
  /** Pause between two things that a client does, in milliseconds. */
  readonly thinkMs: readonly [least: number, most: number];
  readonly buffersMax: number;
  readonly bufferBytes: readonly [least: number, most: number];
  /** Shares of transfers that are given up, and of clients' other doings. */
  readonly aborts: number;
  readonly abortMs: number;
  readonly unregisters: number;
  readonly gifts: number;
  readonly timeoutMs: readonly [least: number, most: number];
}

export function drawTransferPlan(random: Random): TransferPlan {
  const thinkMost = random.pick([5, 30, 200]);
  // Without addresses a reference leads over the connections that there are, or through relays.
  const hasAddresses = random.chance(0.6);
  return {
    limits: {
      outstanding: random.pick([2, 8, 64]),
      pieceBytes: random.pick([1_024, 2_048, 65_536]),
      ...(hasAddresses ? {} : { addresses: [] }),
    },
    hasSidePaths: random.chance(0.7),
    fenceMs: random.pick([30, 300, 5_000]),
    thinkMs: [thinkMost / 8, thinkMost],
    buffersMax: random.between(1, 4),
    bufferBytes: random.pick([[1, 300] as const, [2_000, 9_000] as const]),
    aborts: random.pick([0, 0.1, 0.4]),
    abortMs: random.pick([1, 30, 500]),
    unregisters: random.pick([0.01, 0.1]),
    gifts: random.pick([0.1, 0.3]),
    timeoutMs: random.pick([[1, 60] as const, [100, 3_000] as const, [5_000, 30_000] as const]),
  };
}
