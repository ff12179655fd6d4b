/**
 * InlineReads: the short reads of one front end, whose data travels in the answer. Each has memory
 * of its own from a bounded number of buffers until the kit has copied what is answered.
 */
import type { DriverFailure } from 'idc/drivers/kit';
import type { BlockDevice } from '../block-device.js';
import { failureOf } from './block-failure.js';
import { blockProtocol, inlineBytesMax } from './protocol.js';
import { TransferBuffers } from './transfer-buffers.js';

/** Reads that the device works on: as many as a front end has transactions by default. */
const readsMax = 64;

export type ReadAnswer = { readonly data: Uint8Array } | DriverFailure;

export class InlineReads {
  readonly #device: BlockDevice;
  readonly #buffers = new TransferBuffers(readsMax, inlineBytesMax);

  constructor(device: BlockDevice) {
    this.#device = device;
  }

  // HOT:
  read(offset: number, byteLength: number): ReadAnswer | Promise<ReadAnswer> {
    if (byteLength > inlineBytesMax) return blockProtocol.failure('OUT_OF_RANGE');
    const buffer = this.#buffers.takeNow();
    if (buffer !== undefined) return this.#readInto(buffer, offset, byteLength);
    return this.#buffers.take().then((later) => this.#readInto(later, offset, byteLength));
  }

  // HOT:
  #readInto(
    buffer: Uint8Array,
    offset: number,
    byteLength: number,
  ): ReadAnswer | Promise<ReadAnswer> {
    const data = buffer.subarray(0, byteLength);
    const done = this.#device.read(offset, data);
    if (done === undefined) {
      // The kit copies it before anybody else can take the buffer.
      this.#buffers.give(buffer);
      return { data };
    }
    return done.then(
      () => {
        this.#giveLater(buffer);
        return { data };
      },
      (thrown: unknown) => {
        this.#giveLater(buffer);
        return failureOf(thrown);
      },
    );
  }

  /** By then the promise of the answer has called back, and the kit has copied it. */
  #giveLater(buffer: Uint8Array): void {
    setImmediate(() => {
      this.#buffers.give(buffer);
    });
  }
}
