/**
 * Opens the peer's ring memory for reading. `peer-file.ts` shows that reading it can do no harm;
 * then the header tells whether it is the memory that was announced over the socket: the process
 * may have gone and its number be another's.
 */
import { memorySeals } from './mapped-memory.js';
import type { MappedRange, MappedRanges } from './mapped-ranges.js';
import { Protection, type Native } from './native.js';
import { mapPeerFile, openPeerFile, type DescriptorInPeer, type FileDemands } from './peer-file.js';
import {
  announcementProblem,
  headerProblem,
  type MemoryAnnouncement,
  type OwnMemory,
  type PeerMemory,
  type PeerOpening,
} from './region.js';
import { viewMemory, type RingMemory } from './ring-layout.js';

/**
 * Opens `/proc/PID/fd/N`. `unreachable`: another user, or another pid namespace. `own` is this
 * side's memory of the same link, if it has one: what holds its token is not the peer's.
 */
export function openPeerMemory(
  native: Native,
  ranges: MappedRanges,
  place: DescriptorInPeer,
  announcement: MemoryAnnouncement,
  own?: OwnMemory,
): PeerOpening {
  const reason = announcementProblem(announcement, own);
  if (reason !== undefined) return { outcome: 'corrupt', reason };
  const opened = openPeerFile(native, place, demandsOf(announcement));
  if (typeof opened !== 'number') return opened;
  return openPassedMemory(native, ranges, opened, announcement, own);
}

/** Opens the memory behind a descriptor that the peer passed, and closes the descriptor. */
export function openPassedMemory(
  native: Native,
  ranges: MappedRanges,
  descriptor: number,
  announcement: MemoryAnnouncement,
  own?: OwnMemory,
): PeerOpening {
  try {
    const reason = announcementProblem(announcement, own);
    if (reason !== undefined) return { outcome: 'corrupt', reason };
    const range = mapPeerFile(native, ranges, descriptor, demandsOf(announcement));
    return 'outcome' in range ? range : openHeader(ranges, range, announcement);
  } finally {
    native.close(descriptor);
  }
}

/**
 * SHRINK, GROW and SEAL keep the file's length. FUTURE_WRITE keeps its pages, for a page that is
 * punched out would have to be supplied anew when it is read; and it keeps others from writing.
 */
function demandsOf({ byteLength }: MemoryAnnouncement): FileDemands {
  return { byteLength, seals: memorySeals, protection: Protection.Read };
}

function openHeader(
  ranges: MappedRanges,
  range: MappedRange,
  announcement: MemoryAnnouncement,
): PeerOpening {
  const views = viewMemory(range.buffer, announcement.ringBytes);
  const reason = headerProblem(views.control, announcement);
  if (reason === undefined) {
    return { outcome: 'opened', memory: new MappedPeerMemory(ranges, range, views) };
  }
  ranges.release(range);
  return { outcome: 'corrupt', reason };
}

class MappedPeerMemory implements PeerMemory {
  readonly views: RingMemory;
  readonly #ranges: MappedRanges;
  readonly #range: MappedRange;
  #released = false;

  constructor(ranges: MappedRanges, range: MappedRange, views: RingMemory) {
    this.views = views;
    this.#ranges = ranges;
    this.#range = range;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#ranges.release(this.#range);
  }
}
