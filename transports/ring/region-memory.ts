/** RegionMemory: a transport's `SharedMemory`, in mapped pages of this machine. */
import { readFileSync } from 'node:fs';

import type { Runtime } from '../../core/runtime.js';
import type {
  BufferAccess,
  MappedRegion,
  SharedMemory,
  SharedRegion,
} from '../../core/shared-memory.js';
import type { Fault, PeerIdentity } from '../../core/transport.js';
import { MappedRanges } from './mapped-ranges.js';
import { mapRegion } from './mapped-region.js';
import type { Native } from './native.js';
import { OwnRegion } from './shared-region.js';

/** What every region of one transport works with. */
export interface RegionHost {
  readonly native: Native;
  readonly ranges: MappedRanges;
  readonly runtime: Runtime;
}

/** Address ranges of former mappings, of whatever lengths, that wait for one of theirs. */
const keptMax = 64;

const overcommitPath = '/proc/sys/vm/overcommit_memory';

export class RegionMemory implements SharedMemory {
  readonly #host: RegionHost;

  constructor(native: Native, runtime: Runtime) {
    this.#host = { native, ranges: new MappedRanges(native, keptMax), runtime };
  }

  allocate(byteLength: number): SharedRegion | Fault {
    return OwnRegion.allocate(this.#host, byteLength);
  }

  map(
    identity: PeerIdentity,
    description: Uint8Array,
    byteLength: number,
    access: BufferAccess,
  ): MappedRegion | Fault {
    return mapRegion(this.#host, identity, description, byteLength, access);
  }
}

/**
 * Whoever may write a file in memory may also take pages out of it; the next access of anybody
 * needs a new one. The kernel gives it, and is short of memory like for any page, unless it keeps
 * account of every single one: then it may refuse, and kill whoever asked. So under that setting
 * there is no memory that is safe to share.
 */
export function mayPagesBeRefused(path: string = overcommitPath): boolean {
  try {
    return readFileSync(path, 'latin1').trim() === '2';
  } catch {
    // Without /proc there is no way to a region either.
    return true;
  }
}
