/**
 * LanePiece: a piece whose data goes by the bulk lane of its channel. It is settled only when its
 * transaction is, and when the lane has nothing more to do with its local bytes.
 */
import type { LaneBytes } from '../bulk-lane.js';
import { ErrorCode, type Execution } from '../errors.js';
import type { Landing, LaneEnd, Outgoing } from './lane-end.js';
import { pushViews, type Local } from './local-list.js';
import { Piece, settlePiece, type PieceOwner } from './operation-piece.js';
import type { Pipeline } from './operation-pipeline.js';

/** What an operation is to whoever cuts pieces for a lane from it. */
export interface LanePieceOwner extends PieceOwner {
  readonly isWrite: boolean;
  readonly local: Local;
}

const noBytes = new Uint8Array(0);

export class LanePiece extends Piece implements Outgoing, Landing {
  readonly lane: LaneEnd;
  /** Of the body. */
  readonly number: number;
  readonly isWrite: boolean;
  readonly #local: Local;
  /** The lane reads or writes the local bytes no more. */
  #isOver = false;
  /** A Read's body will not come. */
  #isLost = false;
  #wasHandedOver = false;
  #isSettled = false;
  /** What became of its transaction. */
  #code: ErrorCode | undefined = undefined;
  #execution: Execution = 'never';
  #status: Uint8Array = noBytes;
  #remoteCode = 0;

  constructor(
    owner: LanePieceOwner,
    pipeline: Pipeline,
    from: number,
    byteLength: number,
    submittedMs: number,
    round: number,
    lane: LaneEnd,
    number: number,
  ) {
    super(owner, pipeline, from, byteLength, submittedMs, round, 0);
    this.lane = lane;
    this.number = number;
    this.isWrite = owner.isWrite;
    this.#local = owner.local;
  }

  /** Its local bytes. */
  target(): LaneBytes {
    const views: Uint8Array[] = [];
    pushViews(this.#local, this.from, this.byteLength, views);
    const [first] = views;
    return views.length === 1 && first !== undefined ? first : views;
  }

  /** Of a Write: the lane has its body, or did not take it. */
  handedOver(isTaken: boolean): void {
    this.#wasHandedOver = isTaken;
    this.#isOver = !isTaken;
  }

  /** Its transaction is over; the bytes are valid during the call. */
  answered(
    code: ErrorCode,
    execution: Execution,
    bytes: Uint8Array,
    offset: number,
    byteLength: number,
    remoteCode: number,
  ): void {
    const isAnswer = code === ErrorCode.Ok || code === ErrorCode.Remote;
    this.#code = code;
    this.#remoteCode = remoteCode;
    if (isAnswer) this.#status = bytes.slice(offset, offset + byteLength);
    // That the transaction was not handled says nothing of the body, which came another way.
    const isUnknown = this.#wasHandedOver && !isAnswer;
    this.#execution = isUnknown && execution === 'never' ? 'maybe' : execution;
    if (this.isWrite && !this.#isOver) {
      if (code !== ErrorCode.Ok) this.lane.hurry();
    } else if (this.isWrite || this.#isOver || this.#isLost || code !== ErrorCode.Ok) {
      this.#settle();
    }
  }

  released(wasSent: boolean): void {
    this.#isOver = true;
    if (this.#code !== undefined) this.#settle();
    else if (!wasSent) super.cancel();
  }

  landed(): void {
    this.#isOver = true;
    if (this.#code !== undefined) this.#settle();
  }

  lost(): void {
    // A piece that was lost before it may have ended the operation, and so this one.
    if (this.#isSettled) return;
    this.#isLost = true;
    if (this.#code !== undefined) this.#settle();
    else super.cancel();
  }

  override cancel(): void {
    if (this.#code === undefined) {
      super.cancel();
      if (this.isWrite && !this.#isOver) this.lane.hurry();
    } else if (this.isWrite) {
      this.lane.hurry();
    } else {
      this.#isLost = true;
      this.#settle();
    }
  }

  #settle(): void {
    const { pipeline } = this;
    this.#isSettled = true;
    let code = this.#code ?? ErrorCode.Disconnected;
    let execution = this.#execution;
    if (!this.isWrite) this.lane.forget(this.number);
    if (code === ErrorCode.Ok && !this.#isOver) {
      code = ErrorCode.Disconnected;
      execution = 'maybe';
    }
    pipeline.carrier.settled(this, code, this.#remoteCode);
    settlePiece(this, code, execution, this.#status, 0, this.#status.length, this.#remoteCode);
  }
}

/** The completion of all of them. */
export function answerLanePiece(
  piece: LanePiece,
  code: ErrorCode,
  execution: Execution,
  bytes: Uint8Array,
  offset: number,
  byteLength: number,
  remoteCode: number,
): void {
  piece.answered(code, execution, bytes, offset, byteLength, remoteCode);
}
