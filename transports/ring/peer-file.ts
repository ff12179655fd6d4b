/**
 * Opens and maps a file of the peer's, having shown first that touching its memory can do no harm.
 *
 * The peer may be hostile, and whoever touches a mapped file behind its end, or a page that the
 * kernel cannot supply, is killed. So nothing of it is touched before the file is known to be
 * ordinary shared memory of the announced length, sealed so that its length cannot change.
 */
import { fstatSync, readlinkSync } from 'node:fs';

import type { MappedRange, MappedRanges } from './mapped-ranges.js';
import {
  ErrorNumber,
  Fcntl,
  type Native,
  OpenFlag,
  populateRead,
  populateWrite,
  Protection,
  tmpfsMagic,
} from './native.js';
import type { OpeningProblem } from './region.js';
import { isExhausted } from './system-fault.js';

/** Where the peer's memory is: a descriptor in the peer's process. */
export interface DescriptorInPeer {
  /** From the socket's credentials, never from the peer's own word. */
  readonly pid: number;
  /** What the peer announced. */
  readonly descriptor: number;
}

/** What the file has to be. */
export interface FileDemands {
  readonly byteLength: number;
  /** All of these; others may be there. */
  readonly seals: number;
  readonly protection: number;
}

/**
 * Opens `/proc/PID/fd/N`, and answers the descriptor, which is the caller's to close.
 * `unreachable`: another user, or another pid namespace.
 */
export function openPeerFile(
  native: Native,
  place: DescriptorInPeer,
  demands: FileDemands,
): number | OpeningProblem {
  const { pid, descriptor } = place;
  if (!Number.isInteger(descriptor) || descriptor < 0 || descriptor >= 2 ** 31) {
    return { outcome: 'corrupt', reason: 'the announced descriptor is none' };
  }
  if (!Number.isInteger(pid) || pid <= 0 || !isProcOurs()) {
    return { outcome: 'unreachable', reason: 'the peer is in another pid namespace' };
  }
  // Opening can block, or set something off, where the file is a device or the like. Opened only
  // as a place it does neither, and shows what it is.
  const located = native.open(`/proc/${pid}/fd/${descriptor}`, OpenFlag.PathOnly);
  if (located < 0) return openingProblem(located);
  try {
    const reason = kindProblem(native, located, demands);
    if (reason !== undefined) return { outcome: 'corrupt', reason };
    const access = isWritable(demands) ? OpenFlag.ReadWrite : OpenFlag.ReadOnly;
    const flags = access | OpenFlag.NonBlocking | OpenFlag.NoControllingTerminal;
    const opened = native.open(`/proc/self/fd/${located}`, flags);
    return opened < 0 ? openingProblem(opened) : opened;
  } finally {
    native.close(located);
  }
}

/** Maps all of the file behind a descriptor of ours, which stays the caller's. */
export function mapPeerFile(
  native: Native,
  ranges: MappedRanges,
  descriptor: number,
  demands: FileDemands,
): MappedRange | OpeningProblem {
  const reason =
    sealProblem(native, descriptor, demands) ?? kindProblem(native, descriptor, demands);
  if (reason !== undefined) return { outcome: 'corrupt', reason };
  const range = ranges.map(descriptor, demands.byteLength, demands.protection);
  if (typeof range === 'number') {
    if (isExhausted(range)) return { outcome: 'exhausted', reason: 'no memory could be mapped' };
    return { outcome: 'corrupt', reason: `the kernel does not map it so (${-range})` };
  }
  const problem = pagesProblem(native, range, demands);
  if (problem === undefined) return range;
  ranges.release(range);
  return problem;
}

function isWritable({ protection }: FileDemands): boolean {
  return (protection & Protection.Write) !== 0;
}

/** Asked first of what was passed: the kernel alone answers it, whatever the file system. */
function sealProblem(native: Native, descriptor: number, demands: FileDemands): string | undefined {
  const seals = native.fcntl(descriptor, Fcntl.GetSeals, 0);
  if (seals < 0) return 'it is no memory that can be sealed';
  return (seals & demands.seals) === demands.seals ? undefined : 'it is not sealed';
}

function kindProblem(native: Native, descriptor: number, demands: FileDemands): string | undefined {
  // Huge pages that nobody reserved are missing when they are read.
  if (native.fileSystemType(descriptor) !== tmpfsMagic) return 'it is no ordinary shared memory';
  const status = fstatSync(descriptor, { bigint: true });
  if (!status.isFile()) return 'it is no regular file';
  if (status.size !== BigInt(demands.byteLength)) return 'it has not the announced size';
  // Those that are not would be ours to pay for. Blocks have 512 bytes, whatever the file system.
  if (status.blocks * 512n < status.size) return 'its pages are not all there';
  const flags = native.fcntl(descriptor, Fcntl.GetFlags, 0);
  const isWriteOnly = (flags & OpenFlag.AccessMode) === OpenFlag.WriteOnly;
  return flags < 0 || isWriteOnly ? 'it cannot be read' : undefined;
}

/** Populating a mapping fails silently; this asks. Kernels before 5.14 cannot answer. */
function pagesProblem(
  native: Native,
  range: MappedRange,
  demands: FileDemands,
): OpeningProblem | undefined {
  const advice = isWritable(demands) ? populateWrite : populateRead;
  const result = native.advise(range.address, range.byteLength, advice);
  if (result >= 0 || result === -ErrorNumber.EINVAL) return undefined;
  const reason = `its pages are not all to be had (${-result})`;
  return { outcome: isExhausted(result) ? 'exhausted' : 'corrupt', reason };
}

function openingProblem(result: number): OpeningProblem {
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
