/** The time limits of a domain or an endpoint: stated defaults, and what its owner chose. */
import type { DestroyOptions, TimeLimits } from './api.js';
import { assert } from './assert.js';

export const limitsDefault: TimeLimits = Object.freeze({
  handshakeMs: 5_000,
  lingerMs: 2_000,
  keepAliveMs: 2_000,
  flushMs: 1_000,
  drainMs: 10_000,
  timeoutMs: 30_000,
  fenceMs: 5_000,
  dialMinMs: 20,
  dialMaxMs: 5_000,
});

/** Later choices win. Only `timeoutMs` may be `Infinity`; every other wait is bounded. */
export function makeLimits(...choices: readonly (Partial<TimeLimits> | undefined)[]): TimeLimits {
  const merged = { ...limitsDefault };
  for (const choice of choices) Object.assign(merged, choice);
  for (const [name, value] of Object.entries(merged)) {
    if (name !== 'timeoutMs' || value !== Infinity) checkMs(`limits.${name}`, value);
  }
  return Object.freeze(merged);
}

/** A bounded wait; answers it. */
export function checkMs(name: string, value: number): number {
  const isLegal = value >= 0 && value < Infinity;
  assert(isLegal, `${name} must be a number of milliseconds`, 'BAD_ARGUMENT');
  return value;
}

/** How long a destruction waits for this side's own client. */
export function drainMsOf(options: DestroyOptions, limits: TimeLimits): number {
  return checkMs('drainMs', options.drainMs ?? limits.drainMs);
}
