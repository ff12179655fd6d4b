/**
 * MappedRanges: the address ranges into which one transport maps memory.
 *
 * V8 cannot be told to forget an ArrayBuffer over foreign memory, so a range is never unmapped
 * while its buffer can be reached. What is released gets untouched private pages instead, at the
 * same address, and the range with its buffer waits for the next file of that length: any number
 * of them one after another needs the ranges of those that were mapped at one time.
 */
import { MapFlag, Protection, type Native } from './native.js';

/** One range; it has the same buffer for its whole life. */
export interface MappedRange {
  readonly address: bigint;
  readonly byteLength: number;
  readonly buffer: ArrayBuffer;
}

interface DeadRange {
  readonly native: Native;
  readonly address: bigint;
  readonly byteLength: number;
}

/**
 * Unmaps a range when the engine has collected its buffer and thereby every view of it. It belongs
 * to the module because a registry must outlive what it watches, and a range may outlive its
 * transport; nothing reads from it.
 */
const collected = new FinalizationRegistry<DeadRange>(({ native, address, byteLength }) => {
  native.unmap(address, byteLength);
});

const privatePages = MapFlag.Private | MapFlag.Anonymous | MapFlag.NoReserve;
const readWrite = Protection.Read | Protection.Write;

export class MappedRanges {
  readonly #native: Native;
  readonly #keptMax: number;
  /** In the order of their release. */
  readonly #free: MappedRange[] = [];

  /** `keptMax`: so many ranges wait for their next use; those beyond go with their views. */
  constructor(native: Native, keptMax: number = Infinity) {
    this.#native = native;
    this.#keptMax = keptMax;
  }

  /**
   * Maps the first `byteLength` bytes of a file that has them, and makes all of its pages present.
   * Answers an error number, negated, if that cannot be; then nothing is mapped.
   */
  map(descriptor: number, byteLength: number, protection: number): MappedRange | number {
    const shown = this.#showMappable(descriptor, byteLength, protection);
    if (shown < 0) return shown;
    const range = this.#take(byteLength);
    if (typeof range === 'number') return range;
    const flags = MapFlag.Shared | MapFlag.Populate | MapFlag.Fixed;
    const { address } = range;
    const mapped = this.#native.map(address, byteLength, protection, flags, descriptor);
    if (typeof mapped === 'bigint') return range;
    this.#recover(range);
    return mapped;
  }

  /** Private pages, all zero, at an address that nothing else ever had or will have. */
  allocate(byteLength: number): MappedRange | number {
    return this.#reserve(byteLength, readWrite, MapFlag.Private | MapFlag.Anonymous);
  }

  /** Replaces the pages by private ones; the range serves again. The caller forgets the views. */
  release(range: MappedRange): void {
    if (this.#empty(range)) this.#keep(range);
  }

  /** As `release`, but the range serves nobody again: views of it may be with anybody. */
  discard(range: MappedRange): void {
    this.#empty(range);
  }

  /**
   * Maps at an address of the kernel's choice first, and unmaps. So a file that the kernel does not
   * map is found out before an established range is touched, and no peer's file can cost a range.
   */
  #showMappable(descriptor: number, byteLength: number, protection: number): number {
    const mapped = this.#native.map(0n, byteLength, protection, MapFlag.Shared, descriptor);
    return typeof mapped === 'number' ? mapped : this.#native.unmap(mapped, byteLength);
  }

  /** False if the range is lost. */
  #empty(range: MappedRange): boolean {
    const { address, byteLength } = range;
    const flags = privatePages | MapFlag.Fixed;
    const mapped = this.#native.map(address, byteLength, readWrite, flags, -1);
    return typeof mapped === 'bigint' || this.#refill(range);
  }

  /** After the kernel ran out of memory in the middle. */
  #recover(range: MappedRange): void {
    if (this.#refill(range)) this.#keep(range);
  }

  /**
   * If the kernel had emptied the range by then, it is filled again, without access, which counts
   * against no limit. If something is there, it may be what was there before or another thread's:
   * the range is never touched again.
   */
  #refill(range: MappedRange): boolean {
    const { address, byteLength } = range;
    const flags = privatePages | MapFlag.FixedNoReplace;
    const refilled = this.#native.map(address, byteLength, Protection.None, flags, -1);
    if (typeof refilled === 'bigint') return true;
    collected.unregister(range);
    return false;
  }

  #keep(range: MappedRange): void {
    this.#free.push(range);
    if (this.#free.length > this.#keptMax) this.#free.shift();
  }

  #take(byteLength: number): MappedRange | number {
    const index = this.#free.findLastIndex((range) => range.byteLength === byteLength);
    const [found] = index < 0 ? [] : this.#free.splice(index, 1);
    return found ?? this.#reserve(byteLength, Protection.None, privatePages);
  }

  #reserve(byteLength: number, protection: number, flags: number): MappedRange | number {
    const native = this.#native;
    const address = native.map(0n, byteLength, protection, flags, -1);
    if (typeof address === 'number') return address;
    const buffer = native.view(address, byteLength);
    const range = { address, byteLength, buffer };
    collected.register(buffer, { native, address, byteLength }, range);
    return range;
  }
}
