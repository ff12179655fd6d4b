/** A peer that keeps writing to a remote buffer, and goes on elsewhere when that has moved. */
import { IdcError, type Domain, type RemoteBufferReference } from 'idc';

const writeBytes = 16 * 1024;
/** It writes over and over again what one part in so many of the buffer is. */
const hotPart = 8;

export class Writer {
  /** What the buffer has to hold when the writer has ended. */
  readonly expected: Uint8Array;
  writeCount = 0;
  isEnding = false;
  readonly #domain: Domain;

  constructor(domain: Domain, byteLength: number) {
    this.#domain = domain;
    this.expected = new Uint8Array(byteLength);
  }

  /** `moved`: where the buffer is once the first reference is of no use any more. */
  async run(first: RemoteBufferReference, moved: Promise<RemoteBufferReference>): Promise<void> {
    const hotBytes = this.expected.length / hotPart;
    let reference = first;
    for (; !this.isEnding; this.writeCount++) {
      const offset = (this.writeCount * writeBytes) % hotBytes;
      const bytes = this.expected.subarray(offset, offset + writeBytes).fill(this.writeCount);
      try {
        await this.#domain.sendToRemoteBuffer(reference, bytes, { offset });
      } catch (error) {
        if (!(error instanceof IdcError) || error.code !== 'STALE_REFERENCE') throw error;
        reference = await moved;
        await this.#domain.sendToRemoteBuffer(reference, bytes, { offset });
      }
    }
  }
}
