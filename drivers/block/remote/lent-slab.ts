/**
 * LentSlab: a piece of memory that is lent to the back end for good, in chunks of one length.
 *
 * A transfer that went as it should has ended when its operation has, so what the back end may do
 * with the memory then disturbs nobody but itself. When one did not, something of it may still be
 * under way: the slab is retired, and whoever used it waits until it is lent to nobody.
 */
import type { Domain } from 'idc';
import { assert } from 'idc/contract';

type Lent = ReturnType<Domain['registerBuffer']>;

export class LentSlab {
  readonly bytes: Uint8Array;
  readonly #lent: Lent;
  #chunkBytes: number;
  /** Where chunks begin that nobody has. */
  #free: number[] = [];
  #takenCount = 0;
  #useCount = 0;
  #retired: Promise<void> | undefined = undefined;
  #becomeUnused: (() => void) | undefined = undefined;

  constructor(domain: Domain, byteLength: number, chunkBytes: number) {
    this.bytes = domain.allocateBuffer(byteLength, { shared: true });
    this.#lent = domain.registerBuffer(this.bytes, { access: 'readWrite', mode: 'map' });
    this.#chunkBytes = chunkBytes;
    this.#divide(chunkBytes);
  }

  get reference(): Lent['reference'] {
    return this.#lent.reference;
  }

  /** Nobody has a chunk of it. */
  get isIdle(): boolean {
    return this.#takenCount === 0;
  }

  /** Nothing is taken from it any more, and no operation begins in it. */
  get isRetired(): boolean {
    return this.#retired !== undefined;
  }

  /** A chunk for `byteLength` bytes, cut to that; undefined if it has none for as many. */
  take(chunkBytes: number, byteLength: number): Uint8Array | undefined {
    if (this.isRetired) return undefined;
    if (chunkBytes !== this.#chunkBytes) {
      if (!this.isIdle) return undefined;
      this.#divide(chunkBytes);
    }
    const start = this.#free.pop();
    if (start === undefined) return undefined;
    this.#takenCount += 1;
    return this.bytes.subarray(start, start + byteLength);
  }

  give(chunk: Uint8Array): void {
    const start = chunk.byteOffset - this.bytes.byteOffset;
    assert(this.#takenCount > 0 && start % this.#chunkBytes === 0, 'what is given was taken');
    this.#takenCount -= 1;
    this.#free.push(start);
  }

  /** An operation begins in it. */
  enter(): void {
    assert(!this.isRetired, 'nothing begins in what is retired');
    this.#useCount += 1;
  }

  /** It has ended. Answers what to wait for before its memory is its caller's again. */
  leave(): Promise<void> | undefined {
    this.#useCount -= 1;
    if (this.#useCount === 0) this.#becomeUnused?.();
    return this.#retired;
  }

  /** Resolves when it is lent to nobody; the operations that use it end before that. */
  retire(): Promise<void> {
    this.#retired ??= this.#takeBack();
    return this.#retired;
  }

  async #takeBack(): Promise<void> {
    if (this.#useCount > 0) {
      await new Promise<void>((resolve) => {
        this.#becomeUnused = resolve;
      });
    }
    await this.#lent.unregister();
  }

  #divide(chunkBytes: number): void {
    this.#chunkBytes = chunkBytes;
    const count = this.bytes.byteLength / chunkBytes;
    this.#free = Array.from({ length: count }, (_, index) => index * chunkBytes);
  }
}
