/**
 * RingRawPeer: a peer that plays the rendezvous as the transport does, and then holds its side of
 * the rings with bare hands: what it publishes is whatever it is told.
 */
import assert from 'node:assert/strict';
import { createRuntime, type Address, type Fault } from '../../core/contract.js';
import { MappedMedium } from '../../transports/ring/mapped-medium.js';
import type { Medium } from '../../transports/ring/medium.js';
import { loadNative } from '../../transports/ring/native.js';
import { Rendezvous, type Encounter } from '../../transports/ring/rendezvous.js';
import { Control, type RingMemory } from '../../transports/ring/ring-layout.js';
import { nameOf } from '../../transports/ring/ring-name.js';
import { SharedMedium } from '../../transports/ring/shared-medium.js';
import type { Wire } from '../../transports/ring/wire.js';
import { turnEventLoop, type RawPeer } from './harness.js';

/** The medium as the transport makes it, but nobody is woken: a raw peer looks by itself. */
export function makeRawMedium(memory: 'mapped' | 'shared'): Medium {
  const runtime = createRuntime();
  if (memory === 'shared') return new SharedMedium(runtime, () => undefined);
  const native = loadNative();
  assert(native !== undefined, 'rings in mapped memory are tested where they can be');
  return new MappedMedium(native, runtime);
}

export class RingRawPeer implements RawPeer {
  readonly wire: Wire;
  /** Its own memory, to write, and the transport's, to read. */
  readonly own: RingMemory;
  readonly peer: RingMemory;
  readonly #encounter: Encounter;
  readonly #bells = new Uint8Array(1024);
  #isDisposed = false;

  private constructor(encounter: Encounter) {
    this.#encounter = encounter;
    this.wire = encounter.wire;
    this.own = encounter.own.memory.views;
    this.peer = encounter.memory.views;
  }

  static async dial(medium: Medium, address: Address, ringBytes: number): Promise<RingRawPeer> {
    const wire = medium.dial(nameOf(address) ?? '');
    assert(typeof wire !== 'string', 'somebody listens');
    return await RingRawPeer.meet(medium, wire, ringBytes);
  }

  /** Meets who is at the other end of `wire`. */
  static async meet(medium: Medium, wire: Wire, ringBytes: number): Promise<RingRawPeer> {
    const own = medium.present(ringBytes);
    assert(typeof own !== 'string', 'there is memory');
    const results: (Encounter | Fault)[] = [];
    const rendezvous = new Rendezvous(medium, wire, ringBytes, own, (found) => {
      results.push(found);
    });
    while (results.length === 0) {
      rendezvous.step();
      await turnEventLoop(1);
    }
    const [result] = results;
    if (typeof result !== 'object') throw new Error(`the rendezvous failed: ${result ?? ''}`);
    return new RingRawPeer(result);
  }

  /** The first word is published as position, the rest is what the ring then holds. */
  write(bytes: Uint8Array): void {
    const padded = new Uint8Array(4 + this.own.bytes.length);
    padded.set(bytes);
    this.own.bytes.set(padded.subarray(4));
    this.publish(new DataView(padded.buffer).getInt32(0, true));
  }

  /** Stores the position up to which records are there, and rings. */
  publish(produced: number): void {
    Atomics.store(this.own.control, Control.Produced, produced);
    this.wire.ring();
  }

  /** How many doorbells have come since it was asked last. */
  takeBells(): number {
    const count = this.wire.receive(this.#bells);
    return Math.max(0, count);
  }

  end(): void {
    Atomics.store(this.own.control, Control.Ended, 1);
    this.wire.ring();
    this.dispose();
  }

  /** Idempotent. The views are not to be used any more. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.wire.close();
    this.#encounter.memory.release();
    this.#encounter.own.memory.release();
  }
}
