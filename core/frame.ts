/**
 * Wire layout of every frame: one table of offsets, used by who writes and who reads.
 *
 *   word 0   | type (8) | flags (8) | epoch tag (16) |      little-endian, all words 32 bits
 *   word 1   sequence, ticket, count, nonce or code
 *   word 2   ticket of a request, code of a reply, size of a fragmented item
 *   …        payload
 *
 * A link carries one epoch, so the tag never decides anything between legal peers; it turns a
 * frame that a broken medium brought over from another epoch into `CORRUPT` instead of stale work.
 */
/** Protocol version spoken by this package. A peer with another one is refused. */
export const protocolVersion = 1;

export const FrameType = {
  Hello: 1,
  Welcome: 2,
  Ready: 3,
  Accept: 4,
  Confirm: 5,
  Refuse: 6,
  Goodbye: 7,
  Ping: 8,
  Pong: 9,
  /** Asks the side that dialled to dial a channel for transfers, too. */
  Summon: 10,
  /** From here on a frame belongs to an epoch and carries its tag. */
  Message: 16,
  Request: 17,
  Reply: 18,
  Credit: 19,
  Flush: 20,
  Flushed: 21,
  Released: 22,
  Fragment: 23,
} as const;

/** Feature bits of a greeting: what a side understands beyond the version. */
export const featureTransfers = 1;

/** Flags of `Goodbye`. */
export const goodbyeFinal = 1;

/** Flags of `Reply`: word 2 is a code of `errors.ts` instead of the application's. */
export const replyIsError = 1;

/** Flags of `Flushed`: what had become of the transaction when the flush arrived. */
export const FlushOutcome = { NeverStarted: 0, Started: 1, Answered: 2 } as const;
export type FlushOutcome = (typeof FlushOutcome)[keyof typeof FlushOutcome];

/** Flags of `Fragment`. Requests and replies are two streams, each with one open item at most. */
export const fragmentOfReply = 1;
export const fragmentFirst = 2;
export const fragmentAbort = 4;

/** The flags that a frame may carry; those of a type that is not here are all unused. */
const flagsByType: Readonly<Partial<Record<number, number>>> = {
  [FrameType.Goodbye]: goodbyeFinal,
  [FrameType.Reply]: replyIsError,
  [FrameType.Flushed]: 3,
  [FrameType.Fragment]: fragmentOfReply | fragmentFirst | fragmentAbort,
};

const unusedFlags = Uint8Array.from({ length: 256 }, (_, type) => ~(flagsByType[type] ?? 0));

/** Header sizes in bytes. */
export const messageHeaderBytes = 8;
export const requestHeaderBytes = 12;
export const replyHeaderBytes = 12;
export const fragmentHeaderBytes = 12;
export const controlFrameBytes = 8;
export const goodbyeFrameBytes = 12;

/** Sequences are 31 bits, so that they stay small integers; they are compared by difference. */
export const sequenceMask = 0x7fff_ffff;

/** Largest epoch; a peer that claims a larger one is lying. */
export const epochMax = 0x7fff_ffff;

/**
 * How far an accepted epoch may lie beyond the dialler's last one: as many as a listener can have
 * proposed in vain. Further on lies a peer that would use the numbers up.
 */
export const epochLeapMax: number = 2 ** 20;

/** The first word of a frame. */
export function headWord(type: number, flags: number, epochTag: number): number {
  return type | (flags << 8) | (epochTag << 16);
}

export function typeOf(head: number): number {
  return head & 0xff;
}

export function flagsOf(head: number): number {
  return (head >>> 8) & 0xff;
}

export function epochTagOf(head: number): number {
  return head >>> 16;
}

/** HOT: true if the flags of `head` are in use and its tag is `epochTag`. */
export function isLegalHead(head: number, epochTag: number): boolean {
  return epochTagOf(head) === epochTag && (flagsOf(head) & (unusedFlags[head & 0xff] ?? 0)) === 0;
}

/** The 16 bits of an epoch that its frames carry. */
export function makeEpochTag(epoch: number): number {
  return epoch & 0xffff;
}

/**
 * A ticket names a transaction: slot in the low 16 bits, generation in the 15 above. A late reply
 * carries an old generation and so cannot match a newer request in the same slot.
 */
export const slotMask = 0xffff;
export const generationMask = 0x7fff;

export function makeTicket(slot: number, generation: number): number {
  return slot | (generation << 16);
}

export function slotOf(ticket: number): number {
  return ticket & slotMask;
}

/** True if sequence `a` was given out before `b`, wrap included. */
export function isBefore(a: number, b: number): boolean {
  return a !== b && ((b - a) & sequenceMask) < 0x4000_0000;
}
