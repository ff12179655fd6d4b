/**
 * Wire: the stream socket beside a ring link. Over it two strangers introduce themselves; from then
 * on each byte on it is a doorbell, and its end is the peer's.
 */

/** Who is on the other end, by the kernel's word. */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Why `receive` has no bytes. */
export const WireRefusal = { Nothing: -1, Ended: -2 } as const;
export type WireRefusal = (typeof WireRefusal)[keyof typeof WireRefusal];

export interface Wire {
  /** True once the peer's end was seen. */
  readonly isEnded: boolean;
  /** The kernel's word about the peer; undefined where it gives none. */
  readonly credentials: Credentials | undefined;
  /** What has come, at most `target.length` bytes of it: their count, or a `WireRefusal`. */
  receive(target: Uint8Array): number;
  /** False if not all of it could leave at once; the wire is then useless. */
  send(bytes: Uint8Array): boolean;
  /** Wakes the peer. One byte more or less does not matter, so it may get lost in a full wire. */
  ring(): void;
  /** From now on the event loop calls `bell` when something came, or the peer ended. */
  watch(bell: () => void): void;
  /** Looks for the peer's end and its doorbell without the event loop. */
  look(): void;
  /** Idempotent. Nothing is called afterwards. */
  close(): void;
}
