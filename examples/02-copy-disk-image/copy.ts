/**
 * Copies a whole disk into a file.
 *
 * The bytes go to a temporary file next to the destination, which gets the destination's name only
 * when it is complete, on the medium and has the right digest. So under that name there is a right
 * copy or what was there before, whatever happens; and the temporary file is gone in any case.
 */
import { setMaxListeners } from 'node:events';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { digestFile } from './digest.js';
import { asFailure, Failure } from './failure.js';
import type { Disk } from './front-end.js';
import type { LandingBuffer } from './landing-buffer.js';
import type { Screen } from './progress.js';
import { readsMax, type Geometry } from './protocol.js';

export interface CopyOptions {
  readonly disk: Disk;
  readonly destination: string;
  /** SHA-256 that the copy must have, in hexadecimal digits; undefined if nobody asks. */
  readonly digest: string | undefined;
  readonly screen: Screen;
  /** Gives the copy up; its reason is thrown. */
  readonly signal: AbortSignal;
  /** Told after every block, and once before the first. */
  readonly onBytes?: (byteCount: number, geometry: Geometry) => void;
  /** The last block is not asked for before this has settled. */
  readonly beforeLastBlock?: Promise<unknown>;
}

export interface CopyResult {
  readonly byteLength: number;
  /** From the first read to the last write; making the copy durable and its digest come after. */
  readonly seconds: number;
  readonly transactionCount: number;
}

export async function copyDisk(options: CopyOptions): Promise<CopyResult> {
  const { destination, signal } = options;
  const partial = `${destination}.${process.pid}.part`;
  try {
    const file = await open(partial, 'wx');
    try {
      const result = await fill(file, options).finally(() => file.close());
      await checkDigest(partial, result.byteLength, options);
      await rename(partial, destination);
      await synchronise(dirname(destination));
      return result;
    } finally {
      await rm(partial, { force: true });
    }
  } catch (error) {
    signal.throwIfAborted();
    throw asFailure(error, destination);
  }
}

async function fill(file: FileHandle, options: CopyOptions): Promise<CopyResult> {
  const { disk, screen, signal, onBytes } = options;
  const geometry = await disk.identify(signal);
  const byteLength = geometry.deviceByteLength;
  const transactionsBefore = disk.transactionCount;
  const progress = screen.startProgress('copy', byteLength);
  const start = performance.now();
  try {
    await copyBlocks(geometry, file, options, (byteCount) => {
      progress.update(byteCount);
      onBytes?.(byteCount, geometry);
    });
  } finally {
    progress.stop();
  }
  const seconds = (performance.now() - start) / 1000;
  await file.sync();
  return { byteLength, seconds, transactionCount: disk.transactionCount - transactionsBefore };
}

/** Moves every block, many at a time; when it settles, nothing moves any more. */
async function copyBlocks(
  { blockByteLength, deviceByteLength }: Geometry,
  file: FileHandle,
  { disk, signal: outerSignal, beforeLastBlock }: CopyOptions,
  onBytes: (byteCount: number) => void,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([outerSignal, failed.signal]);
  // Every read that waits listens to it, which is no leak, as Node suspects from the eleventh on.
  setMaxListeners(0, signal);
  let nextOffset = 0;
  let byteCount = 0;

  async function moveBlocks(): Promise<void> {
    const buffer = disk.allocate(blockByteLength);
    try {
      await moveInto(buffer);
    } finally {
      await buffer.close();
    }
  }

  async function moveInto(buffer: LandingBuffer): Promise<void> {
    while (nextOffset < deviceByteLength) {
      const offset = nextOffset;
      const block = buffer.bytes.subarray(0, Math.min(blockByteLength, deviceByteLength - offset));
      nextOffset += block.byteLength;
      if (nextOffset === deviceByteLength) await settledOrAborted(beforeLastBlock, signal);
      await disk.read(offset, block.byteLength, buffer, signal);
      await writeWhole(file, block, offset);
      byteCount += block.byteLength;
      onBytes(byteCount);
    }
  }

  onBytes(byteCount);
  const movers = Array.from({ length: readsMax }, () =>
    moveBlocks().catch((error: unknown) => {
      failed.abort(error);
    }),
  );
  await Promise.all(movers);
  signal.throwIfAborted();
}

async function settledOrAborted(
  promise: Promise<unknown> | undefined,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const aborted = new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });
  await Promise.race([promise, aborted]);
}

async function writeWhole(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const rest = bytes.byteLength - written;
    written += (await file.write(bytes, written, rest, position + written)).bytesWritten;
  }
}

async function checkDigest(path: string, byteLength: number, options: CopyOptions): Promise<void> {
  const { destination, digest, screen, signal } = options;
  if (digest === undefined) return;
  const found = await digestFile(path, byteLength, 'SHA-256 of the copy', screen, signal);
  if (found !== digest) throw new Failure(`${destination}: SHA-256 is ${found}, not ${digest}`);
}

/** Makes a rename inside `folder` durable. */
async function synchronise(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
