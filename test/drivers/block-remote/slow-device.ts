/**
 * A device over another that takes a while before and after each change, as a disk does: so there
 * is a time at which an operation has taken effect and nobody was told.
 */
import type { Observable } from 'rxjs';
import type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from '../../../drivers/block/index.js';

export class SlowDevice implements BlockDevice {
  readonly #device: BlockDevice;
  readonly #pause: () => Promise<void>;

  constructor(device: BlockDevice, pause: () => Promise<void>) {
    this.#device = device;
    this.#pause = pause;
  }

  get byteLength(): number {
    return this.#device.byteLength;
  }

  get blockBytes(): number {
    return this.#device.blockBytes;
  }

  get isReadOnly(): boolean {
    return this.#device.isReadOnly;
  }

  get resize$(): Observable<number> {
    return this.#device.resize$;
  }

  read(offset: number, target: Uint8Array): Done {
    return this.#device.read(offset, target);
  }

  write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    return this.#slowly(() => this.#device.write(offset, source, options));
  }

  flush(): Done {
    return this.#device.flush();
  }

  discard(offset: number, byteLength: number): Done {
    return this.#slowly(() => this.#device.discard(offset, byteLength));
  }

  writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done {
    return this.#slowly(() => this.#device.writeZeroes(offset, byteLength, options));
  }

  status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    return this.#device.status(offset, byteLength);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  async #slowly(run: () => Done): Promise<void> {
    await this.#pause();
    await run();
    await this.#pause();
  }
}
