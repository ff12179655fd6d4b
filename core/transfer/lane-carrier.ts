/**
 * LaneCarrier: the holder's side of the lanes of one channel. It says which pieces go by lane, and
 * how long they are; it hands them over, and calls references by numbers that the owner was told.
 *
 * A Write is judged by the age of its stamp, and on a slow way what waits on the lane grows old. So
 * what is under way shrinks when the owner finds a Write too late, and grows again with each that
 * it takes.
 */
import { ErrorCode, errorTable } from '../errors.js';
import type { Scheduler } from '../runtime.js';
import type { Channel } from './channel.js';
import type { LaneEnd } from './lane-end.js';
import { answerLanePiece, LanePiece, type LanePieceOwner } from './lane-piece.js';
import { namesMax, writeSpanMax } from './lane-writes.js';
import type { Pipeline } from './operation-pipeline.js';
import { reactionTo } from './operation-reaction.js';
import type { Requests } from './operation-request.js';
import type { Target } from './operation-target.js';
import { laneNumberMax, TransferOp } from './transfer-wire.js';

/** Shorter than this part of an inline piece, bytes cost less in a transaction of their own. */
const inlineParts = 2;
/** A piece on a lane is up to so many times as long as one that is inline. */
const inlineTimes = 8;
/** Pieces of one channel that are under way at one time; with those of its peer they fit a lane. */
const piecesMax = 16;
/** So many pieces fill the window while it is small. */
const piecesPerWindow = 4;
/** By how much the window grows with each piece that is done, and how it shrinks for a late one. */
const windowStep = 1 / 16;
const windowCut = 4;
/**
 * A transfer beyond this takes long, and messages go before it; in bytes. A device's requests are
 * shorter: there the messages are about the bytes, and wait for them in any case.
 */
const longBytesMin = 16 * 1024 * 1024;
/** Time limit of telling a name, in milliseconds. */
const nameMs = 30_000;

const staleLease = errorTable[ErrorCode.StaleLease].wire;
/** Among others: the owner does not know the name. */
const backPressured = errorTable[ErrorCode.BackPressured].wire;

/** An operation that cuts pieces for a lane. */
export interface LaneOperation extends LanePieceOwner {
  readonly target: Target;
  /** Where the local bytes belong in the range of the reference. */
  readonly offset: number;
  /** Of all of it. */
  readonly byteLength: number;
  readonly number: number;
}

/** What `roomFor` answers where there are no bytes. */
export const LaneRoom = {
  /** The piece goes inline. */
  None: 0,
  /** Not before another piece has settled. */
  Later: -1,
} as const;

interface Name {
  readonly lane: LaneEnd;
  readonly number: number;
  isTold: boolean;
}

export class LaneCarrier {
  readonly #channel: Channel;
  readonly #requests: Requests;
  readonly #scheduler: Scheduler;
  /** Bytes that may be under way, in pieces of full length: a fraction of them counts. */
  #window = piecesMax;
  #underWayBytes = 0;
  #underWayCount = 0;
  /** Numbers of Writes that have not settled, the oldest first. */
  readonly #writes = new Set<number>();
  #writeCount = 0;
  #readCount = 0;
  #names = new WeakMap<Target, Name>();
  #nameCount = 0;

  constructor(channel: Channel, requests: Requests, scheduler: Scheduler) {
    this.#channel = channel;
    this.#requests = requests;
    this.#scheduler = scheduler;
  }

  /** HOT: bytes of the next piece if it goes by lane, or a `LaneRoom`; `byteLength` are left. */
  roomFor({ target, isWrite }: LaneOperation, byteLength: number): number {
    const { lane, pieceBytes: inlineBytes } = this.#channel;
    const bytesMin = Math.ceil(inlineBytes / inlineParts);
    if (lane?.isUp !== true || byteLength < bytesMin) return LaneRoom.None;
    const { ownerId, ownerIncarnation } = target.reference;
    if (!this.#channel.leadsTo(ownerId, ownerIncarnation)) return LaneRoom.None;
    if (isWrite && this.#nameOf(target, lane) === undefined) return LaneRoom.None;
    const bytesMax = inlineTimes * inlineBytes;
    const windowBytes = this.#window * bytesMax;
    const shareBytes = Math.max(bytesMin, Math.floor(windowBytes / piecesPerWindow));
    const pieceBytes = Math.min(byteLength, bytesMax, shareBytes);
    const isFull = this.#underWayBytes + pieceBytes > windowBytes;
    if (this.#underWayCount > 0 && (isFull || this.#underWayCount >= piecesMax)) {
      return LaneRoom.Later;
    }
    return isWrite && !this.#hasNumber() ? LaneRoom.Later : pieceBytes;
  }

  /** A piece of so many bytes as `roomFor` has answered in this turn. */
  make(
    operation: LaneOperation,
    pipeline: Pipeline,
    from: number,
    byteLength: number,
    submittedMs: number,
    round: number,
  ): LanePiece {
    const { lane } = this.#channel;
    if (lane === undefined) throw new TypeError('a lane had room');
    const count = operation.isWrite ? this.#writeCount : this.#readCount;
    const number = count % (laneNumberMax + 1);
    return new LanePiece(operation, pipeline, from, byteLength, submittedMs, round, lane, number);
  }

  /** A ticket, or a refusal. */
  submit(piece: LanePiece, operation: LaneOperation): number {
    const ticket = piece.isWrite ? this.#write(piece, operation) : this.#read(piece, operation);
    if (ticket < 0) return ticket;
    this.#underWayBytes += piece.byteLength;
    this.#underWayCount++;
    return ticket;
  }

  /** The piece is about to settle. */
  settled(piece: LanePiece, code: ErrorCode, remoteCode: number): void {
    this.#underWayBytes -= piece.byteLength;
    this.#underWayCount--;
    if (piece.isWrite) this.#writes.delete(piece.number);
    if (code === ErrorCode.Ok) this.#window = Math.min(piecesMax, this.#window + windowStep);
    else if (remoteCode === backPressured) this.#names = new WeakMap();
    else if (remoteCode === staleLease)
      this.#window = Math.max(windowStep, this.#window / windowCut);
  }

  #write(piece: LanePiece, { target, offset, byteLength, number }: LaneOperation): number {
    const { lane } = piece;
    const { endpoint } = this.#channel;
    const request = this.#requests.laneWrite(piece.number, piece.byteLength, number);
    const name = this.#nameOf(target, lane);
    if (name === undefined) throw new TypeError('a target has kept its name');
    const ticket = endpoint.transact(request, answerLanePiece, piece, Infinity);
    if (ticket < 0) return ticket;
    this.#writeCount++;
    this.#writes.add(piece.number);
    const operation = this.#requests.operationBytes(number);
    const { stamp } = target.lease;
    const header = lane.heads.write(piece.number, name, offset + piece.from, stamp, operation);
    const isTaken = lane.send(header, piece.target(), piece, byteLength >= longBytesMin);
    piece.handedOver(isTaken);
    if (!isTaken) {
      // The lane has just been lost. The owner waits for nothing, once it is told so.
      this.#scheduler.soon(() => {
        endpoint.cancel(ticket);
      });
    }
    return ticket;
  }

  #read(piece: LanePiece, { target, offset, number }: LaneOperation): number {
    const at = offset + piece.from;
    const request = this.#requests.laneRead(target, at, piece.byteLength, number, piece.number);
    const ticket = this.#channel.endpoint.transact(request, answerLanePiece, piece, Infinity);
    if (ticket < 0) return ticket;
    this.#readCount++;
    piece.lane.expect(piece.number, piece);
    return ticket;
  }

  /** The number by which the owner knows the reference; it is told if it does not. */
  #nameOf(target: Target, lane: LaneEnd): number | undefined {
    const known = this.#names.get(target);
    if (known?.lane !== lane || this.#nameCount - known.number > namesMax - 1) {
      void this.#tell(target, lane);
      return undefined;
    }
    return known.isTold ? known.number : undefined;
  }

  async #tell(target: Target, lane: LaneEnd): Promise<void> {
    const number = this.#nameCount;
    const name: Name = { lane, number, isTold: false };
    this.#nameCount++;
    this.#names.set(target, name);
    const op = TransferOp.Name;
    const { code } = await this.#requests.ask(op, target, this.#channel, 0, nameMs, number);
    if (code === ErrorCode.Ok) name.isTold = true;
    else if (reactionTo(code) !== 'final') this.#forget(target, name);
    // Else its Writes go inline, as long as there are such, and this lane.
  }

  /** It may be told again. */
  #forget(target: Target, name: Name): void {
    if (this.#names.get(target) === name) this.#names.delete(target);
  }

  /** An owner knows Writes by number modulo `writeSpanMax`. */
  #hasNumber(): boolean {
    const [oldest = this.#writeCount] = this.#writes;
    return this.#writeCount - oldest < writeSpanMax;
  }
}
