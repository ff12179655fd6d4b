/** NbdRequest: one request of a client, from its header to its reply; used again for others. */
import { Command } from './nbd-protocol.js';
import type { Payload } from './payload-pool.js';

/** Told how the device answered. */
export interface RequestOwner {
  succeeded(request: NbdRequest): void;
  failed(request: NbdRequest, error: unknown): void;
}

export class NbdRequest {
  /** Any number that the client sent, until it was judged. */
  command: number = Command.Read;
  flags = 0;
  /** Exact up to 2^53, beyond which no device reaches. */
  offset = 0;
  byteLength = 0;
  cookieHigh = 0;
  cookieLow = 0;
  /** What it takes of the connection's limit. */
  heldBytes = 0;
  payload: Payload | undefined = undefined;

  /** Made once, so that a request costs no closure. */
  readonly succeeded: () => void;
  readonly failed: (error: unknown) => void;

  constructor(owner: RequestOwner) {
    this.succeeded = () => owner.succeeded(this);
    this.failed = (error) => owner.failed(this, error);
  }

  hasFlag(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Reads a header that is there whole and begins with the magic. */
  // HOT:
  read(view: DataView, start: number): void {
    this.flags = view.getUint16(start + 4);
    this.command = view.getUint16(start + 6);
    this.cookieHigh = view.getUint32(start + 8);
    this.cookieLow = view.getUint32(start + 12);
    this.offset = view.getUint32(start + 16) * 2 ** 32 + view.getUint32(start + 20);
    this.byteLength = view.getUint32(start + 24);
    this.heldBytes = 0;
    this.payload = undefined;
  }
}
