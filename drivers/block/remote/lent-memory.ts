/**
 * LentMemory: the memory that a remote device has for its users, lent to the back end once for many
 * operations, and mapped there if that is on this machine.
 */
import type { Domain } from 'idc';
import { assert } from 'idc/contract';
import type { DeviceMemory } from '../device-memory.js';
import { LentSlab } from './lent-slab.js';

/** A back end can keep some dozens of mappings, of all its front ends. */
const slabsMax = 8;
const slabBytes = 4 << 20;
const chunkBytesMin = 128 << 10;

export class LentMemory implements DeviceMemory {
  readonly #domain: Domain;
  readonly #bytesMin: number;
  readonly #slabs: LentSlab[] = [];
  /** All of which somebody may have a chunk, those included that are retired. */
  readonly #byBuffer = new Map<ArrayBufferLike, LentSlab>();

  /** It has nothing for operations that are shorter than `bytesMin`. */
  constructor(domain: Domain, bytesMin: number) {
    this.#domain = domain;
    this.#bytesMin = bytesMin;
  }

  take(byteLength: number): Uint8Array | undefined {
    if (byteLength < this.#bytesMin || byteLength > slabBytes) return undefined;
    const chunkBytes = Math.max(chunkBytesMin, 2 ** (32 - Math.clz32(byteLength - 1)));
    for (const slab of this.#slabs) {
      const chunk = slab.take(chunkBytes, byteLength);
      if (chunk !== undefined) return chunk;
    }
    if (this.#slabs.length >= slabsMax) return undefined;
    const slab = new LentSlab(this.#domain, slabBytes, chunkBytes);
    this.#slabs.push(slab);
    this.#byBuffer.set(slab.bytes.buffer, slab);
    return slab.take(chunkBytes, byteLength);
  }

  give(bytes: Uint8Array): void {
    const slab = this.#byBuffer.get(bytes.buffer);
    assert(slab !== undefined, 'what is given was taken', 'BAD_ARGUMENT');
    slab.give(bytes);
    if (slab.isRetired && slab.isIdle) this.#byBuffer.delete(slab.bytes.buffer);
  }

  /** The slab in which `bytes` lies, if an operation may begin there. */
  slabOf(bytes: Uint8Array): LentSlab | undefined {
    const slab = this.#byBuffer.get(bytes.buffer);
    return slab?.isRetired === true ? undefined : slab;
  }

  /** Something may still be under way in `slab`. Resolves when it is lent to nobody. */
  retire(slab: LentSlab): Promise<void> {
    const index = this.#slabs.indexOf(slab);
    if (index >= 0) this.#slabs.splice(index, 1);
    if (slab.isIdle) this.#byBuffer.delete(slab.bytes.buffer);
    return slab.retire();
  }

  /** No operation begins any more. Resolves when nothing is lent. */
  async close(): Promise<void> {
    await Promise.all([...this.#slabs].map((slab) => this.retire(slab)));
  }
}
