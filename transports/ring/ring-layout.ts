/**
 * Layout of the memory that one side of a ring link owns: a control page, then its outgoing ring.
 *
 * The owner alone writes all of it, and the peer maps it for reading: every word has one writer.
 * So the consumer's position is not beside the ring that it is about but in the consumer's own
 * memory. Words that change are 128 bytes apart, for processors fetch cache lines in pairs.
 *
 * A record is 8-byte aligned: a header word with the frame's length in bytes, then the frame. It
 * never wraps; a pad header says that the rest of the ring up to its end is empty. Positions count
 * bytes, are multiples of 8, and wrap at 2^32.
 */

/** The ring begins at this offset; a whole page, so that it can be mapped. */
export const controlBytes = 4096;

/** Indices of 32-bit words in the control page. */
export const Control = {
  Magic: 0,
  Version: 1,
  RingBytes: 2,
  /** Four words: 128 random bits that the rendezvous announces, so that no other memory passes. */
  Token: 4,
  /** Up to this position the owner's ring holds published records. */
  Produced: 32,
  /** Up to this position the owner has consumed the peer's ring. */
  Consumed: 64,
  /** 0 awake; else a sleep's number, and what would wake the owner: see `SleepBit`. */
  Sleep: 96,
  /** 1: the owner publishes nothing more. */
  Ended: 128,
  /** The sleep of the peer that the owner rang for last; nobody else has a use for it. */
  Rung: 160,
} as const;

/** The low bits of `Control.Sleep`; above them the sleep's number. */
export const SleepBit = { Asleep: 1, WantsSpace: 2, numberShift: 2 } as const;

/** 'IDCr', little-endian. */
export const magic = 0x72434449;
export const layoutVersion = 1;

export const recordHeaderBytes = 4;
/** The header of a record that fills the ring up to its end. */
export const padHeader: number = -1;

export const ringBytesMin = 4096;
export const ringBytesMax: number = 2 ** 26;

/** What a frame of `byteLength` takes in the ring. */
export function recordBytes(byteLength: number): number {
  return (byteLength + recordHeaderBytes + 7) & ~7;
}

/** The largest frame that fits into an empty ring wherever its position is. */
export function frameBytesLimit(ringBytes: number): number {
  return ringBytes / 2 - recordHeaderBytes;
}

/**
 * How far a position may run ahead before it is published in the middle of a batch, so that the
 * peer works on what is there meanwhile. A whole batch per store costs least; caches set the limit.
 */
export function publishedAtLeastEvery(ringBytes: number): number {
  return Math.min(ringBytes / 8, 16384);
}

/** Bytes of a side's whole memory. */
export function memoryBytes(ringBytes: number): number {
  return controlBytes + ringBytes;
}

/** Views of one side's memory. */
export interface RingMemory {
  readonly control: Int32Array;
  /** The ring alone, as words and as bytes. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

/** Views of the memory in `buffer`, which holds a control page and a ring of `ringBytes`. */
export function viewMemory(buffer: ArrayBufferLike, ringBytes: number): RingMemory {
  return {
    control: new Int32Array(buffer, 0, controlBytes / 4),
    words: new Int32Array(buffer, controlBytes, ringBytes / 4),
    bytes: new Uint8Array(buffer, controlBytes, ringBytes),
  };
}
