/**
 * Operation: one transfer, from its call to its one outcome. It cuts the bytes into pieces, keeps
 * as many of them under way as its pipeline allows, takes their answers in any order, and sends
 * again what was not executed, or what cannot be executed any more (B5).
 *
 * Its life is the table in `operation-machine.ts`; where its bytes are is in its `Account`. What is
 * in doubt is sent again only after its operation number was fenced or the lease ran out, and under
 * a new number.
 */
import { Refusal } from '../api.js';
import { assert, fail } from '../assert.js';
import { tellProgress } from '../client-call.js';
import { ErrorCode, IdcError, type Execution } from '../errors.js';
import type { Runtime } from '../runtime.js';
import { WheelTimer, type TimerWheel } from '../timer-wheel.js';
import { LaneRoom } from './lane-carrier.js';
import { LanePiece } from './lane-piece.js';
import { fillLocal, type Local } from './local-list.js';
import { Account } from './operation-account.js';
import {
  actionOf,
  OperationAction,
  OperationEvent,
  OperationState,
  stateOf,
  stepOperation,
} from './operation-machine.js';
import { Piece, PieceList, settlePiece, type PieceOwner } from './operation-piece.js';
import { Submission, type Pipeline, type Pipelined } from './operation-pipeline.js';
import { backOffMs, reactionTo } from './operation-reaction.js';
import { Requests } from './operation-request.js';
import type { Target } from './operation-target.js';

/** What operations need of the domain's transfers. */
export interface OperationHost {
  readonly runtime: Runtime;
  readonly wheel: TimerWheel;
  readonly requests: Requests;
  /** A number that no operation of this domain has had. */
  nextNumber(): number;
  /** Finds a way, and makes sure that nothing of a former one can land. */
  seek(operation: Operation): void;
  /** Asks for a lease. */
  renew(operation: Operation): void;
  /** The operation is over; its promise settles right after this. */
  settled(operation: Operation, execution: Execution): void;
  /** A piece was sent for the second time. */
  resubmitted(): void;
}

export class Operation implements Pipelined, PieceOwner {
  readonly target: Target;
  readonly isWrite: boolean;
  /** Where the local bytes belong in the range of the reference. */
  readonly offset: number;
  /** By the runtime's clock; Infinity without a limit. */
  readonly deadlineMs: number;
  readonly local: Local;

  /** Of the domain's list of operations. */
  index = -1;
  /** Lets go of the caller's signal. */
  onSettled: (() => void) | undefined = undefined;
  isQueued = false;
  previousInQueue: Pipelined | undefined = undefined;
  nextInQueue: Pipelined | undefined = undefined;
  refusedBytes = 0;

  readonly #host: OperationHost;
  readonly #onProgress: ((byteCount: number) => void) | undefined;
  readonly #startedMs: number;
  #state: number = OperationState.Seeking;
  #pipeline: Pipeline | undefined = undefined;
  /** It was on its way once, so a way that is gone now may come back. */
  #hasRun = false;
  /** Names it to owners; another one after each fence. */
  #number: number;
  readonly #pieces = new PieceList();
  readonly #account: Account;
  #lastSubmittedMs = 0;
  /** A piece that was not done may have been executed. */
  #mayBeExecuted = false;
  /** The lease was asked for: one Write may go however long the answer took. */
  #mayUseLease = false;
  /** In a row, without a piece that was done; pieces that were under way together count once. */
  #failureCount = 0;
  #round = 0;
  #lastFailure: ErrorCode | undefined = undefined;
  #code: ErrorCode = ErrorCode.Ok;
  #resolve: (() => void) | undefined = undefined;
  #reject: ((error: IdcError) => void) | undefined = undefined;
  #timer: WheelTimer | undefined = undefined;
  #onTimer: (() => void) | undefined = undefined;

  constructor(
    host: OperationHost,
    target: Target,
    isWrite: boolean,
    local: Local,
    offset: number,
    startedMs: number,
    timeoutMs: number,
    onProgress: ((byteCount: number) => void) | undefined,
  ) {
    this.#host = host;
    this.target = target;
    this.isWrite = isWrite;
    this.local = local;
    this.offset = offset;
    this.#account = new Account(local.byteLength);
    this.deadlineMs = startedMs + timeoutMs;
    this.#startedMs = startedMs;
    this.#onProgress = onProgress;
    this.#number = host.nextNumber();
  }

  /** Pieces that have not settled. */
  get inFlightCount(): number {
    return this.#pieces.count;
  }

  get byteLength(): number {
    return this.#account.byteLength;
  }

  /** It waits for `run`, or for its end. */
  isSeeking(): boolean {
    return this.#state === OperationState.Seeking;
  }

  get number(): number {
    return this.#number;
  }

  /** The way that it goes now. */
  get pipeline(): Pipeline | undefined {
    return this.#pipeline;
  }

  /** Pieces of a Write may still land; from `landsUntilMs` on none will. */
  get hasDoubts(): boolean {
    return this.#account.hasDoubts;
  }

  /** The stretch of the local bytes that holds all that is in doubt. */
  get doubtful(): { readonly from: number; readonly end: number } {
    return this.#account.doubtful;
  }

  get landsUntilMs(): number {
    return this.target.lease.landsUntil(this.#lastSubmittedMs);
  }

  /** The functions of its promise. */
  promise(resolve: () => void, reject: (error: IdcError) => void): void {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** There is a way, and nothing of a former one can land. */
  run(pipeline: Pipeline): void {
    assert(!this.hasDoubts, 'what is in doubt is fenced before it is sent again');
    this.#pipeline = pipeline;
    this.#hasRun = true;
    pipeline.attach();
    this.#step(OperationEvent.Found);
  }

  /** What was in doubt cannot land any more: it is sent again, as of another operation. */
  clearDoubts(): void {
    this.#account.clearDoubts();
    this.#number = this.#host.nextNumber();
  }

  /** Everything was transferred without pieces. */
  completeWhole(): void {
    this.#account.finishAll();
    this.#tellProgress();
    this.#step(OperationEvent.Complete);
  }

  /** Ends it, as soon as no piece is in flight; the first code stands. */
  giveUp(code: ErrorCode, execution: Execution = 'never'): void {
    if (execution !== 'never') this.#mayBeExecuted = true;
    if (this.#code === ErrorCode.Ok) this.#code = code;
    this.#step(OperationEvent.GiveUp);
  }

  /** While it seeks: an attempt failed. It ends, or tries again after `rest`. */
  failedToRun(code: ErrorCode): void {
    this.#noteFailure(code);
    if (!this.#hasRun || reactionTo(code) === 'final') this.giveUp(code);
  }

  /** While it seeks: something may still land, and its owner did not say that it will not. */
  failedToFence(code: ErrorCode): void {
    this.#noteFailure(code);
  }

  /** While it seeks: resolves after the back-off, or at once if it ends. */
  rest(atMostMs: number = Infinity): Promise<void> {
    const delayMs = Math.min(
      atMostMs,
      backOffMs(this.#failureCount, this.#host.runtime.prng.fraction()),
    );
    if (delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#after(delayMs, resolve);
    });
  }

  /** The lease that it asked for, or waited for, has come. */
  leaseCame(): void {
    this.#mayUseLease = true;
    this.#step(OperationEvent.Resume);
  }

  /** Somebody else's question for it failed. */
  leaseMissed(): void {
    this.#step(OperationEvent.Resume);
  }

  /** It did not come: `code` says why. */
  leaseFailed(code: ErrorCode): void {
    this.#noteFailure(code);
    switch (reactionTo(code)) {
      case 'final':
        this.giveUp(code);
        return;
      case 'elsewhere':
        this.#lookElsewhere(code);
        return;
      case 'again':
      case 'later':
        this.#resumeLater();
    }
  }

  /** HOT */
  submitNext(): Submission {
    const pipeline = this.#pipeline;
    assert(pipeline !== undefined, 'an operation in a queue has a way');
    const { nextFrom: from, nextBytes } = this.#account;
    if (nextBytes === 0) {
      pipeline.remove(this);
      return Submission.Left;
    }
    // An older time than that of the submission claims no more than is known.
    const nowMs = this.isWrite ? this.#host.runtime.clock.now() : this.#startedMs;
    if (this.isWrite && !this.#mayUseLease && !this.target.lease.isYoung(nowMs)) {
      this.#step(OperationEvent.Pause);
      this.#host.renew(this);
      return Submission.Left;
    }
    const laneBytes = pipeline.carrier.roomFor(this, nextBytes);
    if (laneBytes === LaneRoom.Later) return Submission.Full;
    const piece = this.#cut(pipeline, from, nextBytes, laneBytes, nowMs);
    const ticket = this.#transact(pipeline, piece);
    if (ticket < 0) return this.#refused(ticket, laneBytes > 0 ? 0 : piece.byteLength);
    piece.ticket = ticket;
    this.#pieces.add(piece);
    this.#mayUseLease = false;
    if (this.isWrite) this.#lastSubmittedMs = nowMs;
    if (this.#account.send(piece.byteLength)) this.#host.resubmitted();
    if (this.#account.nextBytes === 0) pipeline.remove(this);
    return Submission.Sent;
  }

  /** HOT */
  pieceSettled(
    piece: Piece,
    code: ErrorCode,
    execution: Execution,
    bytes: Uint8Array,
    offset: number,
    byteLength: number,
    remoteCode: number,
  ): void {
    this.#pieces.remove(piece);
    if (code === ErrorCode.Ok || code === ErrorCode.Remote) {
      this.#answered(piece, bytes, offset, byteLength, remoteCode);
    } else {
      this.#notDone(piece, code, execution);
    }
    if (this.#account.isDone) this.#step(OperationEvent.Complete);
    else if (this.#pieces.count === 0) this.#step(OperationEvent.Quiet);
  }

  /** HOT: `laneBytes`: what its lane takes, if any. */
  #cut(
    pipeline: Pipeline,
    from: number,
    nextBytes: number,
    laneBytes: number,
    nowMs: number,
  ): Piece {
    if (laneBytes > 0) {
      return pipeline.carrier.make(this, pipeline, from, laneBytes, nowMs, this.#round);
    }
    const inlineBytes = Math.min(nextBytes, this.target.pieceBytesOver(pipeline.channel));
    const answerBytes = this.isWrite ? 0 : inlineBytes;
    return new Piece(this, pipeline, from, inlineBytes, nowMs, this.#round, answerBytes);
  }

  /** HOT: a ticket, or a refusal. The bytes of an inline Write are copied before this returns. */
  #transact({ channel, carrier }: Pipeline, piece: Piece): number {
    if (piece instanceof LanePiece) return carrier.submit(piece, this);
    const { requests } = this.#host;
    const { from, byteLength } = piece;
    const offset = this.offset + from;
    if (!this.isWrite) {
      const read = requests.read(this.target, offset, byteLength, this.#number);
      return channel.endpoint.transact(read, settlePiece, piece, Infinity);
    }
    const { target, local } = this;
    const write = requests.write(target, offset, local, from, byteLength, this.#number);
    const ticket = channel.endpoint.transact(write, settlePiece, piece, Infinity);
    requests.clear();
    return ticket;
  }

  #refused(refusal: number, byteLength: number): Submission {
    if (refusal === Refusal.Quota || refusal === Refusal.BackPressured) {
      this.refusedBytes = Requests.byteLengthOf(this.target, this.isWrite ? byteLength : 0);
      return Submission.Refused;
    }
    if (refusal === Refusal.TooLarge) {
      this.giveUp(ErrorCode.TooLarge);
    } else {
      this.#noteFailure(ErrorCode.NotConnected);
      this.#step(OperationEvent.Lost);
    }
    return Submission.Left;
  }

  /** HOT: the owner, or a relay, has answered. */
  #answered(
    piece: Piece,
    bytes: Uint8Array,
    offset: number,
    byteLength: number,
    remoteCode: number,
  ): void {
    const { answer, channel } = piece.pipeline;
    if (!answer.read(remoteCode, bytes, offset, byteLength)) {
      this.#notDone(piece, ErrorCode.Corrupt, 'maybe');
      return;
    }
    const { code, stamp, leaseMs, pieceBytes } = answer;
    const { lease } = this.target;
    if (code === ErrorCode.StaleLease && leaseMs > 0) {
      lease.replace(stamp, leaseMs, piece.submittedMs);
    } else if (leaseMs > 0) {
      lease.renew(stamp, leaseMs, piece.submittedMs);
    }
    if (code === ErrorCode.TooLarge && pieceBytes >= 1 && pieceBytes < piece.byteLength) {
      this.target.narrow(channel, pieceBytes);
      this.#account.returnToSend(piece.from, piece.byteLength);
      this.#step(OperationEvent.Again);
    } else if (code !== ErrorCode.Ok) {
      this.#notDone(piece, code, answer.execution);
    } else if (answer.dataBytes !== piece.answerBytes) {
      this.#notDone(piece, ErrorCode.Corrupt, 'done');
    } else {
      const { answerBytes } = piece;
      if (answerBytes > 0) fillLocal(this.local, piece.from, bytes, answer.dataAt, answerBytes);
      this.#account.finish(piece.byteLength);
      this.#failureCount = 0;
      this.#tellProgress();
    }
  }

  #notDone(piece: Piece, code: ErrorCode, execution: Execution): void {
    if (execution !== 'never') this.#mayBeExecuted = true;
    const { from, byteLength } = piece;
    if (this.isWrite && execution === 'maybe') this.#account.doubt(from, byteLength);
    else this.#account.returnToSend(from, byteLength);
    if (piece.round === this.#round) this.#noteFailure(code);
    switch (reactionTo(code)) {
      case 'final':
        this.giveUp(code);
        return;
      case 'elsewhere':
        this.#lookElsewhere(code);
        return;
      case 'again':
        if (this.hasDoubts) this.#step(OperationEvent.Lost);
        else if (this.#failureCount <= 1) this.#step(OperationEvent.Again);
        else this.#resumeLater();
        return;
      case 'later':
        if (this.hasDoubts) this.#step(OperationEvent.Lost);
        else this.#resumeLater();
    }
  }

  #lookElsewhere(code: ErrorCode): void {
    // A relay has looked for its way already, so nothing better comes of asking again.
    if (code === ErrorCode.Unreachable && this.#execution() === 'never') this.giveUp(code);
    else this.#step(OperationEvent.Lost);
  }

  #noteFailure(code: ErrorCode): void {
    this.#failureCount++;
    this.#round++;
    this.#lastFailure = code;
  }

  /** Where it may wait at all: sends no piece for a while. */
  #resumeLater(): void {
    if (this.#step(OperationEvent.Pause) !== OperationAction.Hold) return;
    this.#after(backOffMs(this.#failureCount + 1, this.#host.runtime.prng.fraction()), () => {
      this.#step(OperationEvent.Resume);
    });
  }

  /** One wait at a time; the end of the operation ends it, too. */
  #after(delayMs: number, task: () => void): void {
    this.#onTimer = task;
    this.#timer ??= new WheelTimer(() => {
      this.#wake();
    });
    this.#host.wheel.arm(this.#timer, delayMs);
  }

  #wake(): void {
    const task = this.#onTimer;
    this.#onTimer = undefined;
    task?.();
  }

  /** HOT: answers the action, which has been performed. */
  #step(event: OperationEvent): number {
    const packed = stepOperation(this.#state, event);
    this.#state = stateOf(packed);
    const action = actionOf(packed);
    switch (action) {
      case OperationAction.None:
        break;
      case OperationAction.Run:
        this.#pipeline?.enqueue(this);
        this.#pipeline?.pump();
        break;
      case OperationAction.Hold:
        this.#pipeline?.remove(this);
        break;
      case OperationAction.Cancel:
        this.#pipeline?.remove(this);
        this.#pieces.cancelAll();
        if (this.#pieces.count === 0) this.#step(OperationEvent.Quiet);
        break;
      case OperationAction.Seek:
        this.#leavePipeline();
        this.#host.seek(this);
        break;
      case OperationAction.Settle:
        this.#settle();
        break;
      default:
        fail(`an operation in state ${this.#state} knows no event ${event}`);
    }
    return action;
  }

  #leavePipeline(): void {
    this.#pipeline?.detach(this);
    this.#pipeline = undefined;
  }

  #settle(): void {
    assert(this.#pieces.count === 0, 'nothing of a settled operation is in flight');
    this.#leavePipeline();
    if (this.#timer !== undefined) this.#host.wheel.disarm(this.#timer);
    this.onSettled?.();
    const execution = this.#execution();
    this.#host.settled(this, execution);
    if (execution === 'done') this.#resolve?.();
    else this.#reject?.(this.#error(execution));
    // Whoever waited for its timer sees that it is over.
    this.#wake();
  }

  #execution(): Execution {
    if (this.#account.isDone) return 'done';
    return this.#mayBeExecuted || this.#account.doneBytes > 0 ? 'maybe' : 'never';
  }

  #error(execution: Execution): IdcError {
    const failure = this.#lastFailure;
    if (this.#code !== ErrorCode.Timeout || failure === undefined) {
      return new IdcError(this.#code, execution);
    }
    const reason = `the time limit passed; the last attempt ended as ${failure}`;
    return new IdcError(this.#code, execution, { reason });
  }

  #tellProgress(): void {
    tellProgress(this.#host.runtime, this.#onProgress, this.#account.doneBytes);
  }
}
