/**
 * Files that exist in memory alone and can be sealed. They have no name: however the processes end,
 * the kernel frees such a file with its last mapping and descriptor.
 */
import { ErrorNumber, Fcntl, MemfdFlag, Seal, type Native } from './native.js';

/**
 * A file of `byteLength` zeros, of which the first `reservedBytes` have their pages, so that no
 * access to them can fail later. Its descriptor, adopted; or an error number, negated, and nothing
 * is left. `name` is for people.
 *
 * Its length is sealed before anything of it is mapped: whoever runs under the same user may try
 * numbers of descriptors, and cut short what it finds.
 */
export function createFile(
  native: Native,
  name: string,
  byteLength: number,
  reservedBytes: number = byteLength,
): number {
  const flags = MemfdFlag.CloseOnExec | MemfdFlag.AllowSealing;
  // Kernels since 6.3 want to be told that it is not to be executed; those before refuse the word.
  let descriptor = native.memfdCreate(name, flags | MemfdFlag.NoExecSeal);
  if (descriptor === -ErrorNumber.EINVAL) descriptor = native.memfdCreate(name, flags);
  if (descriptor < 0) return descriptor;
  let result = native.truncate(descriptor, byteLength);
  if (result >= 0) result = native.fcntl(descriptor, Fcntl.AddSeals, Seal.Shrink | Seal.Grow);
  if (result >= 0) result = native.allocate(descriptor, reservedBytes);
  if (result >= 0) return native.adopt(descriptor);
  native.close(descriptor);
  return result;
}
