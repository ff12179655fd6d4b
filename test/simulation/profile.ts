/** Profile: how a simulated client behaves. Data, and how a seed chooses it. */
import type { Random } from './prng.js';

export interface Profile {
  /** Pause between two things that it does, in milliseconds. */
  readonly thinkMs: readonly [least: number, most: number];
  /** Most things that it does at one time. */
  readonly burstMax: number;
  /** Shares of what it does; the rest are promise transactions. */
  readonly messages: number;
  readonly hotTransactions: number;
  readonly waits: number;
  readonly cancels: number;
  /** Share of requests that their handlers pass on, and how far. */
  readonly relays: number;
  readonly hopsMax: number;
  /** Time limits of its transactions, in milliseconds. */
  readonly timeoutMs: readonly [least: number, most: number];
  /** Shares of what it receives that it completes later, and long after the disconnect. */
  readonly slow: number;
  readonly slowMs: number;
  readonly late: number;
  readonly lateMs: number;
  /** Completes nothing until it is told to. */
  readonly isStuck: boolean;
  /** How long its disconnect handler may take; 0: it is over at once. */
  readonly drainMs: number;
  /** Shares of disconnect handlers that never end, and of items that are never completed. */
  readonly endless: number;
  readonly hoards: number;
  /** Share of its handlers in which it gives its own endpoint up. */
  readonly quits: number;
  /** Share of its handlers and completions in which it submits. */
  readonly eager: number;
  /** Share of its transactions with a time limit of 0 ms, 1 ms or none. */
  readonly oddLimits: number;
}

/** Ways to misbehave that a seed may choose; each costs nobody but the client itself. */
export type Misbehaviour = 'stuck' | 'endless' | 'quit' | 'eager' | 'limits';

export function drawProfile(random: Random, may: (what: Misbehaviour) => boolean): Profile {
  const thinkMost = random.pick([0.5, 2, 10, 60, 300]);
  return {
    thinkMs: [thinkMost / 8, thinkMost],
    burstMax: random.pick([1, 1, 3, 12, 80]),
    messages: random.pick([0, 0.2, 0.5, 0.9]),
    hotTransactions: random.pick([0.05, 0.3, 0.5]),
    waits: random.pick([0, 0.05, 0.2]),
    cancels: random.pick([0, 0.05, 0.3]),
    relays: random.pick([0, 0, 0.2]),
    hopsMax: random.between(1, 4),
    timeoutMs: random.pick([[1, 20] as const, [10, 500] as const, [2_000, 30_000] as const]),
    slow: random.pick([0, 0.1, 0.6]),
    slowMs: random.pick([1, 20, 400]),
    late: random.pick([0, 0, 0.02]),
    lateMs: random.pick([5, 200, 3_000]),
    isStuck: random.chance(0.04) && may('stuck'),
    drainMs: random.pick([0, 0, 3, 100, 1_500]),
    endless: may('endless') ? random.pick([0, 0.1, 1]) : 0,
    hoards: may('endless') ? random.pick([0, 0, 0.002, 0.05]) : 0,
    quits: may('quit') ? random.pick([0, 0.001, 0.05]) : 0,
    eager: may('eager') ? random.pick([0, 0.1, 0.4]) : 0,
    oddLimits: may('limits') ? random.pick([0.05, 0.5]) : 0,
  };
}
