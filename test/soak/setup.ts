/** What the processes of a soak agree on. */
import type { Quota, TimeLimits } from 'idc';

import type { Sample } from './sample.js';

/** Time limits are by choice of each transaction, so that none is armed at rest. */
export const limits: Partial<TimeLimits> = {
  lingerMs: 100,
  keepAliveMs: 300,
  flushMs: 1_000,
  timeoutMs: Infinity,
  dialMinMs: 5,
  dialMaxMs: 50,
};
export const forgetMs = 100;

export const quota: Partial<Quota> = {
  messages: 32,
  messageBytes: 16 * 1024,
  transactions: 16,
  parameterBytes: 16 * 1024,
  statusBytes: 16 * 1024,
};

/** Below the largest body, so that some go in fragments. */
export const frameBytesMax: number = 8 * 1024;
/** Room for a few frames: many links come and go. */
export const sendBytes: number = 64 * 1024;

/** Endpoints of the front that last. */
export const lastingCount = 4;

export type Role = 'front' | 'back' | 'hall';

export interface SoakOptions {
  readonly role: Role;
  readonly seed: number;
  /** Where the front dials. */
  readonly address: string;
}

export type SoakCommand = 'begin' | 'rest' | 'close';

/** `address` once, from who listens; then one answer for each command, `rest` with a sample. */
export interface SoakAnswer {
  readonly address?: string;
  readonly sample?: Sample;
}
