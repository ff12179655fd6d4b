/** What a test of shared memory runs on: two domains, what they made, and what it says of bytes. */
import assert from 'node:assert/strict';
import {
  type BufferAccess,
  type Fault,
  type MappedRegion,
  type PeerIdentity,
  type SharedMemory,
  type SharedRegion,
} from '../../core/contract.js';
import { randomBytes, type Random } from './random.js';

/** What the author of a transport supplies; one serves one test. */
export interface SharedMemoryHarness {
  /** Of two domains that have a link between them. */
  readonly owner: SharedMemory;
  readonly holder: SharedMemory;
  /** The owner, as that link shows it to the holder. */
  readonly ownerIdentity: PeerIdentity;
  /** Somebody who is not the owner. */
  readonly strangerIdentity: PeerIdentity;
  dispose(): Promise<void>;
}

export type MakeSharedMemoryHarness = () => SharedMemoryHarness | Promise<SharedMemoryHarness>;

export const accesses: readonly BufferAccess[] = ['read', 'write', 'readWrite'];
export const writable: readonly BufferAccess[] = ['write', 'readWrite'];
/** Around the lengths of pages. */
export const lengths: readonly number[] = [1, 63, 4095, 4096, 4097, 65_536, 1_000_003];

/** Declares one test: a fact, and what shows it. */
export type Check = (fact: string, body: (stage: Stage) => Promise<void> | void) => void;

/** The two domains of one test, with everything that they made. */
export class Stage {
  readonly harness: SharedMemoryHarness;
  readonly random: Random;
  readonly #made: (SharedRegion | MappedRegion)[] = [];

  constructor(harness: SharedMemoryHarness, random: Random) {
    this.harness = harness;
    this.random = random;
  }

  allocate(byteLength: number): SharedRegion {
    const region = this.harness.owner.allocate(byteLength);
    if (typeof region === 'string') assert.fail(`allocate(${byteLength}): ${region}`);
    this.#made.push(region);
    return region;
  }

  /** A region with random bytes below 0x80 in it, shared; and what it holds. */
  share(byteLength: number, access: BufferAccess): { region: SharedRegion; held: Uint8Array } {
    const region = this.allocate(byteLength);
    const held = randomBytes(this.random, byteLength).map((byte) => byte & 0x7f);
    region.bytes.set(held);
    assert.equal(region.share(access), undefined);
    return { region, held };
  }

  map(region: SharedRegion, access: BufferAccess): MappedRegion {
    const mapped = this.tryToMap(region.describe(), region.bytes.byteLength, access);
    if (typeof mapped === 'string') assert.fail(`map: ${mapped}`);
    assert.equal(mapped.bytes.byteLength, region.bytes.byteLength);
    return mapped;
  }

  tryToMap(
    description: Uint8Array,
    byteLength: number,
    access: BufferAccess,
    identity: PeerIdentity = this.harness.ownerIdentity,
  ): MappedRegion | Fault {
    const mapped = this.harness.holder.map(identity, description, byteLength, access);
    if (typeof mapped !== 'string') this.#made.push(mapped);
    return mapped;
  }

  async dispose(): Promise<void> {
    for (const each of this.#made) each.release();
    await this.harness.dispose();
  }
}

/** Within one access, as an honest holder does. */
export function within(mapped: MappedRegion, use: () => void): void {
  assert.ok(mapped.enter());
  use();
  assert.ok(mapped.leave());
}

export function assertBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.equal(Buffer.compare(actual, expected), 0, what);
}
