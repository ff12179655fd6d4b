/**
 * OwnRegion: memory of this side that can be lent to other domains, and taken back from them
 * without their help.
 *
 * Whatever is mapped, the bytes keep their address. Sharing and taking back each end in one move of
 * pages over that address, one step for whoever reads there at that moment; before it, those pages
 * were given what the bytes hold. So the bytes are whole at every instant, for every thread, and no
 * page that a holder has is behind them afterwards. What is stored into them while `share` or
 * `revoke` runs may be lost: they are synchronous, so only another thread or the kernel could.
 *
 * A holder that goes on storing while they are taken back changes them until the move. After it
 * they are what was copied: each word as it was at some moment of the copying.
 */
import { assert } from '../../core/assert.js';
import type { BufferAccess, SharedRegion } from '../../core/shared-memory.js';
import { Fault } from '../../core/transport.js';
import type { MappedRange } from './mapped-ranges.js';
import { regionBytesMax } from './region-layout.js';
import type { RegionHost } from './region-memory.js';
import { RegionSharing } from './region-sharing.js';
import { memoryFault } from './system-fault.js';

export class OwnRegion implements SharedRegion {
  readonly bytes: Uint8Array;
  readonly #host: RegionHost;
  readonly #range: MappedRange;
  #sharing: RegionSharing | undefined = undefined;
  #isReleased = false;

  private constructor(host: RegionHost, range: MappedRange) {
    this.bytes = new Uint8Array(range.buffer);
    this.#host = host;
    this.#range = range;
    holdInPlace(range.buffer);
  }

  static allocate(host: RegionHost, byteLength: number): OwnRegion | Fault {
    assert(Number.isInteger(byteLength), 'byteLength is an integer', 'BAD_ARGUMENT');
    assert(byteLength > 0, 'byteLength is positive', 'BAD_ARGUMENT');
    if (byteLength > regionBytesMax) return Fault.Exhausted;
    const range = host.ranges.allocate(byteLength);
    return typeof range === 'number' ? memoryFault(range) : new OwnRegion(host, range);
  }

  share(access: BufferAccess): Fault | undefined {
    assert(!this.#isReleased, 'a released region is not shared', 'BAD_ARGUMENT');
    assert(this.#sharing === undefined, 'a region is shared once at a time', 'BAD_ARGUMENT');
    const sharing = RegionSharing.begin(this.#host, this.#range, access);
    if (typeof sharing === 'number') return memoryFault(sharing);
    this.#sharing = sharing;
    return undefined;
  }

  describe(): Uint8Array {
    const sharing = this.#sharing;
    assert(sharing !== undefined, 'only a shared region is described', 'BAD_ARGUMENT');
    return sharing.describe();
  }

  revoke(): void {
    const sharing = this.#sharing;
    this.#sharing = undefined;
    sharing?.revoke();
  }

  release(): void {
    if (this.#isReleased) return;
    this.revoke();
    this.#isReleased = true;
    this.#host.ranges.discard(this.#range);
  }
}

/**
 * Whoever took the bytes over would keep the address, and nobody here would know for how long.
 * Another thread is not given them: Node refuses that for any foreign memory. What is left is the
 * buffer's own methods. `markAsUntransferable` would do, but with it Node 24 ends in a crash.
 */
function holdInPlace(buffer: ArrayBuffer): void {
  const refuse = (): never => {
    throw new TypeError('memory that can be shared stays in its place');
  };
  for (const name of ['transfer', 'transferToFixedLength']) {
    Object.defineProperty(buffer, name, { value: refuse });
  }
}
