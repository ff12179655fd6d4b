/**
 * BufferUses: who used a registered buffer, how often, and what is in flight. The most recent
 * holders only, so that a crowd costs its owner nothing.
 */
import type { PeerIdentity } from '../transport.js';

/** So many holders are remembered for each registration. */
export const holdersRemembered = 64;

/** Who asks for an access: the peer of the link on which the request came. */
export interface Holder {
  /** By the transport's word. Of the relay, if the request was relayed. */
  readonly identity: PeerIdentity;
  /** The peer's own word. */
  readonly domainId: string;
  readonly domainName: string;
  /** The peer asks in somebody else's name. */
  readonly isRelayed: boolean;
}

/** What a holder does: `map` is the one request after which it needs no other. */
export type UseKind = 'read' | 'write' | 'map';

/** What one holder did. A plain copy, taken at the call. */
export interface BufferUse extends Holder {
  readonly reads: number;
  readonly writes: number;
  readonly maps: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** When it last did, in Unix time. */
  readonly lastUnixMs: number;
  /** Accesses that are not over. */
  readonly inFlight: number;
}

/** The record behind a `BufferUse`. Who has it may count in it, even when it was forgotten. */
export interface UseRecord {
  holder: Holder;
  reads: number;
  writes: number;
  maps: number;
  readBytes: number;
  writtenBytes: number;
  lastUnixMs: number;
  inFlight: number;
}

export class BufferUses {
  /** The most recent one first. */
  readonly #records: UseRecord[] = [];

  /** HOT for who came last: the record of a holder, which becomes the most recent. */
  recordOf(holder: Holder): UseRecord {
    const [latest] = this.#records;
    return latest?.holder === holder ? latest : this.#findOrAdd(holder);
  }

  /** HOT */
  note(holder: Holder, kind: UseKind, byteLength: number, unixMs: number): void {
    const record = this.recordOf(holder);
    record.lastUnixMs = unixMs;
    if (kind === 'read') {
      record.reads += 1;
      record.readBytes += byteLength;
    } else if (kind === 'write') {
      record.writes += 1;
      record.writtenBytes += byteLength;
    } else {
      record.maps += 1;
    }
  }

  list(): BufferUse[] {
    return this.#records.map(({ holder, ...counts }) => ({
      identity: holder.identity,
      domainId: holder.domainId,
      domainName: holder.domainName,
      isRelayed: holder.isRelayed,
      ...counts,
    }));
  }

  #findOrAdd(holder: Holder): UseRecord {
    const index = this.#records.findIndex((record) => isSameHolder(record.holder, holder));
    const [found = makeRecord(holder)] = index < 0 ? [] : this.#records.splice(index, 1);
    found.holder = holder;
    this.#records.unshift(found);
    if (this.#records.length > holdersRemembered) this.#records.pop();
    return found;
  }
}

function isSameHolder(one: Holder, other: Holder): boolean {
  if (one === other) return true;
  return (
    one.domainId === other.domainId &&
    one.isRelayed === other.isRelayed &&
    one.identity.kind === other.identity.kind &&
    one.identity.name === other.identity.name
  );
}

function makeRecord(holder: Holder): UseRecord {
  return {
    holder,
    reads: 0,
    writes: 0,
    maps: 0,
    readBytes: 0,
    writtenBytes: 0,
    lastUnixMs: 0,
    inFlight: 0,
  };
}
