/**
 * The block protocol: what the two halves of the driver say to each other, and nothing else.
 *
 * A request is the parameters of a transaction, little-endian:
 *
 *     0           4            8                        16
 *     | operation | byteLength | offset, low word first | reference |    identify: ends at 16
 *
 * `read` moves the bytes into the buffer of the front end that the reference names, from its start
 * on, before it is answered.
 *
 * The status that answers `identify` is a geometry, always 12 bytes:
 *
 *     0                 4                        12
 *     | blockByteLength | deviceByteLength         |
 *
 * and the one that answers `read` is empty: all the bytes are there, there is no short read. What
 * cannot be answered so is answered with a `BlockError` and no status. Both halves treat the other
 * as a stranger: a decoder answers `undefined` to anything that no encoder here produces.
 */
import type { Quota } from 'idc';

/** What a device is. */
export interface Geometry {
  /** The most that one `read` may ask for. Reads may begin and end anywhere in the device. */
  readonly blockByteLength: number;
  readonly deviceByteLength: number;
}

export interface IdentifyRequest {
  readonly operation: 'identify';
}
export interface ReadRequest {
  readonly operation: 'read';
  readonly offset: number;
  readonly byteLength: number;
  /** Names the buffer that is to be filled, encoded; whether it names one, its owner says. */
  readonly reference: Uint8Array;
}
export type BlockRequest = IdentifyRequest | ReadRequest;

/** Application codes of a transaction that the back end could not do. Never 0. */
export const BlockError = {
  /** The parameters are not a request. */
  BadRequest: 1,
  /** Not wholly inside the device, or longer than a block. */
  OutOfRange: 2,
  /** The medium behind the device failed. */
  MediumFailed: 3,
  /** The bytes could not be moved into the buffer of the front end. */
  TransferFailed: 4,
} as const;

export const blockByteLengthMax: number = 256 * 1024;
const requestByteLength = 16;
/** Longest reference. */
const referenceByteLengthMax = 1024;
const geometryByteLength = 12;

/** How many reads a front end keeps outstanding. */
export const readsMax = 16;

/** What both ends ask for when they connect. The protocol has no messages. */
export const blockQuota: Partial<Quota> = {
  messages: 1,
  messageBytes: 0,
  transactions: readsMax,
  parameterBytes: requestByteLength + referenceByteLengthMax,
  statusBytes: geometryByteLength,
};

const identifyNumber = 1;
const readNumber = 2;

export function encodeRequest(request: BlockRequest): Uint8Array {
  const reference = request.operation === 'read' ? request.reference : new Uint8Array(0);
  const bytes = new Uint8Array(requestByteLength + reference.byteLength);
  const words = wordsOf(bytes);
  switch (request.operation) {
    case 'identify':
      words.setUint32(0, identifyNumber, true);
      break;
    case 'read':
      words.setUint32(0, readNumber, true);
      words.setUint32(4, request.byteLength, true);
      setPosition(words, 8, request.offset);
      bytes.set(reference, requestByteLength);
      break;
  }
  return bytes;
}

export function decodeRequest(bytes: Uint8Array): BlockRequest | undefined {
  if (bytes.byteLength < requestByteLength) return undefined;
  const reference = bytes.slice(requestByteLength);
  const words = wordsOf(bytes);
  const byteLength = words.getUint32(4, true);
  const offset = getPosition(words, 8);
  switch (words.getUint32(0, true)) {
    case identifyNumber:
      if (byteLength !== 0 || offset !== 0 || reference.byteLength !== 0) return undefined;
      return { operation: 'identify' };
    case readNumber:
      if (!Number.isSafeInteger(offset) || reference.byteLength === 0) return undefined;
      return { operation: 'read', offset, byteLength, reference };
    default:
      return undefined;
  }
}

export function encodeGeometry(geometry: Geometry): Uint8Array {
  const words = new DataView(new ArrayBuffer(geometryByteLength));
  words.setUint32(0, geometry.blockByteLength, true);
  setPosition(words, 4, geometry.deviceByteLength);
  return new Uint8Array(words.buffer);
}

export function decodeGeometry(bytes: Uint8Array): Geometry | undefined {
  if (bytes.byteLength !== geometryByteLength) return undefined;
  const words = wordsOf(bytes);
  const blockByteLength = words.getUint32(0, true);
  const deviceByteLength = getPosition(words, 4);
  const isLegal =
    blockByteLength >= 1 &&
    blockByteLength <= blockByteLengthMax &&
    Number.isSafeInteger(deviceByteLength);
  return isLegal ? { blockByteLength, deviceByteLength } : undefined;
}

/** The name of an application code, for people. */
export function blockErrorName(code: number): string {
  const entry = Object.entries(BlockError).find(([, number]) => number === code);
  return entry?.[0] ?? `code ${code}`;
}

function wordsOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Positions are 64 bits wide, of which a number holds 53: split by hand, for BigInt allocates. */
function setPosition(words: DataView, at: number, position: number): void {
  words.setUint32(at, position % 2 ** 32, true);
  words.setUint32(at + 4, Math.floor(position / 2 ** 32), true);
}

/** Not a safe integer if the peer wrote more than 53 bits; the caller checks. */
function getPosition(words: DataView, at: number): number {
  return words.getUint32(at + 4, true) * 2 ** 32 + words.getUint32(at, true);
}
