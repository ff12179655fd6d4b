/** A device over another whose operations begin when the test says so, in the order it likes. */
import assert from 'node:assert/strict';
import type { Observable } from 'rxjs';
import type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from '../../../drivers/block/index.js';

export interface HeldOperation {
  readonly kind: string;
  readonly offset: number;
  readonly byteLength: number;
  readonly options: WriteZeroesOptions | undefined;
  readonly begin: () => void;
  readonly fail: (error: Error) => void;
}

export class HeldDevice implements BlockDevice {
  readonly #device: BlockDevice;
  /** In the order of their calls; a test takes them out. */
  readonly held: HeldOperation[] = [];
  #arrived: () => void = () => undefined;

  constructor(device: BlockDevice) {
    this.#device = device;
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

  read(offset: number, target: Uint8Array): Done {
    return this.#hold('read', offset, target.byteLength, undefined, () =>
      this.#device.read(offset, target),
    );
  }

  write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    return this.#hold('write', offset, source.byteLength, options, () =>
      this.#device.write(offset, source, options),
    );
  }

  flush(): Done {
    return this.#hold('flush', 0, 0, undefined, () => this.#device.flush());
  }

  discard(offset: number, byteLength: number): Done {
    return this.#hold('discard', offset, byteLength, undefined, () =>
      this.#device.discard(offset, byteLength),
    );
  }

  writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done {
    return this.#hold('writeZeroes', offset, byteLength, options, () =>
      this.#device.writeZeroes(offset, byteLength, options),
    );
  }

  status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    return this.#hold('status', offset, byteLength, undefined, () =>
      this.#device.status(offset, byteLength),
    );
  }

  close(): Promise<void> {
    return this.#device.close();
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
