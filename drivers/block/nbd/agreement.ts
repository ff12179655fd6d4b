/** What the two phases of a connection hand on: to each other, and to the connection itself. */
import type { BlockDevice } from '../block-device.js';

/** A device that clients may choose. */
export interface NbdExport {
  /** At most 4096 bytes of UTF-8. Default: the empty one, by which clients ask for any. */
  readonly name?: string;
  /** For people; at most 4096 bytes of UTF-8. */
  readonly description?: string;
  /** Not closed by the server. */
  readonly device: BlockDevice;
}

/** What was agreed upon in the handshake. */
export interface Agreement {
  readonly device: BlockDevice;
  readonly isStructured: boolean;
  /** The client may ask for the status of blocks. */
  readonly hasAllocation: boolean;
}

/** What a phase needs to go on. */
export const Want = {
  /** More input. */
  Input: 0,
  /** That replies leave; go on when some have. */
  Room: 1,
  /** A turn for others; go on soon. */
  Turn: 2,
  /** Nothing: the client said goodbye. */
  Nothing: 3,
  /** The end: no legal client sends this. */
  End: 4,
} as const;
export type Want = (typeof Want)[keyof typeof Want];
