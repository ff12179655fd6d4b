/**
 * HeldRegion: a region of another domain, mapped here.
 *
 * The owner may be hostile and may take the region back at any moment. Its files cannot be cut
 * short, so no access faults; after a revocation accesses go to pages that nobody else looks at.
 */
import { fstatSync } from 'node:fs';

import type { BufferAccess, MappedRegion } from '../../core/shared-memory.js';
import { Fault, type PeerIdentity } from '../../core/transport.js';
import type { MappedRange } from './mapped-ranges.js';
import { memorySeals } from './mapped-memory.js';
import { Protection } from './native.js';
import { mapPeerFile, openPeerFile, type FileDemands } from './peer-file.js';
import { decodeDescription, type RegionDescription } from './region-description.js';
import {
  coversAccess,
  fileLengths,
  isNotice,
  isRegionBytes,
  NoticeWord,
  RegionState,
  tallyWords,
  wordsPerTally,
} from './region-layout.js';
import type { RegionHost } from './region-memory.js';
import type { OpeningProblem } from './region.js';
import { tallySeals } from './region-file.js';

/** Maps what the peer of that identity described; all of it may be a lie. */
export function mapRegion(
  host: RegionHost,
  identity: PeerIdentity,
  bytes: Uint8Array,
  byteLength: number,
  access: BufferAccess,
): MappedRegion | Fault {
  const description = decodeDescription(bytes);
  if (description?.byteLength !== byteLength || !isRegionBytes(byteLength)) return Fault.Corrupt;
  if (!coversAccess(description.access, access)) return Fault.Corrupt;
  // A thread's identity is of this process; any other is in the kernel's word for the peer.
  const own = identity.kind === 'thread' ? process.pid : 0;
  const pid = identity.process?.pid ?? own;
  // In its own pid namespace a process has another number: no lie, but no way to it either.
  if (pid <= 0 || pid !== description.pid) return Fault.Unreachable;
  return mapDescribed(host, description);
}

function mapDescribed(host: RegionHost, description: RegionDescription): MappedRegion | Fault {
  const { native, ranges } = host;
  const lengths = fileLengths(description.access, description.byteLength, native.pageBytes);
  const noticed = mapFile(host, description.pid, description.notice, {
    byteLength: lengths.notice,
    seals: memorySeals,
    protection: Protection.Read,
  });
  if ('outcome' in noticed) return faultOf(noticed);
  const tallied = mapFile(host, description.pid, description.tally, {
    byteLength: lengths.tally,
    seals: tallySeals,
    protection: Protection.Read | Protection.Write,
  });
  if ('outcome' in tallied) {
    ranges.release(noticed.range);
    return faultOf(tallied);
  }
  if (isNotice(new Int32Array(noticed.range.buffer), description, tallied.inode)) {
    return new HeldRegion(host, description, noticed.range, tallied.range);
  }
  ranges.release(noticed.range);
  ranges.release(tallied.range);
  return Fault.Corrupt;
}

interface MappedFile {
  readonly range: MappedRange;
  readonly inode: bigint;
}

function mapFile(
  { native, ranges }: RegionHost,
  pid: number,
  number: number,
  demands: FileDemands,
): MappedFile | OpeningProblem {
  const opened = openPeerFile(native, { pid, descriptor: number }, demands);
  if (typeof opened !== 'number') return opened;
  try {
    const range = mapPeerFile(native, ranges, opened, demands);
    if ('outcome' in range) return range;
    return { range, inode: fstatSync(opened, { bigint: true }).ino };
  } finally {
    native.close(opened);
  }
}

function faultOf({ outcome }: OpeningProblem): Fault {
  switch (outcome) {
    case 'unreachable':
      return Fault.Unreachable;
    case 'corrupt':
      return Fault.Corrupt;
    case 'exhausted':
      return Fault.Exhausted;
  }
}

class HeldRegion implements MappedRegion {
  readonly bytes: Uint8Array;
  readonly #host: RegionHost;
  readonly #ranges: readonly MappedRange[];
  #notice: Int32Array;
  #tally: Int32Array;
  #tallyIndex: number;
  #isReleased = false;

  constructor(
    host: RegionHost,
    description: RegionDescription,
    notice: MappedRange,
    tally: MappedRange,
  ) {
    const { pageBytes } = host.native;
    const data = description.access === 'read' ? notice : tally;
    this.bytes = new Uint8Array(data.buffer, pageBytes, description.byteLength);
    this.#host = host;
    this.#ranges = [notice, tally];
    this.#notice = new Int32Array(notice.buffer, 0, pageBytes / 4);
    this.#tally = new Int32Array(tally.buffer, 0, pageBytes / 4);
    const choice = Math.floor(host.runtime.prng.fraction() * tallyWords);
    this.#tallyIndex = choice * wordsPerTally;
  }

  // HOT: the addition is a full barrier, so the owner sees it, or this the owner's word.
  enter(): boolean {
    Atomics.add(this.#tally, this.#tallyIndex, 1);
    if (Atomics.load(this.#notice, NoticeWord.State) === RegionState.Open) return true;
    Atomics.sub(this.#tally, this.#tallyIndex, 1);
    return false;
  }

  // HOT: the subtraction publishes what was stored before it; only then the state is read. If that
  // is not closed yet, the owner has not begun to copy, and copies what was stored.
  leave(): boolean {
    Atomics.sub(this.#tally, this.#tallyIndex, 1);
    const state = Atomics.load(this.#notice, NoticeWord.State);
    return state === RegionState.Open || state === RegionState.Closing;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    // The ranges serve others from now on: whoever asks this again is told that it is over.
    this.#notice = new Int32Array(NoticeWord.State + 1);
    this.#tally = new Int32Array(1);
    this.#tallyIndex = 0;
    for (const range of this.#ranges) this.#host.ranges.release(range);
  }
}
