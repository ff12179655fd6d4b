/** A device over another that answers at once or some turns later, by chance. */
import {
  ForwardingDevice,
  type BlockDevice,
  type Done,
  type Extent,
  type WriteOptions,
  type WriteZeroesOptions,
} from '../../../drivers/block/index.js';
import { between, type Random } from '../../compliance/random.js';

export class JitterDevice extends ForwardingDevice {
  readonly #random: Random;

  constructor(device: BlockDevice, random: Random) {
    super(device);
    this.#random = random;
  }

  override read(offset: number, target: Uint8Array): Done {
    return this.#delay(() => super.read(offset, target));
  }

  override write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    return this.#delay(() => super.write(offset, source, options));
  }

  override flush(): Done {
    return this.#delay(() => super.flush());
  }

  override discard(offset: number, byteLength: number): Done {
    return this.#delay(() => super.discard(offset, byteLength));
  }

  override writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done {
    return this.#delay(() => super.writeZeroes(offset, byteLength, options));
  }

  override async status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    await this.#delay(() => undefined);
    return super.status(offset, byteLength);
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
