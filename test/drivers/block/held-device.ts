/** A device over another whose operations begin when the test says so, in the order it likes. */
import assert from 'node:assert/strict';
import {
  ForwardingDevice,
  type Done,
  type Extent,
  type WriteOptions,
  type WriteZeroesOptions,
} from '../../../drivers/block/index.js';

export interface HeldOperation {
  readonly kind: string;
  readonly offset: number;
  readonly byteLength: number;
  readonly options: WriteZeroesOptions | undefined;
  readonly begin: () => void;
  readonly fail: (error: Error) => void;
}

export class HeldDevice extends ForwardingDevice {
  /** In the order of their calls; a test takes them out. */
  readonly held: HeldOperation[] = [];
  #arrived: () => void = () => undefined;

  /** Waits until so many operations are held. */
  async arrived(count: number): Promise<void> {
    while (this.held.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /** Waits for the next operation and takes it out. */
  async take(): Promise<HeldOperation> {
    await this.arrived(1);
    const operation = this.held.shift();
    assert.ok(operation !== undefined);
    return operation;
  }

  override read(offset: number, target: Uint8Array): Done {
    return this.#hold('read', offset, target.byteLength, undefined, () =>
      super.read(offset, target),
    );
  }

  override write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    return this.#hold('write', offset, source.byteLength, options, () =>
      super.write(offset, source, options),
    );
  }

  override flush(): Done {
    return this.#hold('flush', 0, 0, undefined, () => super.flush());
  }

  override discard(offset: number, byteLength: number): Done {
    return this.#hold('discard', offset, byteLength, undefined, () =>
      super.discard(offset, byteLength),
    );
  }

  override writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done {
    return this.#hold('writeZeroes', offset, byteLength, options, () =>
      super.writeZeroes(offset, byteLength, options),
    );
  }

  override status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    return this.#hold('status', offset, byteLength, undefined, () =>
      super.status(offset, byteLength),
    );
  }

  #hold<Result>(
    kind: string,
    offset: number,
    byteLength: number,
    options: WriteZeroesOptions | undefined,
    run: () => Promise<Result> | undefined,
  ): Promise<Awaited<Result>> {
    const held = new Promise<Promise<Result> | undefined>((resolve, reject) => {
      const begin = (): void => resolve(run());
      this.held.push({ kind, offset, byteLength, options, begin, fail: reject });
      this.#arrived();
    });
    // Only `status` has a result, and it always answers a promise of one.
    return held as Promise<Awaited<Result>>;
  }
}
