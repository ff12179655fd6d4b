/**
 * Traffic: seeded streams of frames whose every byte the receiver can foretell.
 *
 * Sender and receiver draw the lengths from the same seed and derive the bytes from the frame's
 * sequence number, so a frame that is lost, doubled, cut, moved or altered is found at once.
 */
import type { Monitor } from './monitor.js';
import { ClaimRefusal } from '../../core/contract.js';
import type { End } from './end.js';
import { between, createRandom, type Random } from './random.js';

/** Most frames are short; one in a hundred may be as long as the medium allows. */
function frameBytes(random: Random, frameBytesMax: number): number {
  const kind = between(random, 1, 100);
  const most = kind <= 90 ? 256 : kind <= 99 ? 1024 : frameBytesMax;
  return between(random, 1, Math.min(most, frameBytesMax));
}

function fill(bytes: Uint8Array, offset: number, byteLength: number, sequence: number): void {
  for (let index = 0; index < byteLength; index++) {
    bytes[offset + index] = (sequence * 31 + index * 7) & 0xff;
  }
}

function isFilled(bytes: Uint8Array, offset: number, byteLength: number, seq: number): boolean {
  for (let index = 0; index < byteLength; index++) {
    if (bytes[offset + index] !== ((seq * 31 + index * 7) & 0xff)) return false;
  }
  return true;
}

/** Sends `count` frames from `end` as fast as it takes them. */
export class Sender {
  sentCount = 0;
  readonly #end: End;
  readonly #count: number;
  readonly #frameBytesMax: number;
  readonly #random: Random;
  /** Chooses the aborted claims; a stream of its own, so that the lengths stay foretold. */
  readonly #whim: Random;
  #nextBytes: number;

  constructor(end: End, seed: number, frameBytesMax: number, count: number) {
    this.#end = end;
    this.#count = count;
    this.#frameBytesMax = frameBytesMax;
    this.#random = createRandom(seed);
    this.#whim = createRandom(seed + 1);
    this.#nextBytes = frameBytes(this.#random, frameBytesMax);
    end.onWritable = () => {
      this.send();
    };
  }

  /** Sends until all is sent or a claim is refused; `writable` goes on. */
  send(): void {
    while (this.sentCount < this.#count) {
      if (this.#whim() % 8 === 0) this.#claimInVain();
      const offset = this.#end.claim(this.#nextBytes);
      if (offset === ClaimRefusal.BackPressured || offset === ClaimRefusal.Down) return;
      fill(this.#end.claimBytes, offset, this.#nextBytes, this.sentCount);
      this.#end.commit();
      this.sentCount += 1;
      this.#nextBytes = frameBytes(this.#random, this.#frameBytesMax);
    }
  }

  #claimInVain(): void {
    const byteLength = between(this.#whim, 1, 512);
    const offset = this.#end.claim(byteLength);
    if (offset < 0) return;
    this.#end.claimBytes.fill(0xee, offset, offset + byteLength);
    this.#end.abort();
  }
}

/** Checks every frame that `end` receives. */
export class Receiver {
  receivedCount = 0;

  constructor(end: End, seed: number, frameBytesMax: number, monitor: Monitor) {
    const random = createRandom(seed);
    end.onFrame = (bytes, offset, byteLength) => {
      const sequence = this.receivedCount;
      const isRight =
        byteLength === frameBytes(random, frameBytesMax) &&
        isFilled(bytes, offset, byteLength, sequence);
      monitor.expect(
        isRight,
        `L3 frame ${String(sequence)} is not what was sent (${String(seed)})`,
      );
      this.receivedCount += 1;
    };
  }
}
