/** The bytes of a large transfer: 1 GiB that is one array of 16 MiB, time and again. */
const partBytes = 16 * 1024 * 1024;
const partCount = 64;

export function bulkParts(): Uint8Array[] {
  const part = new Uint8Array(partBytes);
  return Array.from({ length: partCount }, () => part);
}
