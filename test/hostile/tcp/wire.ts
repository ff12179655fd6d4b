/**
 * Frames written by hand, byte by byte: what a peer of any kind can put on the wire.
 *
 * The layout is that of `core/frame.ts` and `core/greeting.ts`, spelled out a second time on
 * purpose, so that a slip in either shows. Nothing here checks what it is given.
 */
import { FrameType } from '../../../core/frame.js';

export interface GreetingWords {
  readonly type: number;
  readonly magic: number;
  readonly version: number;
  readonly domainId: Uint8Array;
  readonly incarnation: Uint8Array;
  readonly token: Uint8Array;
  /** messages, messageBytes, transactions, parameterBytes, statusBytes */
  readonly quota: readonly number[];
  readonly domainName: string | Uint8Array;
  readonly endpointName: string | Uint8Array;
  readonly service: string | Uint8Array;
  /** What the three lengths claim; the real ones by default. */
  readonly lengths: readonly number[];
}

const greetingFixedBytes = 88;

/** The quota that a raw peer asks for, small enough to be exhausted. */
export const rawQuota: readonly [number, number, number, number, number] = [4, 256, 4, 256, 256];

export function greeting(words: Partial<GreetingWords> = {}): Buffer {
  const { domainName = 'raw', endpointName = 'e', service = 'service' } = words;
  const strings = [domainName, endpointName, service].map((text) => Buffer.from(text));
  const fixed = Buffer.alloc(greetingFixedBytes);
  fixed.writeUInt32LE(words.type ?? FrameType.Hello, 0);
  fixed.writeUInt32LE(words.magic ?? 0x3143_4449, 4);
  fixed.writeUInt32LE((words.version ?? 1) >>> 0, 8);
  fixed.set(words.domainId ?? new Uint8Array(16).fill(0xd1), 16);
  fixed.set(words.incarnation ?? new Uint8Array(8).fill(0x1c), 32);
  fixed.set(words.token ?? new Uint8Array(16), 40);
  const lengths = words.lengths ?? strings.map(({ length }) => length);
  [...(words.quota ?? rawQuota), ...lengths].forEach((word, index) => {
    fixed.writeUInt32LE(word >>> 0, 56 + 4 * index);
  });
  return Buffer.concat([fixed, ...strings]);
}

/** A frame of words: the first one from type, flags and tag. */
export function frame(type: number, flags: number, tag: number, ...words: number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * words.length);
  bytes.writeUInt8(type & 0xff, 0);
  bytes.writeUInt8(flags & 0xff, 1);
  bytes.writeUInt16LE(tag & 0xffff, 2);
  words.forEach((word, index) => {
    bytes.writeUInt32LE(word >>> 0, 4 + 4 * index);
  });
  return bytes;
}

/** A frame of the handshake or of the link: no tag. */
export function control(type: number, word: number): Buffer {
  return frame(type, 0, 0, word);
}

export function goodbye(flags: number, handledThrough: number, reason = 0): Buffer {
  return frame(FrameType.Goodbye, flags, 0, handledThrough, reason);
}

export function message(sequence: number, body: Uint8Array | string = 'm', tag = 1): Buffer {
  return Buffer.concat([frame(FrameType.Message, 0, tag, sequence), Buffer.from(body)]);
}

export function request(
  sequence: number,
  ticket: number,
  body: Uint8Array | string = 'p',
  tag = 1,
): Buffer {
  return Buffer.concat([frame(FrameType.Request, 0, tag, sequence, ticket), Buffer.from(body)]);
}

export function reply(
  ticket: number,
  code = 0,
  status: Uint8Array | string = 's',
  flags = 0,
): Buffer {
  return Buffer.concat([frame(FrameType.Reply, flags, 1, ticket, code), Buffer.from(status)]);
}

export function credit(count: number, completedThrough: number): Buffer {
  return frame(FrameType.Credit, 0, 1, count, completedThrough);
}

export function flush(ticket: number): Buffer {
  return frame(FrameType.Flush, 0, 1, ticket);
}

export function flushed(ticket: number, outcome: number): Buffer {
  return frame(FrameType.Flushed, outcome, 1, ticket);
}

export function released(ticket: number): Buffer {
  return frame(FrameType.Released, 0, 1, ticket);
}

/** `piece` is a part of the cut item, its header included. */
export function fragment(
  flags: number,
  totalBytes: number,
  itemOffset: number,
  piece: Uint8Array,
): Buffer {
  return Buffer.concat([frame(FrameType.Fragment, flags, 1, totalBytes, itemOffset), piece]);
}

/** As TCP carries it: length, payload, zeros up to a multiple of 4. */
export function record(payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + ((payload.length + 3) & ~3));
  bytes.writeUInt32LE(payload.length, 0);
  bytes.set(payload, 4);
  return bytes;
}
