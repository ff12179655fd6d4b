/**
 * A part of another device as a device of its own: its offset is added, and it can be made
 * read-only. Closing it closes nothing below, for other parts may be in use.
 */
import { Subject, type Observable, type Subscription } from 'rxjs';
import { assert } from 'idc/contract';
import type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from './block-device.js';
import { BlockErrorCode } from './block-error.js';
import { assertGeometry, checkRange, describeRange, refuse } from './block-range.js';
import type { DeviceMemory } from './device-memory.js';

export interface SliceOptions {
  /** Where it begins; default 0. */
  readonly offset?: number;
  /** Default: up to the end of the other device, wherever that is. */
  readonly byteLength?: number;
  readonly isReadOnly?: boolean;
}

/** A slice lies within `device` when it is made. */
export function sliceDevice(device: BlockDevice, options: SliceOptions = {}): BlockDevice {
  return new SliceDevice(device, options);
}

class SliceDevice implements BlockDevice {
  readonly blockBytes: number;
  readonly isReadOnly: boolean;
  readonly resize$: Observable<number>;

  readonly #device: BlockDevice;
  readonly #offset: number;
  readonly #byteLengthMax: number;
  readonly #resize = new Subject<number>();
  readonly #subscription: Subscription;
  #byteLength: number;
  #isClosed = false;

  constructor(device: BlockDevice, options: SliceOptions) {
    const { offset = 0, byteLength = Infinity, isReadOnly = false } = options;
    const end = byteLength === Infinity ? device.byteLength : offset + byteLength;
    assertGeometry(offset, device.blockBytes);
    assertGeometry(end - offset, device.blockBytes);
    assert(end <= device.byteLength, 'a slice lies within its device', 'BAD_ARGUMENT');
    this.#device = device;
    this.#offset = offset;
    this.#byteLengthMax = byteLength;
    this.#byteLength = end - offset;
    this.blockBytes = device.blockBytes;
    this.isReadOnly = isReadOnly || device.isReadOnly;
    this.resize$ = this.#resize.asObservable();
    this.#subscription = device.resize$.subscribe((length) => this.#resized(length));
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  get memory(): DeviceMemory | undefined {
    return this.#device.memory;
  }

  // HOT:
  read(offset: number, target: Uint8Array): Done {
    const refusal = this.#check(offset, target.byteLength);
    return refusal ?? this.#device.read(this.#offset + offset, target);
  }

  // HOT:
  write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    const refusal = this.#checkChange(offset, source.byteLength);
    return refusal ?? this.#device.write(this.#offset + offset, source, options);
  }

  flush(): Done {
    return this.#check(0, 0) ?? this.#device.flush();
  }

  discard(offset: number, byteLength: number): Done {
    const refusal = this.#checkChange(offset, byteLength);
    return refusal ?? this.#device.discard(this.#offset + offset, byteLength);
  }

  writeZeroes(offset: number, byteLength: number, options?: WriteZeroesOptions): Done {
    const refusal = this.#checkChange(offset, byteLength);
    return refusal ?? this.#device.writeZeroes(this.#offset + offset, byteLength, options);
  }

  status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    const refusal = this.#check(offset, byteLength);
    return refusal ?? this.#device.status(this.#offset + offset, byteLength);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#subscription.unsubscribe();
    this.#resize.complete();
    return Promise.resolve();
  }

  /** The device below ends elsewhere now. */
  #resized(length: number): void {
    const byteLength = Math.max(0, Math.min(length - this.#offset, this.#byteLengthMax));
    if (byteLength === this.#byteLength) return;
    this.#byteLength = byteLength;
    this.#resize.next(byteLength);
  }

  #check(offset: number, byteLength: number): Promise<never> | undefined {
    if (this.#isClosed) return refuse(BlockErrorCode.Closed, 'this part was closed');
    const code = checkRange(this, offset, byteLength);
    return code && refuse(code, describeRange(this, offset, byteLength));
  }

  #checkChange(offset: number, byteLength: number): Promise<never> | undefined {
    const refusal = this.#check(offset, byteLength);
    if (refusal !== undefined || !this.isReadOnly) return refusal;
    return refuse(BlockErrorCode.ReadOnly, 'this part may only be read');
  }
}
