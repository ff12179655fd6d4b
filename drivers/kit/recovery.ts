/** Recovery: what a back end keeps so that front ends may submit again what ended `maybe`. */
import type { Runtime } from 'idc';
import { AnswerTable } from './answer-table.js';
import { createMemoryJournal, type Journal } from './journal.js';
import { LeaseKeeper } from './lease-keeper.js';

/** One front end at a time may change the device; the others may ask. */
export interface LeaseOptions {
  readonly kind: 'lease';
  /** Makes the lease outlive a restart of the back end. Default: it does not. */
  readonly journal?: Journal;
  /** How long the holder may be away before another one gets the lease. Default 30,000 ms. */
  readonly absentMs?: number;
}

/** Any number of front ends; the back end remembers what it did for each. */
export interface TableOptions {
  readonly kind: 'table';
  /** Makes the table outlive a restart of the back end. Default: it does not. */
  readonly journal?: Journal;
  /** How long a restarted back end waits for what it had begun. Default 10,000 ms. */
  readonly graceMs?: number;
  /** Front ends that are remembered. Default 1,024. */
  readonly frontEndsMax?: number;
}

export type RecoveryOptions = { readonly kind: 'none' } | LeaseOptions | TableOptions;

const absentMsDefault = 30_000;
const graceMsDefault = 10_000;
const frontEndsMaxDefault = 1024;

/** At most one of both is there. */
export interface Recovery {
  readonly lease: LeaseKeeper | undefined;
  readonly table: AnswerTable | undefined;
}

export function makeRecovery(
  options: RecoveryOptions,
  statusBytesMax: number,
  runtime: Runtime,
): Recovery {
  if (options.kind === 'none') return { lease: undefined, table: undefined };
  const { journal = createMemoryJournal() } = options;
  if (options.kind === 'lease') {
    const { absentMs = absentMsDefault } = options;
    return { lease: new LeaseKeeper({ journal, absentMs, runtime }), table: undefined };
  }
  const { graceMs = graceMsDefault, frontEndsMax = frontEndsMaxDefault } = options;
  const settings = { journal, graceMs, frontEndsMax, statusBytesMax, runtime };
  return { lease: undefined, table: new AnswerTable(settings) };
}
