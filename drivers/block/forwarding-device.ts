/**
 * A device that hands everything on to another: what a wrapper is made of, which overrides what it
 * changes and calls `super` for the rest.
 */
import type { Observable } from 'rxjs';
import type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from './block-device.js';
import type { DeviceMemory } from './device-memory.js';

/** Closing it closes the other device. */
export class ForwardingDevice implements BlockDevice {
  readonly #device: BlockDevice;

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

  get memory(): DeviceMemory | undefined {
    return this.#device.memory;
  }

  // HOT:
  read(offset: number, target: Uint8Array): Done {
    return this.#device.read(offset, target);
  }

  // HOT:
  write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    return this.#device.write(offset, source, options);
  }

  flush(): Done {
    return this.#device.flush();
  }

  discard(offset: number, byteLength: number): Done {
    return this.#device.discard(offset, byteLength);
  }

  writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done {
    return this.#device.writeZeroes(offset, byteLength, options);
  }

  status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    return this.#device.status(offset, byteLength);
  }

  close(): Promise<void> {
    return this.#device.close();
  }
}
