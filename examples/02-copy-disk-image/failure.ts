/**
 * What can go wrong here without anybody having made a mistake in the program: a `Failure`, or an
 * error of the operating system. Either becomes one line for the user; everything else is a bug,
 * and is left to crash with its stack.
 */

/** Ends the program; the message is the line that the user reads. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

const plainWords: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'exists already',
  EFBIG: 'larger than a file may be here',
  EIO: 'the medium failed',
  EISDIR: 'is a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'not a directory',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};

/** The failure that `error` means to a user who knows `path`; throws what is a bug. */
export function asFailure(error: unknown, path: string): Failure {
  if (error instanceof Failure) return error;
  if (!isSystemError(error)) throw error;
  return new Failure(`${path}: ${plainWords[error.code ?? ''] ?? error.message}`);
}
