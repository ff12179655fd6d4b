/** Opens a file, or makes one, and looks whether it can be a device. */
import { open, type FileHandle } from 'node:fs/promises';
import { BlockError, BlockErrorCode } from '../block-error.js';
import { FileCalls } from './file-calls.js';
import { FileDevice } from './file-device.js';
import { blockErrorOf } from './file-transfer.js';

export interface FileDeviceOptions {
  readonly isReadOnly?: boolean;
  /** Default 1. The file's length must be a multiple of it. */
  readonly blockBytes?: number;
  /** Makes the file, sparse and of this length, if there is none. */
  readonly createBytes?: number;
  /** False: does without the C library's calls even where they are to be had. */
  readonly native?: boolean;
}

/** Rejects with a `BlockError` if the file cannot be opened, or is no regular file. */
export async function openFileDevice(
  path: string,
  options: FileDeviceOptions = {},
): Promise<FileDevice> {
  const { isReadOnly = false, blockBytes = 1, createBytes, native = true } = options;
  const file = await openFile(path, isReadOnly, createBytes);
  try {
    const byteLength = await measure(file, path, blockBytes);
    const calls = native ? FileCalls.load() : undefined;
    return new FileDevice(file, byteLength, { blockBytes, isReadOnly, calls });
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openFile(
  path: string,
  isReadOnly: boolean,
  createBytes: number | undefined,
): Promise<FileHandle> {
  try {
    if (createBytes !== undefined) await createFile(path, createBytes);
    return await open(path, isReadOnly ? 'r' : 'r+');
  } catch (error) {
    if (error instanceof Error) throw blockErrorOf(error, `opening ${path}`);
    throw error;
  }
}

async function createFile(path: string, byteLength: number): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx');
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'EEXIST') return;
    throw error;
  }
  try {
    await file.truncate(byteLength);
  } finally {
    await file.close();
  }
}

async function measure(file: FileHandle, path: string, blockBytes: number): Promise<number> {
  const stats = await file.stat();
  if (!stats.isFile()) {
    throw new BlockError(BlockErrorCode.Failed, `${path} is no regular file`);
  }
  const excessBytes = stats.size % blockBytes;
  if (excessBytes === 0) return stats.size;
  const reason = `${path} has ${excessBytes} bytes more than whole blocks of ${blockBytes}`;
  throw new BlockError(BlockErrorCode.Misaligned, reason);
}
