/**
 * Medium: what differs between rings in mapped memory, which reach other processes, and rings in
 * SharedArrayBuffers, which reach other threads: how memory is made and shown, and what the wire
 * is. The rendezvous and the link are the same over both.
 */
import type { Fault } from '../../core/transport.js';
import type { Introduction, MemoryKind } from './introduction.js';
import type { OwnMemory, PeerMemory } from './region.js';
import type { Wire } from './wire.js';

/** What is heard on the wire after the introductions, a byte each. */
export const Word = {
  /** I see your memory. */
  Ready: 0x52,
  /** I cannot reach your memory: pass it to me. */
  Pass: 0x50,
  /** Here is my memory. */
  Passed: 0x44,
  /** Look into the ring. */
  Bell: 0x42,
} as const;

/** The memory that one side makes, with what it says of it. */
export interface Presentation {
  readonly memory: OwnMemory;
  readonly introduction: Introduction;
  /** The peer has the memory; nobody else is to get it. */
  shown(): void;
}

/** One attempt to show each other the memories over one wire. */
export interface Exchange {
  readonly wire: Wire;
  /** The peer's memory, undefined if it has to be passed, or why there will be none. */
  open(peer: Introduction): PeerMemory | Fault | undefined;
  /**
   * The next word, or a `WireRefusal`. A memory may come with `Word.Passed`; then it is kept for
   * `take`.
   */
  hear(): number;
  /** What came with `Word.Passed`. */
  take(peer: Introduction): PeerMemory | Fault;
  /** Says `word`; with `Word.Passed` goes the memory. False if it cannot be said. */
  say(word: number): boolean;
}

/** A place where diallers arrive. */
export interface Doorway {
  /** The next dialler that is already there, if any. */
  accept(): Wire | Fault | undefined;
  /** Nobody can arrive any more, or never could. */
  readonly isBroken: boolean;
  /** Idempotent. */
  close(): void;
}

export interface Medium {
  readonly kind: MemoryKind;
  present(ringBytes: number): Presentation | Fault;
  dial(name: string): Wire | Fault;
  /** `knock` is called by the event loop when somebody may be at the door. */
  listen(name: string, knock: () => void): Doorway | Fault;
  exchange(wire: Wire, own: Presentation): Exchange;
}
