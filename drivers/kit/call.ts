/**
 * Call: one transaction or message from the moment its caller submits it until it is settled, over
 * as many attempts as that takes.
 */
import { ErrorCode, IdcError, type Execution, type Timer } from 'idc';
import type { Values } from './item-codec.js';
import type { Extent, TransactionLayout } from './layout.js';
import type { Effect } from './schema.js';
import type { Submitter } from './submitter.js';

/** What a call submits. */
export interface CallItem {
  readonly kind: 'transaction' | 'message';
  readonly name: string;
  readonly number: number;
  readonly effect: Effect;
  readonly range: Extent | undefined;
  readonly feature: string | undefined;
}

export interface CallOptions {
  /** Gives the call up; it still settles by what the peer knew. */
  readonly signal?: AbortSignal;
  /** From the call to its end, over all attempts. Default: the front end's. */
  readonly timeoutMs?: number;
  /**
   * Memory for the first bytes of the status that fit, which are then a view of it. It is written
   * once, right before the call succeeds; what it holds after a failure is undefined.
   */
  readonly into?: Uint8Array;
}

export class Call {
  readonly owner: Submitter;
  readonly item: CallItem;
  /** Theirs who called; they stay as they are until the call is settled. */
  readonly values: Values;
  /** Position among all calls of the front end. */
  readonly order: number;
  /** Position among those that change something, from 1 on; 0 for others. */
  sequence: number = 0;
  /** True if an attempt ended without evidence. */
  isUncertain: boolean = false;
  /** What the back end called its lease or table when the first such attempt was made. */
  memory = '';
  hasAskedForLease: boolean = false;
  /** Of the last attempt; negative before the first. */
  ticket: number = -1;
  /** Of the last attempt. */
  layout: TransactionLayout | undefined = undefined;
  /** By the runtime's clock; a number would be an object of its own in each call. */
  deadlineMs: number | undefined = undefined;
  /** Theirs who called. */
  into: Uint8Array | undefined = undefined;
  /** Runs while it waits. */
  timer: Timer | undefined = undefined;
  // Plain fields: private ones cost a quarter of what the kit adds to a transaction.
  private readonly resolve: (values: Values) => void;
  private readonly reject: (error: unknown) => void;
  private signal: AbortSignal | undefined = undefined;
  private onAbort: (() => void) | undefined = undefined;

  constructor(
    owner: Submitter,
    item: CallItem,
    values: Values,
    order: number,
    resolve: (values: Values) => void,
    reject: (error: unknown) => void,
  ) {
    this.owner = owner;
    this.item = item;
    this.values = values;
    this.order = order;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Calls `cancel` when `signal` fires before the call is settled. */
  listen(signal: AbortSignal, cancel: () => void): void {
    this.signal = signal;
    this.onAbort = cancel;
    signal.addEventListener('abort', cancel, { once: true });
  }

  /** HOT */
  succeed(values: Values): void {
    if (this.timer !== undefined || this.onAbort !== undefined) this.#end();
    this.resolve(values);
  }

  fail(error: IdcError): void {
    this.#end();
    this.reject(error);
  }

  /**
   * The end of the last attempt as the end of the call: what was `maybe` once does not get better.
   */
  failWith(code: ErrorCode, execution: Execution): void {
    this.fail(new IdcError(code, this.isUncertain && execution === 'never' ? 'maybe' : execution));
  }

  #end(): void {
    this.timer?.cancel();
    this.timer = undefined;
    if (this.onAbort !== undefined) this.signal?.removeEventListener('abort', this.onAbort);
    this.onAbort = undefined;
  }
}
