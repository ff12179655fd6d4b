/**
 * Opens the peer's memory for reading, having shown first that reading it can do no harm.
 *
 * The peer may be hostile, and whoever reads behind the end of a mapped file, or a page that the
 * kernel cannot supply, is killed. So nothing of it is touched before the file is known to be
 * ordinary shared memory of the announced length, sealed so that neither its length nor its pages
 * can go. Then the header tells whether it is the memory that was announced over the socket: the
 * process may have gone and its number be another's.
 */
import { fstatSync, readlinkSync } from 'node:fs';

import type { MappedRange, MappedRanges } from './mapped-ranges.js';
import { memorySeals } from './mapped-memory.js';
import {
  ErrorNumber,
  Fcntl,
  type Native,
  OpenFlag,
  populateRead,
  Protection,
  tmpfsMagic,
} from './native.js';
import {
  announcementProblem,
  headerProblem,
  type MemoryAnnouncement,
  type OwnMemory,
  type PeerMemory,
  type PeerOpening,
} from './region.js';
import type { RingMemory } from './ring-layout.js';
import { isExhausted } from './system-fault.js';

/** Where the peer's memory is: a descriptor in the peer's process. */
export interface DescriptorInPeer {
  /** From the socket's credentials, never from the peer's own word. */
  readonly pid: number;
  /** What the peer announced. */
  readonly descriptor: number;
}

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
  const { pid, descriptor } = place;
  if (!Number.isInteger(descriptor) || descriptor < 0 || descriptor >= 2 ** 31) {
    return { outcome: 'corrupt', reason: 'the announced descriptor is none' };
  }
  const problem = announcementProblem(announcement, own);
  if (problem !== undefined) return { outcome: 'corrupt', reason: problem };
  if (!Number.isInteger(pid) || pid <= 0 || !isProcOurs()) {
    return { outcome: 'unreachable', reason: 'the peer is in another pid namespace' };
  }
  // Opening can block, or set something off, where the file is a device or the like. Opened only
  // as a place it does neither, and shows what it is.
  const path = `/proc/${pid}/fd/${descriptor}`;
  const located = native.open(path, OpenFlag.PathOnly);
  if (located < 0) return openingProblem(located);
  return closing(native, located, () => {
    const reason = fileProblem(native, located, announcement);
    if (reason !== undefined) return { outcome: 'corrupt', reason };
    const flags = OpenFlag.ReadOnly | OpenFlag.NonBlocking | OpenFlag.NoControllingTerminal;
    const opened = native.open(`/proc/self/fd/${located}`, flags);
    if (opened < 0) return openingProblem(opened);
    return openPassedMemory(native, ranges, opened, announcement, own);
  });
}

/** Opens the memory behind a descriptor that the peer passed, and closes the descriptor. */
export function openPassedMemory(
  native: Native,
  ranges: MappedRanges,
  descriptor: number,
  announcement: MemoryAnnouncement,
  own?: OwnMemory,
): PeerOpening {
  return closing(native, descriptor, () => {
    const reason =
      announcementProblem(announcement, own) ??
      sealProblem(native, descriptor) ??
      fileProblem(native, descriptor, announcement);
    if (reason !== undefined) return { outcome: 'corrupt', reason };
    return mapMemory(native, ranges, descriptor, announcement);
  });
}

function mapMemory(
  native: Native,
  ranges: MappedRanges,
  descriptor: number,
  announcement: MemoryAnnouncement,
): PeerOpening {
  const range = ranges.map(descriptor, announcement.ringBytes, Protection.Read);
  if (typeof range === 'number') {
    if (isExhausted(range)) return { outcome: 'exhausted', reason: 'no memory could be mapped' };
    return { outcome: 'corrupt', reason: `the kernel does not map it for reading (${-range})` };
  }
  const problem = pagesProblem(native, range) ?? headerOpening(range, announcement);
  if (problem === undefined) {
    return { outcome: 'opened', memory: new MappedPeerMemory(ranges, range) };
  }
  ranges.release(range);
  return problem;
}

/** Asked first of what was passed: the kernel alone answers it, whatever the file system. */
function sealProblem(native: Native, descriptor: number): string | undefined {
  const seals = native.fcntl(descriptor, Fcntl.GetSeals, 0);
  if (seals < 0) return 'it is no memory that can be sealed';
  // SHRINK, GROW and SEAL keep its length. FUTURE_WRITE keeps its pages, for a page that is punched
  // out would have to be supplied anew when it is read; and it keeps third parties from writing.
  return (seals & memorySeals) === memorySeals ? undefined : 'it is not sealed';
}

function fileProblem(
  native: Native,
  descriptor: number,
  announcement: MemoryAnnouncement,
): string | undefined {
  // Huge pages that nobody reserved are missing when they are read.
  if (native.fileSystemType(descriptor) !== tmpfsMagic) return 'it is no ordinary shared memory';
  const status = fstatSync(descriptor, { bigint: true });
  if (!status.isFile()) return 'it is no regular file';
  if (status.size !== BigInt(announcement.byteLength)) return 'it has not the announced size';
  const flags = native.fcntl(descriptor, Fcntl.GetFlags, 0);
  const isWriteOnly = (flags & OpenFlag.AccessMode) === OpenFlag.WriteOnly;
  return flags < 0 || isWriteOnly ? 'it cannot be read' : undefined;
}

/** Populating a mapping fails silently; this asks. Kernels before 5.14 cannot answer. */
function pagesProblem(native: Native, range: MappedRange): PeerOpening | undefined {
  const result = native.advise(range.address, range.byteLength, populateRead);
  if (result >= 0 || result === -ErrorNumber.EINVAL) return undefined;
  const reason = `its pages are not all to be had (${-result})`;
  return { outcome: isExhausted(result) ? 'exhausted' : 'corrupt', reason };
}

function headerOpening(
  range: MappedRange,
  announcement: MemoryAnnouncement,
): PeerOpening | undefined {
  const reason = headerProblem(range.views.control, announcement);
  return reason === undefined ? undefined : { outcome: 'corrupt', reason };
}

function openingProblem(result: number): PeerOpening {
  if (isExhausted(result)) return { outcome: 'exhausted', reason: 'no descriptor is left' };
  if (result === -ErrorNumber.ENOENT)
    return { outcome: 'unreachable', reason: 'no such process or descriptor' };
  if (result === -ErrorNumber.EACCES || result === -ErrorNumber.EPERM) {
    return { outcome: 'unreachable', reason: 'the peer runs under another user' };
  }
  return { outcome: 'corrupt', reason: `it does not open (${-result})` };
}

/** False if `/proc` shows another pid namespace than the one that our process numbers are of. */
function isProcOurs(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    // No /proc is mounted here.
    return false;
  }
}

function closing(native: Native, descriptor: number, use: () => PeerOpening): PeerOpening {
  try {
    return use();
  } finally {
    native.close(descriptor);
  }
}

class MappedPeerMemory implements PeerMemory {
  readonly views: RingMemory;
  readonly #ranges: MappedRanges;
  readonly #range: MappedRange;
  #released = false;

  constructor(ranges: MappedRanges, range: MappedRange) {
    this.views = range.views;
    this.#ranges = ranges;
    this.#range = range;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#ranges.release(this.#range);
  }
}
