/** A device over another that answers at once or some turns later, by chance. */
import type { Observable } from 'rxjs';
import type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from '../../../drivers/block/index.js';
import { between, type Random } from '../../compliance/random.js';

export class JitterDevice implements BlockDevice {
  readonly #device: BlockDevice;
  readonly #random: Random;

  constructor(device: BlockDevice, random: Random) {
    this.#device = device;
    this.#random = random;
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
    return this.#delay(() => this.#device.read(offset, target));
  }

  write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    return this.#delay(() => this.#device.write(offset, source, options));
  }

  flush(): Done {
    return this.#delay(() => this.#device.flush());
  }

  discard(offset: number, byteLength: number): Done {
    return this.#delay(() => this.#device.discard(offset, byteLength));
  }

  writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done {
    return this.#delay(() => this.#device.writeZeroes(offset, byteLength, options));
  }

  async status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    await this.#delay(() => undefined);
    return this.#device.status(offset, byteLength);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  #delay(run: () => Done): Done {
    const turnCount = between(this.#random, 0, 3);
    return turnCount === 0 ? run() : runLater(turnCount, run);
  }
}

async function runLater(turnCount: number, run: () => Done): Promise<void> {
  for (let turn = 0; turn < turnCount; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await run();
}
