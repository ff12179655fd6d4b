/** The image file that the disk is made of: opened once, and found fit. */
import { open, stat, type FileHandle } from 'node:fs/promises';
import { asFailure, Failure } from './failure.js';

export interface Image {
  readonly path: string;
  readonly file: FileHandle;
  readonly byteLength: number;
}

/** Opens `path` for reading; throws a `Failure` unless it is a readable file with bytes in it. */
export async function openImage(path: string): Promise<Image> {
  try {
    // Asked before opening, for opening a pipe would wait for its writer.
    const found = await stat(path);
    if (found.isDirectory()) throw new Failure(`${path}: is a directory, not an image file`);
    if (!found.isFile()) throw new Failure(`${path}: is not a regular file`);
    if (found.size === 0) throw new Failure(`${path}: is empty, there is nothing to copy`);
    return { path, file: await open(path, 'r'), byteLength: found.size };
  } catch (error) {
    throw asFailure(error, path);
  }
}
