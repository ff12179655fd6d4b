/**
 * The wire layout of transfers: requests and answers of transactions on a channel, encoded and
 * decoded in place. Little-endian; every field of a peer is read once and checked here.
 *
 * Request (the parameters):                       Answer (the status):
 *
 *    0 u8   op: what is asked for                    0 u8   execution: 0 never, 1 maybe, 2 done
 *    1 u8   hops: relays passed so far               4 u32  leaseMs of the owner; 0: not its answer
 *    2 u16  bytes of the reference                   8 f64  the owner's stamp
 *    4 u32  bytes to be read or written             16      data: what a Read read, what a Map
 *    8 f64  offset in what the reference covers             needs; of TOO_LARGE a u32: the most
 *   16 f64  stamp: the owner's latest that is known;        data bytes that pass this way
 *           of what goes by a lane: a number
 *   24      holder key, 16 random bytes
 *   40 u64  operation, counted by its holder      The code of the answer is 0 exactly if the
 *   48      16 bytes for each relay passed: its   execution is done, else the wire number of an
 *           domain id; the encoded reference;     `ErrorCode`.
 *           the data of a Write
 *
 * The owner's `stamp` is a reading of its own clock. A holder hands the latest one back with each
 * Write, so that the owner alone can judge how long the Write was on its way (B5).
 */
import { AreaCache, type ByteArea } from '../byte-area.js';
import { assert } from '../assert.js';
import { ErrorCode, errorFromWire, type Execution } from '../errors.js';
import { referenceBytesMax } from './reference-layout.js';

/** What a request asks the owner of the buffer for. */
export const TransferOp = {
  Write: 1,
  Read: 2,
  /**
   * Never execute a Write of this operation again. The owner answers done, whatever became of the
   * buffer; only one that has restarted, and so has nothing left to execute, STALE_REFERENCE.
   */
  Fence: 3,
  /** A fresh stamp; nothing else. */
  Lease: 4,
  /** What a holder needs to map the whole buffer. */
  Map: 5,
  /** A token, with which a bulk lane comes to this channel. Without a reference. */
  Attach: 6,
  /** On the channel's lane the reference is called by the number from now on. */
  Name: 7,
  /** The body with that number on the lane is, or was, the data of a Write. Without a reference. */
  LaneWrite: 8,
  /** As a Read; the data comes on the lane as the body with that number. */
  LaneRead: 9,
} as const;
export type TransferOp = (typeof TransferOp)[keyof typeof TransferOp];

/** The numbers of bodies and names are whole, from 0 to this. */
export const laneNumberMax = 0xffff_ffff;

/** Most relays between a holder and an owner. */
export const hopsMax = 8;
export const domainIdBytes = 16;
export const holderKeyBytes = 16;
/** A holder key and a counter: together they name an operation. */
export const operationBytes = 24;
export const requestHeadBytes = 48;
export const answerHeadBytes = 16;
/** Most bytes of a request beside its data. */
export const requestOverheadBytesMax: number =
  requestHeadBytes + hopsMax * domainIdBytes + referenceBytesMax;

const operationAt = 24;
const counterAt = 40;
const executions: readonly Execution[] = ['never', 'maybe', 'done'];

/**
 * A holder's side: the head of a request, all of it but the data of a Write. Made once for each
 * piece that can be outstanding, and used again for each piece.
 */
export class RequestHead {
  readonly #memory = new Uint8Array(requestHeadBytes + referenceBytesMax);
  readonly #view = new DataView(this.#memory.buffer);
  readonly #operation: Uint8Array = this.#memory.subarray(operationAt, requestHeadBytes);
  #bytes: Uint8Array = this.#memory.subarray(0, requestHeadBytes);

  /** `holderKey`: 16 bytes that nobody else knows. */
  constructor(holderKey: Uint8Array) {
    assert(holderKey.length === holderKeyBytes, 'a holder key has 16 bytes');
    this.#memory.set(holderKey, operationAt);
  }

  /** What goes in front of the data; valid until the next `setReference`. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Copies the encoded reference that the requests from now on are about. */
  setReference(reference: Uint8Array): void {
    assert(reference.length <= referenceBytesMax, 'a reference has at most 1,024 bytes');
    const endAt = requestHeadBytes + reference.length;
    this.#memory.set(reference, requestHeadBytes);
    this.#view.setUint16(2, reference.length, true);
    if (this.#bytes.length !== endAt) this.#bytes = this.#memory.subarray(0, endAt);
  }

  /**
   * HOT: `operation` is a count of its holder, from 0 on; offset and byteLength of the piece;
   * `stamp` is the number where the request is about a lane.
   */
  set(op: TransferOp, offset: number, byteLength: number, stamp: number, operation: number): void {
    const view = this.#view;
    view.setUint8(0, op);
    view.setUint32(4, byteLength, true);
    view.setFloat64(8, offset, true);
    view.setFloat64(16, stamp, true);
    this.#setOperation(operation);
  }

  /** The 24 bytes that name the operation to owners; valid until the next call here. */
  operationBytes(operation: number): Uint8Array {
    this.#setOperation(operation);
    return this.#operation;
  }

  /** HOT */
  #setOperation(operation: number): void {
    this.#view.setUint32(counterAt, operation >>> 0, true);
    this.#view.setUint32(counterAt + 4, Math.floor(operation / 2 ** 32), true);
  }
}

/** An owner's or a relay's side: one request, decoded in place. Made once, used for all. */
export class RequestReader {
  op = 0;
  hops = 0;
  /** Bytes to be read or written; of a Write also the bytes of its data. */
  byteLength = 0;
  offset = 0;
  stamp = 0;
  referenceBytes = 0;
  /** Where the parts lie in the area. */
  operationAt = 0;
  pathAt = 0;
  referenceAt = 0;
  dataAt = 0;

  /**
   * HOT: reads the request in the `requestBytes` from `at` on; they are out of the peer's reach.
   * False: no legal peer sends this.
   */
  read(area: ByteArea, at: number, requestBytes: number): boolean {
    if (requestBytes < requestHeadBytes) return false;
    const view = area.view;
    this.op = view.getUint8(at);
    this.hops = view.getUint8(at + 1);
    this.referenceBytes = view.getUint16(at + 2, true);
    this.byteLength = view.getUint32(at + 4, true);
    // Adding 0 makes 0 of -0.
    this.offset = view.getFloat64(at + 8, true) + 0;
    this.stamp = view.getFloat64(at + 16, true);
    this.operationAt = at + operationAt;
    this.pathAt = at + requestHeadBytes;
    this.referenceAt = this.pathAt + this.hops * domainIdBytes;
    this.dataAt = this.referenceAt + this.referenceBytes;
    const dataBytes = at + requestBytes - this.dataAt;
    return (
      this.op >= TransferOp.Write &&
      this.op <= TransferOp.LaneRead &&
      this.hops <= hopsMax &&
      this.referenceBytes > 0 === hasReference(this.op) &&
      this.referenceBytes <= referenceBytesMax &&
      (this.op < TransferOp.Attach || this.#isOfLane()) &&
      dataBytes === (this.op === TransferOp.Write ? this.byteLength : 0) &&
      this.offset >= 0 &&
      // One beyond 2^53 is legal, and beyond every buffer.
      Number.isInteger(this.offset) &&
      this.stamp >= 0 &&
      this.stamp < Infinity
    );
  }

  /** A lane is between two domains, and numbers count. */
  #isOfLane(): boolean {
    return this.hops === 0 && Number.isInteger(this.stamp) && this.stamp <= laneNumberMax;
  }
}

function hasReference(op: number): boolean {
  return op !== TransferOp.Attach && op !== TransferOp.LaneWrite;
}

/** An owner's or a relay's side: the head of an answer. Made once, used for all. */
export class AnswerHead {
  readonly bytes: Uint8Array = new Uint8Array(answerHeadBytes);
  readonly #view = new DataView(this.bytes.buffer);

  /** HOT: of the owner: its lease, a whole number of milliseconds from 1 on, and its stamp. */
  set(execution: Execution, leaseMs: number, stamp: number): void {
    this.#view.setUint8(0, executions.indexOf(execution));
    this.#view.setUint32(4, leaseMs, true);
    this.#view.setFloat64(8, stamp, true);
  }

  /** Of anybody else, who has no stamp to give. */
  setWithoutStamp(execution: Execution): void {
    this.set(execution, 0, 0);
  }
}

/** A holder's side: one answer, decoded in place. Made once, used for all of a channel. */
export class AnswerReader {
  /** `Ok` exactly if `execution` is done. */
  code: ErrorCode = ErrorCode.Ok;
  execution: Execution = 'never';
  /** What the owner grants, in milliseconds; 0 if the answer is not the owner's: no stamp. */
  leaseMs = 0;
  stamp = 0;
  /** Where the data lies in the bytes. */
  dataAt = 0;
  dataBytes = 0;
  /** With TOO_LARGE: the most data bytes of a piece that pass this way; else 0. */
  pieceBytes = 0;
  readonly #areas = new AreaCache();

  /**
   * HOT: reads the status of a transaction that was answered: `wireCode` is 0, or the remote code.
   * False: no legal peer answers this.
   */
  read(wireCode: number, bytes: Uint8Array, at: number, answerBytes: number): boolean {
    if (answerBytes < answerHeadBytes) return false;
    const view = this.#areas.areaOf(bytes).view;
    const execution = executions[view.getUint8(at)];
    if (execution === undefined) return false;
    this.execution = execution;
    this.code = errorFromWire(wireCode);
    this.leaseMs = view.getUint32(at + 4, true);
    this.stamp = view.getFloat64(at + 8, true);
    this.dataAt = at + answerHeadBytes;
    this.dataBytes = answerBytes - answerHeadBytes;
    this.pieceBytes = 0;
    if (this.code === ErrorCode.TooLarge && this.dataBytes === 4) {
      this.pieceBytes = view.getUint32(this.dataAt, true);
      this.dataBytes = 0;
    }
    return (
      (wireCode === 0) === (execution === 'done') &&
      this.code !== ErrorCode.Remote &&
      this.stamp >= 0 &&
      this.stamp < Infinity &&
      (execution === 'done' || this.dataBytes === 0) &&
      (execution !== 'done' || this.leaseMs > 0)
    );
  }
}
