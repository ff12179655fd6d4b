/**
 * Ring memory in SharedArrayBuffers, for threads of one process: no native code, and no barrier
 * either, since any holder of the buffer may write all of it. The peer is a party to the protocol.
 */
import { assert } from '../../core/assert.js';
import { memoryBytes, viewMemory, type RingMemory } from './ring-layout.js';
import {
  announcementProblem,
  headerProblem,
  isRingBytes,
  writeHeader,
  type MemoryAnnouncement,
  type OwnMemory,
  type PeerMemory,
  type PeerOpening,
} from './region.js';

export class SharedOwnMemory implements OwnMemory {
  readonly views: RingMemory;
  readonly byteLength: number;
  readonly token: Uint8Array;
  /** What is posted to the peer's thread. */
  readonly buffer: SharedArrayBuffer;

  /** `token`: 16 random bytes. */
  constructor(ringBytes: number, token: Uint8Array) {
    assert(isRingBytes(ringBytes), 'a ring has a legal size', 'BAD_ARGUMENT');
    this.byteLength = memoryBytes(ringBytes);
    this.buffer = new SharedArrayBuffer(this.byteLength);
    this.views = viewMemory(this.buffer, ringBytes);
    this.token = token.slice();
    writeHeader(this.views.control, ringBytes, this.token);
  }

  /** Nothing to do: the memory goes when neither thread refers to it. */
  release(): void {}
}

/** Checks and views what the peer's thread posted; it may be anything. */
export function openSharedMemory(offer: unknown, announcement: MemoryAnnouncement): PeerOpening {
  const problem = announcementProblem(announcement) ?? bufferProblem(offer, announcement);
  if (problem !== undefined) return { outcome: 'corrupt', reason: problem };
  assert(offer instanceof SharedArrayBuffer, 'what has no problem is a SharedArrayBuffer');
  const views = viewMemory(offer, announcement.ringBytes);
  const reason = headerProblem(views.control, announcement);
  if (reason !== undefined) return { outcome: 'corrupt', reason };
  return { outcome: 'opened', memory: new SharedPeerMemory(views) };
}

function bufferProblem(offer: unknown, announcement: MemoryAnnouncement): string | undefined {
  if (!(offer instanceof SharedArrayBuffer)) return 'the offer is no SharedArrayBuffer';
  if (offer.byteLength !== announcement.byteLength) return 'the offer has another size';
  return undefined;
}

class SharedPeerMemory implements PeerMemory {
  readonly views: RingMemory;

  constructor(views: RingMemory) {
    this.views = views;
  }

  release(): void {}
}
