/**
 * The contract of a link's two memories, and what both of its implementations share: the header.
 *
 * Each side of a link owns one memory, which it alone writes, and reads the other side's. Between
 * processes they are mapped (`mapped-memory.ts`, `peer-memory.ts`); between threads of one process
 * they may be SharedArrayBuffers (`shared-memory.ts`), which need no native code.
 */
import { assert } from '../../core/assert.js';
import {
  Control,
  layoutVersion,
  magic,
  memoryBytes,
  ringBytesMax,
  ringBytesMin,
  type RingMemory,
} from './ring-layout.js';

export const tokenBytes = 16;
const tokenWords = tokenBytes / 4;

/**
 * The memory that this side writes. After `release` nobody may use the views again: their
 * addresses serve the next link.
 */
export interface OwnMemory {
  readonly views: RingMemory;
  /** Of control page and ring together. */
  readonly byteLength: number;
  /** What the peer will look for in the memory, 16 random bytes. */
  readonly token: Uint8Array;
  /** Idempotent. */
  release(): void;
}

/** The peer's memory, for reading. */
export interface PeerMemory {
  readonly views: RingMemory;
  /** Idempotent. After it nobody may use the views again. */
  release(): void;
}

/** What the peer says of its memory, over the rendezvous; not to be believed. */
export interface MemoryAnnouncement {
  readonly ringBytes: number;
  /** Of control page and ring together. */
  readonly byteLength: number;
  readonly token: Uint8Array;
}

/** What became of an attempt to open the peer's memory. */
export type PeerOpening =
  { readonly outcome: 'opened'; readonly memory: PeerMemory } | OpeningProblem;

/** Why memory of the peer's is not opened; `reason` is for people. */
export type OpeningProblem =
  /** It may be in order, but there is no way to it from here: pass the descriptor. */
  | { readonly outcome: 'unreachable'; readonly reason: string }
  /** No legal peer offers this. */
  | { readonly outcome: 'corrupt'; readonly reason: string }
  /** A limit of this process or machine. */
  | { readonly outcome: 'exhausted'; readonly reason: string };

/** True for a power of two within the limits of the layout. */
export function isRingBytes(ringBytes: number): boolean {
  if (!Number.isInteger(ringBytes)) return false;
  if (ringBytes < ringBytesMin || ringBytes > ringBytesMax) return false;
  return (ringBytes & (ringBytes - 1)) === 0;
}

/** What is wrong with an announcement in itself, or undefined. `own`: of the same link. */
export function announcementProblem(
  announcement: MemoryAnnouncement,
  own?: OwnMemory,
): string | undefined {
  const { ringBytes, byteLength, token } = announcement;
  if (!isRingBytes(ringBytes)) return 'the announced ring has no legal size';
  if (byteLength !== memoryBytes(ringBytes)) return 'the announced sizes contradict each other';
  if (token.byteLength !== tokenBytes) return 'the announced token has another length';
  const isOwn = own?.token.every((byte, index) => token[index] === byte) ?? false;
  if (isOwn) return 'the announced memory is our own';
  return undefined;
}

/** Writes the constant words of the control page of one's own, yet unpublished memory. */
export function writeHeader(control: Int32Array, ringBytes: number, token: Uint8Array): void {
  assert(isRingBytes(ringBytes), 'a ring has a legal size', 'BAD_ARGUMENT');
  assert(token.byteLength === tokenBytes, 'a token has 16 bytes', 'BAD_ARGUMENT');
  const words = new DataView(token.buffer, token.byteOffset, tokenBytes);
  for (let index = 0; index < tokenWords; index += 1) {
    Atomics.store(control, Control.Token + index, words.getInt32(4 * index, true));
  }
  Atomics.store(control, Control.RingBytes, ringBytes);
  Atomics.store(control, Control.Version, layoutVersion);
  Atomics.store(control, Control.Magic, magic);
}

/** What in the peer's control page is not as announced, or undefined. Reads each word once. */
export function headerProblem(
  control: Int32Array,
  announcement: MemoryAnnouncement,
): string | undefined {
  if (Atomics.load(control, Control.Magic) !== magic) return 'the memory is no ring';
  if (Atomics.load(control, Control.Version) !== layoutVersion) return 'another layout version';
  if (Atomics.load(control, Control.RingBytes) !== announcement.ringBytes) {
    return 'the memory says another ring size';
  }
  const { token } = announcement;
  const words = new DataView(token.buffer, token.byteOffset, tokenBytes);
  for (let index = 0; index < tokenWords; index += 1) {
    if (Atomics.load(control, Control.Token + index) !== words.getInt32(4 * index, true)) {
      return 'the memory holds another token: it is not the one announced';
    }
  }
  return undefined;
}
