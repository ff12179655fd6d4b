/**
 * MappedRanges: the address ranges into which one transport maps its links' memories.
 *
 * V8 cannot be told to forget an ArrayBuffer over foreign memory, so a range is never unmapped
 * while its buffer can be reached. What is released gets untouched private pages instead, at the
 * same address, and the range with its buffer and views waits for the next link of that size: any
 * number of links one after another needs the ranges of those that lived at one time.
 */
import { MapFlag, Protection, type Native } from './native.js';
import { memoryBytes, viewMemory, type RingMemory } from './ring-layout.js';

/** One range; `views` are always of the same buffer. */
export interface MappedRange {
  readonly address: bigint;
  readonly ringBytes: number;
  readonly byteLength: number;
  readonly views: RingMemory;
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
  readonly #freeByRingBytes = new Map<number, MappedRange[]>();
  #closed = false;

  constructor(native: Native) {
    this.#native = native;
  }

  /**
   * Maps the file's beginning, which must be as long as the memory, and makes all of its pages
   * present. Answers an error number, negated, if that cannot be; then nothing is mapped.
   */
  map(descriptor: number, ringBytes: number, protection: number): MappedRange | number {
    const shown = this.#showMappable(descriptor, ringBytes, protection);
    if (shown < 0) return shown;
    const range = this.#take(ringBytes);
    if (typeof range === 'number') return range;
    const flags = MapFlag.Shared | MapFlag.Populate | MapFlag.Fixed;
    const { address, byteLength } = range;
    const mapped = this.#native.map(address, byteLength, protection, flags, descriptor);
    if (typeof mapped === 'bigint') return range;
    this.#recover(range);
    return mapped;
  }

  /** Replaces the pages by private ones; the range serves again. The caller forgets the views. */
  release(range: MappedRange): void {
    const { address, byteLength } = range;
    const flags = privatePages | MapFlag.Fixed;
    const mapped = this.#native.map(address, byteLength, readWrite, flags, -1);
    if (typeof mapped === 'bigint') this.#keep(range);
    else this.#recover(range);
  }

  /**
   * Ends the reuse. The address ranges, by now without a page, go one by one as the engine
   * collects their views, and those of memories still in use after their release.
   */
  close(): void {
    this.#closed = true;
    this.#freeByRingBytes.clear();
  }

  /**
   * Maps at an address of the kernel's choice first, and unmaps. So a file that the kernel does not
   * map is found out before an established range is touched, and no peer's file can cost a range.
   */
  #showMappable(descriptor: number, ringBytes: number, protection: number): number {
    const byteLength = memoryBytes(ringBytes);
    const mapped = this.#native.map(0n, byteLength, protection, MapFlag.Shared, descriptor);
    return typeof mapped === 'number' ? mapped : this.#native.unmap(mapped, byteLength);
  }

  /**
   * After the kernel ran out of memory in the middle: if it had emptied the range by then, that is
   * filled again, without access, which counts against no limit. If something is there, it may be
   * what was there before or another thread's: the range is never touched again.
   */
  #recover(range: MappedRange): void {
    const { address, byteLength } = range;
    const flags = privatePages | MapFlag.FixedNoReplace;
    const refilled = this.#native.map(address, byteLength, Protection.None, flags, -1);
    if (typeof refilled === 'bigint') this.#keep(range);
    else collected.unregister(range);
  }

  #keep(range: MappedRange): void {
    if (!this.#closed) this.#freeOf(range.ringBytes).push(range);
  }

  #take(ringBytes: number): MappedRange | number {
    return this.#freeOf(ringBytes).pop() ?? this.#reserve(ringBytes);
  }

  #freeOf(ringBytes: number): MappedRange[] {
    const free = this.#freeByRingBytes.get(ringBytes);
    if (free !== undefined) return free;
    const none: MappedRange[] = [];
    this.#freeByRingBytes.set(ringBytes, none);
    return none;
  }

  #reserve(ringBytes: number): MappedRange | number {
    const native = this.#native;
    const byteLength = memoryBytes(ringBytes);
    const address = native.map(0n, byteLength, Protection.None, privatePages, -1);
    if (typeof address === 'number') return address;
    const buffer = native.view(address, byteLength);
    const range = { address, ringBytes, byteLength, views: viewMemory(buffer, ringBytes) };
    collected.register(buffer, { native, address, byteLength }, range);
    return range;
  }
}
