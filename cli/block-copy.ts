/** `idc block copy`: all bytes of one block device to another, each in a file or at an address. */
import type { Domain } from 'idc';
import { sliceDevice, type BlockDevice } from 'idc/drivers/block';
import { isAddress } from './address.js';
import { failureOf, isThere, openAddress, openFile } from './block-place.js';
import { ExitCode, Failure } from './failure.js';
import { onInterrupt } from './interrupt.js';
import { print } from './print.js';
import { startProgress, type Progress } from './progress.js';
import { createCommandDomain } from './transports.js';
import { describeBytes } from './units.js';

export interface CopyOptions {
  readonly timeoutMs: number;
  readonly json: boolean;
}

interface Summary {
  readonly byteLength: number;
  /** What was read and written; the rest is zeroes that nobody moved. */
  readonly copiedBytes: number;
  readonly zeroBytes: number;
  readonly seconds: number;
}

/** A piece of the source, to be copied or to be made zeroes. */
interface Piece {
  readonly offset: number;
  readonly byteLength: number;
  readonly isZero: boolean;
}

const pieceBytes = 1 << 20;
/** Zeroes that are asked for at a time: a multiple of every block. */
const zeroBytesMax = 1 << 28;
/** Pieces under way at a time. */
const lanes = 8;
/** How long an operation may take, however often a back end is lost meanwhile. */
const operationMs = 120_000;

export async function copy(source: string, target: string, options: CopyOptions): Promise<void> {
  if (source === target) throw new Failure('source and target are the same', ExitCode.Usage);
  const domain = createCommandDomain('idc block copy');
  const interrupt = onInterrupt();
  const opened: BlockDevice[] = [];
  const keep = (device: BlockDevice): BlockDevice => {
    opened.push(device);
    return device;
  };
  try {
    const { timeoutMs, json } = options;
    const site = { domain, connectMs: timeoutMs, signal: interrupt.signal };
    const from = keep(await openSource(source, site));
    const isNew = !isAddress(target) && !isThere(target);
    const to = keep(await openTarget(target, from.byteLength, site));
    checkTarget(from, to, target);
    const summary = await copyAll(from, to, isNew, interrupt.signal);
    if (interrupt.signal.aborted) {
      throw new Failure(`interrupted: ${target} has a part of ${source} only`);
    }
    print(json ? JSON.stringify(summary) : describe(summary));
  } catch (error) {
    throw failureOf(error);
  } finally {
    interrupt.stop();
    await Promise.all(opened.map((device) => device.close()));
    await domain.close();
  }
}

interface Site {
  readonly domain: Domain;
  readonly connectMs: number;
  readonly signal: AbortSignal;
}

function openSource(place: string, site: Site): Promise<BlockDevice> {
  if (!isAddress(place)) return openFile(place, { isReadOnly: true });
  return openFar(place, site);
}

/** A file that is not there is made, as long as the source. */
function openTarget(place: string, createBytes: number, site: Site): Promise<BlockDevice> {
  return isAddress(place) ? openFar(place, site) : openFile(place, { createBytes });
}

function openFar(address: string, { domain, connectMs, signal }: Site): Promise<BlockDevice> {
  return openAddress(domain, address, { connectMs, timeoutMs: operationMs, signal });
}

function checkTarget(from: BlockDevice, to: BlockDevice, place: string): void {
  if (to.isReadOnly) throw new Failure(`${place}: it may only be read`);
  if (to.byteLength < from.byteLength) {
    const lengths = `${to.byteLength} bytes, and the source has ${from.byteLength}`;
    throw new Failure(`${place}: too short; it has ${lengths}`);
  }
  if (from.byteLength % to.blockBytes === 0) return;
  const reason = `the source is no whole number of its blocks of ${to.blockBytes} bytes`;
  throw new Failure(`${place}: ${reason}; serve it with --block-size 1`);
}

/** `isZeroed`: the target has nothing but zeroes. */
async function copyAll(
  from: BlockDevice,
  to: BlockDevice,
  isZeroed: boolean,
  signal: AbortSignal,
): Promise<Summary> {
  const startMs = performance.now();
  const { byteLength } = from;
  // What the source grows by meanwhile is not of this copy.
  const source = sliceDevice(from, { byteLength });
  const progress = startProgress('copy', byteLength);
  const counts = { copiedBytes: 0, zeroBytes: 0 };
  try {
    const blockBytes = Math.max(from.blockBytes, to.blockBytes);
    const pieces = listPieces(source, blockBytes, () => signal.aborted);
    const work = Array.from({ length: lanes }, () =>
      copyLane(pieces, source, to, isZeroed, counts, progress),
    );
    await Promise.all(work);
    await to.flush();
  } finally {
    progress.stop();
    await source.close();
  }
  return { byteLength, ...counts, seconds: Math.round(performance.now() - startMs) / 1000 };
}

/** One of several that take their pieces from the same list. */
async function copyLane(
  pieces: AsyncIterator<Piece>,
  from: BlockDevice,
  to: BlockDevice,
  isZeroed: boolean,
  counts: { copiedBytes: number; zeroBytes: number },
  progress: Progress,
): Promise<void> {
  const buffer = new Uint8Array(pieceBytes);
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
    const { offset, byteLength, isZero } = next.value;
    if (isZero) {
      if (!isZeroed) await to.writeZeroes(offset, byteLength, { mayDiscard: true });
      counts.zeroBytes += byteLength;
    } else {
      const bytes = buffer.subarray(0, byteLength);
      await from.read(offset, bytes);
      await to.write(offset, bytes);
      counts.copiedBytes += byteLength;
    }
    progress.update(counts.copiedBytes + counts.zeroBytes);
  }
}

/** The device in pieces whose ends are multiples of `blockBytes`. Ends early if `isOver`. */
async function* listPieces(
  device: BlockDevice,
  blockBytes: number,
  isOver: () => boolean,
): AsyncGenerator<Piece, undefined> {
  const end = device.byteLength;
  for (let offset = 0; offset < end && !isOver();) {
    for (const extent of await device.status(offset, end - offset)) {
      const stop = offset + extent.byteLength;
      const isLast = stop === end;
      // A part of a block counts as data, with what follows it.
      const zeroes = isLast ? stop : stop - (stop % blockBytes);
      while (extent.isZero && offset < zeroes && !isOver()) {
        const byteLength = Math.min(zeroBytesMax, zeroes - offset);
        yield { offset, byteLength, isZero: true };
        offset += byteLength;
      }
      while (offset < stop && !isOver()) {
        const rest = Math.ceil((stop - offset) / blockBytes) * blockBytes;
        const byteLength = Math.min(pieceBytes, rest, end - offset);
        yield { offset, byteLength, isZero: false };
        offset += byteLength;
      }
      if (offset > stop || isOver()) break;
    }
  }
  return undefined;
}

function describe({ byteLength, copiedBytes, zeroBytes, seconds }: Summary): string {
  const rate = describeBytes(Math.floor(byteLength / Math.max(0.001, seconds)));
  const parts = `${describeBytes(copiedBytes)} copied, ${describeBytes(zeroBytes)} zeroes`;
  return `${describeBytes(byteLength)} in ${seconds.toFixed(2)} s (${rate}/s): ${parts}`;
}
