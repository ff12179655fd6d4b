/** Shared memory within one thread, whose every access a test can see and disturb. */
import {
  Fault,
  type BufferAccess,
  type MappedRegion,
  type PeerIdentity,
  type SharedMemory,
  type SharedRegion,
} from '../../core/contract.js';

/** What an owner lends. */
export class LentRegion implements SharedRegion {
  readonly bytes: Uint8Array;
  isShared = false;
  readonly #number: number;

  constructor(byteLength: number, number: number) {
    this.bytes = new Uint8Array(byteLength);
    this.#number = number;
  }

  share(): undefined {
    this.isShared = true;
  }

  describe(): Uint8Array {
    return Uint8Array.of(this.#number & 0xff, this.#number >> 8);
  }

  revoke(): void {
    this.isShared = false;
  }

  release(): void {
    this.revoke();
  }
}

/** What a holder has of it. */
export class LentMapping implements MappedRegion {
  readonly bytes: Uint8Array;
  readonly access: BufferAccess;
  isReleased = false;
  accessCount = 0;
  readonly #memory: LentMemory;
  readonly #region: LentRegion;

  constructor(memory: LentMemory, region: LentRegion, access: BufferAccess, byteLength: number) {
    this.#memory = memory;
    this.#region = region;
    this.access = access;
    this.bytes = region.bytes.subarray(0, byteLength);
  }

  enter(): boolean {
    if (this.isReleased) throw new TypeError('used after it was released');
    if (!this.#region.isShared) return false;
    this.accessCount++;
    this.#memory.onAccess();
    return true;
  }

  leave(): boolean {
    return this.#region.isShared;
  }

  release(): void {
    this.isReleased = true;
  }
}

export class LentMemory implements SharedMemory {
  readonly regions: LentRegion[] = [];
  readonly mappings: LentMapping[] = [];
  /** What `map` answers instead. */
  failure: Fault | undefined = undefined;
  /** Called between `enter` and `leave` of every access. */
  onAccess: () => void = () => undefined;
  /** Bytes that a mapping has too few. */
  missingBytes = 0;

  allocate(byteLength: number): LentRegion {
    const region = new LentRegion(byteLength, this.regions.length);
    this.regions.push(region);
    return region;
  }

  map(
    _identity: PeerIdentity,
    description: Uint8Array,
    byteLength: number,
    access: BufferAccess,
  ): LentMapping | Fault {
    const region = this.regions[(description[0] ?? 0) | ((description[1] ?? 0) << 8)];
    if (region === undefined || description.length !== 2) return Fault.Corrupt;
    if (this.failure !== undefined) return this.failure;
    const mapping = new LentMapping(this, region, access, byteLength - this.missingBytes);
    this.mappings.push(mapping);
    return mapping;
  }
}
