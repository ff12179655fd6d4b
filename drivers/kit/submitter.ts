/**
 * Submitter: the calls of a front end, from the caller to the endpoint and back.
 *
 * A call is submitted at once if it can be; else it waits in a bounded queue, in order. With
 * recovery, what the end of an epoch leaves unanswered goes back to its place in the queue: `never`
 * always, `maybe` if `mayRepeat` allows it once the next session is agreed on. The rest ends with
 * its outcome class, and a call whose first attempt was `maybe` never ends as `never`.
 */
import { ErrorCode, IdcError, Refusal, type Endpoint, type Execution, type Runtime } from 'idc';
import { Call, type CallItem, type CallOptions } from './call.js';
import { CallQueue } from './call-queue.js';
import { DriverError, kitFailureFromWire, makeKitError, type KitFailure } from './driver-error.js';
import { mayRepeat, memoryFor, type FrontSession } from './front-session.js';
import { encodeNotice } from './greeting.js';
import { ItemReader, type Values } from './item-codec.js';
import { ItemWriter } from './item-writer.js';
import type { AnyProtocol } from './protocol.js';
import { RangeGate, spanOf } from './range-gate.js';
import { ValueError, type ReadScope } from './scalar-codec.js';
import { SequenceBook } from './sequence-book.js';

export interface SubmitterSettings {
  readonly protocol: AnyProtocol;
  readonly runtime: Runtime;
  readonly recovers: boolean;
  readonly queueMax: number;
  readonly timeoutMs: number;
  /** Room for the largest item. */
  readonly itemBytesMax: number;
  /** Asks the back end again, for the lease. */
  readonly greetAgain: () => void;
}

export interface SubmitterCounts {
  /** Calls that callers made. */
  calls: number;
  /** Attempts beyond the first of a call. */
  repeated: number;
  /** Of those, after an attempt that ended `maybe`. */
  repeatedUncertain: number;
}

/**
 * A front end whose oldest call hangs goes no further. The back end keeps twice as many answers,
 * since it may still execute some that were given up here.
 */
export const sequencesAheadMax = 512;

/** A timer of more would fire at once; who waits for weeks is not told when they are over. */
const timerMsMax = 2 ** 31 - 1;

/** What became of an attempt: off the caller's hands, or still to be made. */
const Attempt = { Done: 0, Wait: 1 } as const;
type Attempt = (typeof Attempt)[keyof typeof Attempt];

const noValues: Values = Object.freeze({});

export class Submitter {
  readonly counts: SubmitterCounts = { calls: 0, repeated: 0, repeatedUncertain: 0 };
  readonly #settings: SubmitterSettings;
  readonly #endpoint: () => Endpoint;
  readonly #queue = new CallQueue();
  readonly #writer: ItemWriter;
  readonly #reader = new ItemReader();
  readonly #gate = new RangeGate<Call>();
  readonly #sequences = new SequenceBook();
  /** Undefined while nothing can be submitted. */
  #session: FrontSession | undefined = undefined;
  #scope: ReadScope = { from: undefined, lends: false, into: undefined };
  /** Why nothing will be submitted in this epoch. */
  #refusal: KitFailure | undefined = undefined;
  /** The session in which room is waited for. */
  #waitsForRoomIn: FrontSession | undefined = undefined;
  /**
   * The last call that waits and that an earlier epoch saw: once it is submitted, the back end is
   * told that there is no more to come. Undefined if there is nothing to tell.
   */
  #resumeThrough: number | undefined = undefined;
  #isClosed = false;

  constructor(settings: SubmitterSettings, endpoint: () => Endpoint) {
    this.#settings = settings;
    this.#endpoint = endpoint;
    this.#writer = new ItemWriter(settings.itemBytesMax);
  }

  get queued(): number {
    return this.#queue.length;
  }

  get oldestUnsettled(): number {
    return this.#sequences.oldestUnsettled;
  }

  /** HOT */
  submit(item: CallItem, values: Values, options?: CallOptions): Promise<Values> {
    return new Promise((resolve, reject) => {
      this.counts.calls += 1;
      const call = new Call(this, item, values, this.counts.calls, resolve, reject);
      if (options === undefined || this.#applyOptions(call, options)) this.#begin(call);
    });
  }

  /** The ends have agreed, or have done so anew. */
  open(session: FrontSession, endpoint: Endpoint): void {
    this.#session = session;
    this.#scope = { from: endpoint, lends: false, into: undefined };
    this.#refusal = undefined;
    for (const call of this.#queue.all) {
      if (!call.isUncertain || mayRepeat(call, session)) continue;
      this.#queue.remove(call);
      this.#fail(call, ErrorCode.Disconnected, 'maybe');
    }
    const again = this.#queue.all.filter(({ ticket }) => ticket >= 0);
    this.#resumeThrough = session.recovery === 'table' ? (again.at(-1)?.order ?? 0) : undefined;
    this.#pump();
  }

  /** Nothing will be submitted in this epoch. */
  refuse(failure: KitFailure): void {
    this.#refusal = failure;
    for (const call of this.#queue.all) {
      this.#queue.remove(call);
      this.#failByKit(call, failure);
    }
  }

  /** The epoch is over, or the ends are about to agree anew. */
  interrupt(): void {
    this.#session = undefined;
    this.#refusal = undefined;
    this.#reader.forget();
  }

  /** What waits ends now; what is under way ends with the endpoint. */
  close(): void {
    this.#isClosed = true;
    for (const call of this.#queue.all) {
      this.#queue.remove(call);
      this.#fail(call, ErrorCode.Destroyed, 'never');
    }
  }

  /** Gives the exclusive lease back, for nothing more will be submitted. */
  leave(): void {
    this.#endpoint().submitMessage(encodeNotice('left'));
  }

  /** False if the call is over before it began. */
  #applyOptions(call: Call, { signal, timeoutMs, into }: CallOptions): boolean {
    call.into = into;
    if (timeoutMs !== undefined) {
      call.deadlineMs = this.#settings.runtime.clock.now() + timeoutMs;
    }
    if (signal?.aborted === true) {
      this.#fail(call, ErrorCode.Cancelled, 'never');
      return false;
    }
    if (signal !== undefined) {
      call.listen(signal, () => {
        this.#cancel(call);
      });
    }
    return true;
  }

  /** HOT */
  #begin(call: Call): void {
    if (this.#isClosed) {
      this.#fail(call, ErrorCode.Destroyed, 'never');
    } else if (this.#refusal !== undefined) {
      this.#failByKit(call, this.#refusal);
    } else if (this.#queue.length > 0) {
      this.#enqueue(call);
    } else {
      if (this.#attempt(call) !== Attempt.Done) this.#enqueue(call);
    }
  }

  #cancel(call: Call): void {
    if (this.#queue.remove(call)) {
      this.#fail(call, ErrorCode.Cancelled, 'never');
      this.#pump();
    } else {
      this.#endpoint().cancel(call.ticket);
    }
  }

  #enqueue(call: Call): void {
    if (this.#queue.length >= this.#settings.queueMax) {
      this.#failByKit(call, 'QUEUE_FULL');
      return;
    }
    const { runtime, timeoutMs } = this.#settings;
    call.deadlineMs ??= runtime.clock.now() + timeoutMs;
    this.#putBack(call);
  }

  /** To its place in the queue, with its time running. */
  #putBack(call: Call): void {
    this.#queue.insert(call);
    const { clock, scheduler } = this.#settings.runtime;
    const leftMs = (call.deadlineMs ?? Infinity) - clock.now();
    if (leftMs > timerMsMax) return;
    call.timer = scheduler.after(Math.max(0, leftMs), () => {
      if (!this.#queue.remove(call)) return;
      this.#fail(call, ErrorCode.Timeout, 'never');
      this.#pump();
    });
  }

  /** Submits from the front of the queue as much as there is room for. */
  #pump(): void {
    while (this.#session !== undefined) {
      const call = this.#queue.first;
      if (call === undefined || call.order > (this.#resumeThrough ?? 0)) this.#noteResumed();
      if (call === undefined) return;
      if (this.#attempt(call) !== Attempt.Done) return;
      call.timer?.cancel();
      call.timer = undefined;
      this.#queue.remove(call);
    }
  }

  /** Everything made before the session is submitted: the back end need not wait for more. */
  #noteResumed(): void {
    if (this.#resumeThrough === undefined) return;
    // Without a credit it is tried again before the next call.
    if (this.#endpoint().submitMessage(encodeNotice('resumed')) >= 0) {
      this.#resumeThrough = undefined;
    }
  }

  /** HOT */
  #attempt(call: Call): Attempt {
    const session = this.#session;
    if (session === undefined) return Attempt.Wait;
    const { feature, kind } = call.item;
    if (feature !== undefined && !session.features.has(feature)) {
      return this.#failByKit(call, 'UNKNOWN_ITEM');
    }
    try {
      return kind === 'transaction'
        ? this.#attemptTransaction(call, session)
        : this.#attemptMessage(call, session);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      return this.#failByKit(call, 'BAD_VALUE', `${call.item.name}: ${error.message}.`);
    }
  }

  /** HOT: throws `ValueError`. */
  #attemptTransaction(call: Call, session: FrontSession): Attempt {
    const { number, effect, range } = call.item;
    const layout = session.layout.transactions[number];
    if (layout === undefined) return this.#failByKit(call, 'UNKNOWN_ITEM');
    if (effect !== 'none' && !session.isWriter) return this.#askForLease(call);
    let ahead = 0;
    if (effect !== 'none' && session.recovery === 'table') {
      // First attempts are made in order, so the numbers are in order, too.
      if (call.sequence === 0) call.sequence = this.#sequences.take();
      ahead = call.sequence - this.#sequences.oldestUnsettled;
      if (ahead >= sequencesAheadMax) return Attempt.Wait;
    }
    const bytes = this.#writer.writeTransaction(call, layout, session, ahead);
    // A table has them wait at the back end, where those of other front ends are, too.
    if (range !== undefined && this.#settings.recovers && session.recovery === 'lease') {
      if (!this.#gate.tryEnter(call, spanOf(range, call.values))) return Attempt.Wait;
    }
    call.layout = layout;
    if (!call.isUncertain) call.memory = memoryFor(call, session);
    const ticket = this.#endpoint().transact(bytes, attemptEnded, call, this.#leftMs(call));
    if (ticket < 0) return this.#afterRefusal(call, ticket, bytes.length);
    if (call.ticket >= 0) this.counts.repeated += 1;
    if (call.isUncertain) this.counts.repeatedUncertain += 1;
    call.ticket = ticket;
    return Attempt.Done;
  }

  /** HOT: throws `ValueError`. */
  #attemptMessage(call: Call, session: FrontSession): Attempt {
    const layout = session.layout.messagesToBack[call.item.number];
    if (layout === undefined) return this.#failByKit(call, 'UNKNOWN_ITEM');
    const bytes = this.#writer.writeMessage(call, layout);
    const refusal = this.#endpoint().submitMessage(bytes);
    if (refusal < 0) return this.#afterRefusal(call, refusal, bytes.length);
    call.succeed(noValues);
    return Attempt.Done;
  }

  /** HOT: what is left of the call's time; it begins with the first attempt or the first wait. */
  #leftMs(call: Call): number {
    const { runtime, timeoutMs, recovers } = this.#settings;
    if (call.deadlineMs !== undefined) return Math.max(0, call.deadlineMs - runtime.clock.now());
    if (recovers) call.deadlineMs = runtime.clock.now() + timeoutMs;
    return timeoutMs;
  }

  #askForLease(call: Call): Attempt {
    if (call.hasAskedForLease) return this.#failByKit(call, 'NOT_WRITER');
    call.hasAskedForLease = true;
    this.#settings.greetAgain();
    return Attempt.Wait;
  }

  #afterRefusal(call: Call, refusal: number, byteLength: number): Attempt {
    switch (refusal) {
      case Refusal.NotConnected:
        return Attempt.Wait;
      case Refusal.Quota:
      case Refusal.BackPressured:
        this.#waitForRoom(call.item.kind, byteLength);
        return Attempt.Wait;
      case Refusal.TooLarge:
        return this.#fail(call, ErrorCode.TooLarge, 'never');
      default:
        return this.#fail(call, ErrorCode.Destroyed, 'never');
    }
  }

  #waitForRoom(kind: 'transaction' | 'message', byteLength: number): void {
    const session = this.#session;
    if (session === undefined || this.#waitsForRoomIn === session) return;
    this.#waitsForRoomIn = session;
    this.#endpoint()
      .whenWritable({ kind, byteLength })
      .then(
        () => {
          if (this.#waitsForRoomIn !== session) return;
          this.#waitsForRoomIn = undefined;
          this.#pump();
        },
        (error: unknown) => {
          // The epoch is over; the next session begins with the queue.
          if (!(error instanceof IdcError)) throw error;
        },
      );
  }

  /** @internal HOT: the end of an attempt at a transaction. */
  attemptEnded(
    call: Call,
    code: ErrorCode,
    execution: Execution,
    bytes: Uint8Array,
    offset: number,
    byteLength: number,
    remoteCode: number,
  ): void {
    if (code === ErrorCode.Ok) {
      this.#takeStatus(call, bytes, offset, byteLength);
    } else if (code === ErrorCode.Remote) {
      this.#takeFailure(call, remoteCode);
    } else if (code === ErrorCode.Disconnected && this.#keeps(call, execution)) {
      this.#putBack(call);
      return;
    } else {
      this.#fail(call, code, execution);
    }
    if (this.#queue.length > 0) this.#pump();
  }

  /** HOT */
  #takeStatus(call: Call, bytes: Uint8Array, offset: number, byteLength: number): void {
    this.#reader.begin(bytes, offset, byteLength);
    const codec = call.layout?.status;
    const scope = this.#scope;
    scope.into = call.into;
    const values = codec === undefined ? undefined : this.#reader.takeFields(codec, scope);
    scope.into = undefined;
    if (values === undefined) {
      this.#failByKit(call, 'BAD_STATUS');
      return;
    }
    this.#release(call);
    call.succeed(values);
  }

  /** The back end turned it down: the kit there, or a handler. */
  #takeFailure(call: Call, remoteCode: number): void {
    const failure = kitFailureFromWire(remoteCode);
    if (failure !== undefined) {
      this.#failByKit(call, failure);
      return;
    }
    const name = this.#settings.protocol.errorName(remoteCode) ?? `code ${remoteCode}`;
    const reason = `${call.item.name}: the handler answered ${name}`;
    this.#release(call);
    call.fail(new DriverError(name, ErrorCode.Remote, 'done', { reason, remoteCode }));
  }

  /** An attempt ended with its epoch: whether the call waits for the next one. */
  #keeps(call: Call, execution: Execution): boolean {
    if (!this.#settings.recovers || this.#isClosed) return false;
    if (execution === 'maybe') call.isUncertain = true;
    return !call.isUncertain || call.item.effect === 'none' || call.memory !== '';
  }

  #failByKit(call: Call, failure: KitFailure, detail?: string): typeof Attempt.Done {
    this.#release(call);
    call.fail(makeKitError(failure, call.isUncertain, detail));
    return Attempt.Done;
  }

  #fail(call: Call, code: ErrorCode, execution: Execution): typeof Attempt.Done {
    this.#release(call);
    call.failWith(code, execution);
    return Attempt.Done;
  }

  /** Nothing of it is under way or will be. */
  #release(call: Call): void {
    if (call.sequence > 0) this.#sequences.settle(call.sequence);
    if (call.item.range !== undefined) this.#gate.leave(call);
  }
}

/** HOT: the completion of every attempt. */
function attemptEnded(
  call: Call,
  code: ErrorCode,
  execution: Execution,
  bytes: Uint8Array,
  offset: number,
  byteLength: number,
  remoteCode: number,
): void {
  call.owner.attemptEnded(call, code, execution, bytes, offset, byteLength, remoteCode);
}
