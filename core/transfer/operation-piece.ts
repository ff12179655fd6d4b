/**
 * Piece: one request of an operation that has not settled. The pieces in flight of an operation are
 * a list, so that all of them can be cancelled.
 */
import type { Completion } from '../api.js';
import type { ErrorCode, Execution } from '../errors.js';
import type { Pipeline } from './operation-pipeline.js';

/** Whoever a piece belongs to. */
export interface PieceOwner {
  /** Called exactly once for each piece. */
  readonly pieceSettled: Completion<Piece>;
}

export class Piece {
  readonly owner: PieceOwner;
  readonly pipeline: Pipeline;
  /** Where it begins in the local bytes. */
  readonly from: number;
  readonly byteLength: number;
  /** It was not submitted before, by this side's clock. */
  readonly submittedMs: number;
  /** How often its operation had failed before. */
  readonly round: number;
  /** How many data bytes are in its answer: those of a Read, unless a lane brings them. */
  readonly answerBytes: number;
  ticket = -1;
  previous: Piece | undefined = undefined;
  next: Piece | undefined = undefined;

  constructor(
    owner: PieceOwner,
    pipeline: Pipeline,
    from: number,
    byteLength: number,
    submittedMs: number,
    round: number,
    answerBytes: number,
  ) {
    this.owner = owner;
    this.pipeline = pipeline;
    this.from = from;
    this.byteLength = byteLength;
    this.submittedMs = submittedMs;
    this.round = round;
    this.answerBytes = answerBytes;
  }

  /** It settles by what its peer knew of it: at once, or within the time of a flush. */
  cancel(): void {
    this.pipeline.channel.endpoint.cancel(this.ticket);
  }
}

/** HOT: the completion of all pieces. */
export function settlePiece(
  piece: Piece,
  code: ErrorCode,
  execution: Execution,
  bytes: Uint8Array,
  offset: number,
  byteLength: number,
  remoteCode: number,
): void {
  const { pipeline } = piece;
  pipeline.landed();
  piece.owner.pieceSettled(piece, code, execution, bytes, offset, byteLength, remoteCode);
  pipeline.pump();
}

/** The pieces in flight of one operation. */
export class PieceList {
  count = 0;
  #first: Piece | undefined = undefined;

  /** HOT */
  add(piece: Piece): void {
    const first = this.#first;
    piece.next = first;
    if (first !== undefined) first.previous = piece;
    this.#first = piece;
    this.count++;
  }

  /** HOT */
  remove(piece: Piece): void {
    const { previous, next } = piece;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    piece.previous = undefined;
    piece.next = undefined;
    this.count--;
  }

  cancelAll(): void {
    let piece = this.#first;
    while (piece !== undefined) {
      // Cancelling may settle this one, and no other.
      const following: Piece | undefined = piece.next;
      piece.cancel();
      piece = following;
    }
  }
}
