/**
 * A device over another that takes a while before and after each change, as a disk does: so there
 * is a time at which an operation has taken effect and nobody was told.
 */
import {
  ForwardingDevice,
  type BlockDevice,
  type Done,
  type WriteOptions,
  type WriteZeroesOptions,
} from '../../../drivers/block/index.js';

export class SlowDevice extends ForwardingDevice {
  readonly #pause: () => Promise<void>;

  constructor(device: BlockDevice, pause: () => Promise<void>) {
    super(device);
    this.#pause = pause;
  }

  override write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    return this.#slowly(() => super.write(offset, source, options));
  }

  override discard(offset: number, byteLength: number): Done {
    return this.#slowly(() => super.discard(offset, byteLength));
  }

  override writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done {
    return this.#slowly(() => super.writeZeroes(offset, byteLength, options));
  }

  async #slowly(run: () => Done): Promise<void> {
    await this.#pause();
    await run();
    await this.#pause();
  }
}
