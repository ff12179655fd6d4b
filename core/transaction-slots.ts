/**
 * TransactionSlots: the outstanding transactions of one initiator, in preallocated slots.
 *
 * Each slot runs through the table of `transaction-machine.ts`; a ticket carries the slot's
 * generation, so that nothing late can match. Whatever happens, a transaction settles exactly once
 * (V3) and its slot is free again only when the peer has let go of it.
 */
import type { Completion } from './api.js';
import { assert } from './assert.js';
import { reportHandlerThrew } from './client-call.js';
import { ErrorCode, errorFromWire, type Execution } from './errors.js';
import {
  FlushOutcome,
  generationMask,
  isBefore,
  makeTicket,
  replyIsError,
  slotOf,
} from './frame.js';
import type { Runtime } from './runtime.js';
import { WheelTimer, type TimerWheel } from './timer-wheel.js';
import {
  actionOf,
  nextOf,
  SlotAction,
  SlotEvent,
  SlotState,
  stepSlot,
} from './transaction-machine.js';

/** What the slots need of their surroundings. */
export interface TransactionHost {
  readonly runtime: Runtime;
  readonly wheel: TimerWheel;
  /** How long a cancel waits for the peer's word, in milliseconds. */
  readonly flushMs: number;
  /** Asks for `slots.stamp` when this turn of the domain is over. */
  stampSoon(slots: TransactionSlots): void;
}

/** What the slots ask of the initiator that holds them. */
export interface SlotOwner {
  /** Sends a flush for `ticket`, at once or when the link takes it. */
  sendFlush(ticket: number): void;
  /** If the request in `slot` was not committed whole: takes it back and answers true. */
  takeBack(slot: number): boolean;
  /** A slot is free again. */
  slotFreed(): void;
}

/** Counters over all epochs. */
export interface TransactionStatistics {
  submitted: number;
  settled: number;
  lateReplies: number;
  readonly outcomes: Record<Execution, number>;
}

const noBytes = new Uint8Array(0);

export class TransactionSlots {
  readonly statistics: TransactionStatistics = {
    submitted: 0,
    settled: 0,
    lateReplies: 0,
    outcomes: { never: 0, maybe: 0, done: 0 },
  };
  readonly #host: TransactionHost;
  readonly #owner: SlotOwner;
  readonly #state: Uint8Array;
  readonly #generation: Uint16Array;
  readonly #sequence: Int32Array;
  /** Point in time, in milliseconds; negative: a length that `stamp` turns into one. */
  readonly #deadline: Float64Array;
  readonly #cancelCode: ErrorCode[];
  readonly #completions: (Completion<never> | undefined)[];
  readonly #contexts: unknown[];
  readonly #free: Int32Array;
  #freeCount = 0;
  #openCount = 0;
  #unsettledCount = 0;
  readonly #unstamped: Int32Array;
  #unstampedCount = 0;
  readonly #timer = new WheelTimer(() => {
    this.#expire();
  });
  #armedFor = Infinity;
  /** Through this request the peer gave them to handlers, by its goodbye. */
  #handledThrough: number | undefined = undefined;

  constructor(host: TransactionHost, owner: SlotOwner, count: number) {
    this.#host = host;
    this.#owner = owner;
    this.#state = new Uint8Array(count);
    this.#generation = new Uint16Array(count);
    this.#sequence = new Int32Array(count);
    this.#deadline = new Float64Array(count);
    this.#free = new Int32Array(count);
    this.#unstamped = new Int32Array(count);
    this.#cancelCode = new Array<ErrorCode>(count).fill(ErrorCode.Cancelled);
    this.#completions = new Array<Completion<never> | undefined>(count).fill(undefined);
    this.#contexts = new Array<unknown>(count).fill(undefined);
  }

  /** Transactions that have not settled. */
  get unsettledCount(): number {
    return this.#unsettledCount;
  }

  /** Slots that the peer has not let go of. */
  get occupiedCount(): number {
    return this.#openCount - this.#freeCount;
  }

  get hasFree(): boolean {
    return this.#freeCount > 0;
  }

  /** Opens an epoch with `count` slots; all are free, since the last epoch was drained. */
  open(count: number): void {
    assert(this.#unsettledCount === 0, 'the previous epoch has settled');
    this.#openCount = count;
    this.#freeCount = count;
    this.#handledThrough = undefined;
    for (let index = 0; index < count; index++) this.#free[index] = count - 1 - index;
  }

  /** HOT: the ticket that `occupy` will take; only while `hasFree`. */
  nextTicket(): number {
    return this.#ticketOf(this.#free[this.#freeCount - 1] ?? 0);
  }

  /** HOT: the request with `nextTicket()` is on its way. */
  occupy<C>(sequence: number, completion: Completion<C>, context: C, timeoutMs: number): void {
    const slot = this.#free[--this.#freeCount] ?? 0;
    this.#state[slot] = SlotState.Pending;
    this.#sequence[slot] = sequence;
    this.#completions[slot] = completion;
    this.#contexts[slot] = context;
    this.#unsettledCount++;
    this.statistics.submitted++;
    this.#limit(slot, timeoutMs);
  }

  /** Gives a pending transaction up. False if the ticket names none. */
  cancel(ticket: number, code: ErrorCode): boolean {
    const slot = slotOf(ticket);
    if (!this.#isCurrent(slot, ticket) || this.#state[slot] !== SlotState.Pending) return false;
    this.#cancelCode[slot] = code;
    if (this.#owner.takeBack(slot)) {
      this.#settleWithoutStatus(slot, SlotState.Free, code, 'never');
      return true;
    }
    return this.#apply(slot, SlotEvent.Cancel);
  }

  /** The sequence of the request that a current ticket names; -1 if it is not current. */
  sequenceOf(ticket: number): number {
    const slot = slotOf(ticket);
    return this.#isCurrent(slot, ticket) ? (this.#sequence[slot] ?? -1) : -1;
  }

  /** HOT: settles by a whole reply. False: no legal peer sends this. */
  reply(
    flags: number,
    ticket: number,
    code: number,
    bytes: Uint8Array,
    offset: number,
    byteLength: number,
  ): boolean {
    const slot = slotOf(ticket);
    if (!this.#isCurrent(slot, ticket)) return false;
    const packed = stepSlot(this.#state[slot] ?? 0, SlotEvent.Reply);
    const next = nextOf(packed);
    const action = actionOf(packed);
    if (action === SlotAction.Drop) {
      this.statistics.lateReplies++;
      this.#enter(slot, next);
      return true;
    }
    if (action !== SlotAction.SettleReply) return false;
    if ((flags & replyIsError) !== 0) {
      const error = errorFromWire(code);
      // Success and the handler's own codes have a form of their own, and errors no status.
      if (error === ErrorCode.Ok || error === ErrorCode.Remote || byteLength > 0) return false;
      const execution = error === ErrorCode.TooLarge ? 'done' : 'never';
      this.#settleWithoutStatus(slot, next, error, execution);
    } else {
      const error = code === 0 ? ErrorCode.Ok : ErrorCode.Remote;
      this.#settle(slot, next, error, 'done', bytes, offset, byteLength, code);
    }
    return true;
  }

  /** The peer's answer to a flush. False: no legal peer sends this. */
  flushed(ticket: number, outcome: number): boolean {
    const slot = slotOf(ticket);
    if (!this.#isCurrent(slot, ticket)) return false;
    switch (outcome) {
      case FlushOutcome.NeverStarted:
        return this.#apply(slot, SlotEvent.FlushedNever);
      case FlushOutcome.Started:
        return this.#apply(slot, SlotEvent.FlushedStarted);
      case FlushOutcome.Answered:
        return this.#apply(slot, SlotEvent.FlushedAnswered);
      default:
        return false;
    }
  }

  /** The peer's handler let go of a flushed transaction. False: no legal peer sends this. */
  released(ticket: number): boolean {
    const slot = slotOf(ticket);
    return this.#isCurrent(slot, ticket) && this.#apply(slot, SlotEvent.Released);
  }

  /** HOT: the turn is over: the limits of what it submitted start now. */
  stamp(nowMs: number): void {
    for (let index = 0; index < this.#unstampedCount; index++) {
      const slot = this.#unstamped[index] ?? 0;
      const length = this.#deadline[slot] ?? 0;
      if (length > 0 || this.#state[slot] !== SlotState.Pending) continue;
      this.#deadline[slot] = nowMs - length;
      this.#armFor(nowMs - length, -length);
    }
    this.#unstampedCount = 0;
  }

  /** The peer left: `handledThrough` is the last sequence that it gave to a handler. */
  hearHandled(handledThrough: number): void {
    this.#handledThrough = handledThrough;
  }

  /** The epoch is over: settles everything. In `partialSlot` is a request not sent whole. */
  close(partialSlot: number): void {
    for (let slot = 0; slot < this.#openCount; slot++) {
      const state = this.#state[slot] ?? 0;
      if (state === SlotState.Free) continue;
      const packed = stepSlot(state, SlotEvent.Ended);
      if (actionOf(packed) !== SlotAction.SettleEnded) {
        this.#enter(slot, nextOf(packed));
        continue;
      }
      const execution = slot === partialSlot ? 'never' : this.#executionWithoutAnswer(slot);
      const code =
        state === SlotState.Cancelling ? this.#codeOfCancel(slot) : ErrorCode.Disconnected;
      this.#settleWithoutStatus(slot, nextOf(packed), code, execution);
    }
    // Last, since a completion above may have cancelled another transaction.
    this.#host.wheel.disarm(this.#timer);
    this.#armedFor = Infinity;
    this.#unstampedCount = 0;
    assert(this.#unsettledCount === 0, 'everything submitted has settled');
  }

  /** Steps a slot and performs the action. False if no legal peer causes the event. */
  #apply(slot: number, event: SlotEvent): boolean {
    const packed = stepSlot(this.#state[slot] ?? 0, event);
    const next = nextOf(packed);
    switch (actionOf(packed)) {
      case SlotAction.Corrupt:
        return false;
      case SlotAction.SendFlush:
        this.#enter(slot, next);
        this.#startFlush(slot);
        return true;
      case SlotAction.SettleNever:
        this.#settleWithoutStatus(slot, next, this.#codeOfCancel(slot), 'never');
        return true;
      case SlotAction.SettleMaybe: {
        const execution = this.#executionWithoutAnswer(slot);
        this.#settleWithoutStatus(slot, next, this.#codeOfCancel(slot), execution);
        return true;
      }
      default:
        this.#enter(slot, next);
        return true;
    }
  }

  /** Settles by a code of the library, which comes without a handler's status. */
  #settleWithoutStatus(slot: number, next: number, code: ErrorCode, execution: Execution): void {
    this.#settle(slot, next, code, execution, noBytes, 0, 0, 0);
  }

  /** HOT: the one place where a transaction settles. */
  #settle(
    slot: number,
    next: number,
    code: ErrorCode,
    execution: Execution,
    bytes: Uint8Array,
    offset: number,
    byteLength: number,
    remoteCode: number,
  ): void {
    const completion = this.#completions[slot];
    assert(completion !== undefined, 'a transaction settles once');
    const context = this.#contexts[slot];
    this.#completions[slot] = undefined;
    this.#contexts[slot] = undefined;
    this.#unsettledCount--;
    this.statistics.settled++;
    this.statistics.outcomes[execution]++;
    this.#enter(slot, next);
    try {
      // reason: `occupy` stored this context together with this completion
      completion(context as never, code, execution, bytes, offset, byteLength, remoteCode);
    } catch (thrown) {
      reportHandlerThrew(this.#host.runtime, 'completion', thrown);
    }
  }

  #enter(slot: number, next: number): void {
    this.#state[slot] = next;
    if (next !== SlotState.Free) return;
    this.#generation[slot] = ((this.#generation[slot] ?? 0) + 1) & generationMask;
    this.#free[this.#freeCount++] = slot;
    this.#owner.slotFreed();
  }

  #ticketOf(slot: number): number {
    return makeTicket(slot, this.#generation[slot] ?? 0);
  }

  #isCurrent(slot: number, ticket: number): boolean {
    return slot < this.#openCount && this.#ticketOf(slot) === ticket;
  }

  /** Without a word about it alone, the peer's goodbye is all the evidence there is. */
  #executionWithoutAnswer(slot: number): Execution {
    const handledThrough = this.#handledThrough;
    if (handledThrough === undefined) return 'maybe';
    return isBefore(handledThrough, this.#sequence[slot] ?? 0) ? 'never' : 'maybe';
  }

  #codeOfCancel(slot: number): ErrorCode {
    return this.#cancelCode[slot] ?? ErrorCode.Cancelled;
  }

  #startFlush(slot: number): void {
    const deadline = this.#host.runtime.clock.now() + this.#host.flushMs;
    this.#deadline[slot] = deadline;
    this.#armFor(deadline, this.#host.flushMs);
    this.#owner.sendFlush(this.#ticketOf(slot));
  }

  #limit(slot: number, timeoutMs: number): void {
    if (timeoutMs === Infinity) {
      this.#deadline[slot] = Infinity;
      return;
    }
    if (this.#unstampedCount === this.#unstamped.length) this.stamp(this.#host.runtime.clock.now());
    if (this.#unstampedCount === 0) this.#host.stampSoon(this);
    this.#deadline[slot] = -timeoutMs;
    this.#unstamped[this.#unstampedCount++] = slot;
  }

  #armFor(deadline: number, delayMs: number): void {
    if (deadline >= this.#armedFor) return;
    this.#armedFor = deadline;
    this.#host.wheel.arm(this.#timer, delayMs);
  }

  /** Cancels, or gives up on the flush of, whatever is over its limit; waits for the next one. */
  #expire(): void {
    this.#armedFor = Infinity;
    const now = this.#host.runtime.clock.now();
    this.stamp(now);
    for (let slot = 0; slot < this.#openCount; slot++) {
      const state = this.#state[slot];
      if (state !== SlotState.Pending && state !== SlotState.Cancelling) continue;
      const deadline = this.#deadline[slot] ?? Infinity;
      if (deadline === Infinity) continue;
      if (deadline > now) this.#armFor(deadline, deadline - now);
      else if (state === SlotState.Pending) this.cancel(this.#ticketOf(slot), ErrorCode.Timeout);
      else this.#apply(slot, SlotEvent.FlushTimeout);
    }
  }
}
