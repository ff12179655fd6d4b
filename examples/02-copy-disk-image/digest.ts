/** SHA-256 of a file, read as a stream, so that an image may be larger than memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Screen } from './progress.js';

const chunkByteLength = 1024 * 1024;

/** The digest in hexadecimal digits. `byteLength` is what the progress counts to. */
export async function digestFile(
  path: string,
  byteLength: number,
  label: string,
  screen: Screen,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  let byteCount = 0;
  const progress = screen.startProgress(label, byteLength);
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: chunkByteLength });
  try {
    for await (const chunk of chunks) {
      // Leaving the loop closes the file.
      signal.throwIfAborted();
      hash.update(chunk);
      byteCount += chunk.byteLength;
      progress.update(byteCount);
    }
  } finally {
    progress.stop();
  }
  return hash.digest('hex');
}
