/** What a test tells its other process, and what that answers. */
import type { MemoryAnnouncement } from '../../transports/ring/region.js';

/** Bytes travel as numbers: the processes talk in JSON. */
export interface Introduced {
  readonly pid: number;
  readonly descriptor: number;
  readonly ringBytes: number;
  readonly byteLength: number;
  readonly token: readonly number[];
}

export type Order =
  /** Gives up root for this user, for good. */
  | { readonly order: 'become'; readonly user: number }
  /** Makes a memory of its own with this token. */
  | { readonly order: 'make'; readonly token: readonly number[]; readonly mark: number }
  /** Opens a memory by `/proc`, and reads its mark. */
  | { readonly order: 'open'; readonly place: Introduced }
  /** Takes a descriptor from a connection, opens the memory, and reads its mark. */
  | { readonly order: 'take'; readonly place: Introduced }
  /** Passes its memory's descriptor. */
  | { readonly order: 'pass' }
  | { readonly order: 'listen' | 'dial'; readonly name: string }
  | { readonly order: 'accept' }
  /** Stops listening. */
  | { readonly order: 'leave' }
  /** Who is at the other end, as the kernel says. */
  | { readonly order: 'credentials' }
  /** Stores into the peer's memory; does not return. */
  | { readonly order: 'scribble' }
  /** Makes memories until that fails, releases all, and makes one more. */
  | { readonly order: 'exhaust' }
  /** Makes memories and listeners without end, until it is killed. */
  | { readonly order: 'churn'; readonly names: readonly string[] };

export interface Answer {
  readonly outcome: string;
  readonly introduced?: Introduced;
  readonly mark?: number;
  readonly count?: number;
  readonly credentials?: { readonly pid: number; readonly uid: number };
}

export function announcementOf(place: Introduced): MemoryAnnouncement {
  const { ringBytes, byteLength } = place;
  return { ringBytes, byteLength, token: Uint8Array.from(place.token) };
}
