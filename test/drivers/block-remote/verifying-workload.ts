/**
 * A workload that verifies itself: many operations at once on parts of a device that do not touch,
 * each checked against a model in memory. What was written names its place and its turn, so that
 * what is at the wrong place, or from an earlier turn, is told from what is not there at all.
 */
import assert from 'node:assert/strict';
import type { BlockDevice } from '../../../drivers/block/index.js';
import { between, type Random } from '../../compliance/random.js';

export const sectorBytes = 512;
const sectorsMost = 400;

interface Part {
  readonly first: number;
  readonly count: number;
}

export class VerifyingWorkload {
  readonly #device: BlockDevice;
  readonly #random: Random;
  /** The turn in which each sector was written; 0 if it is zeroes. */
  readonly #turns: Uint32Array;
  readonly #isBusy: Uint8Array;
  #turn = 0;
  doneCount = 0;

  constructor(device: BlockDevice, random: Random) {
    this.#device = device;
    this.#random = random;
    const sectors = device.byteLength / sectorBytes;
    this.#turns = new Uint32Array(sectors);
    this.#isBusy = new Uint8Array(sectors);
  }

  /** Works until `isOver`; call it several times for several operations at once. */
  async work(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const part = this.#choose();
      if (part === undefined) {
        await this.#device.flush();
      } else {
        this.#mark(part, 1);
        await this.#operate(part);
        this.#mark(part, 0);
      }
      this.doneCount += 1;
    }
  }

  /** Throws unless `bytes`, which are all of the device, are as they have to be. */
  verify(bytes: Uint8Array): void {
    this.#verify({ first: 0, count: this.#turns.length }, bytes);
  }

  async #operate(part: Part): Promise<void> {
    const offset = part.first * sectorBytes;
    const byteLength = part.count * sectorBytes;
    const choice = this.#random() % 8;
    const fua = this.#random() % 8 === 0;
    if (choice < 4) {
      this.#turn += 1;
      this.#turns.fill(this.#turn, part.first, part.first + part.count);
      await this.#device.write(offset, this.#expected(part), { fua });
    } else if (choice === 4) {
      this.#turns.fill(0, part.first, part.first + part.count);
      await this.#device.writeZeroes(offset, byteLength, {
        fua,
        mayDiscard: this.#random() % 2 > 0,
      });
    } else {
      const target = Buffer.alloc(byteLength, 0xee);
      await this.#device.read(offset, target);
      this.#verify(part, target);
    }
  }

  /** Sectors that nobody uses now; by chance undefined. */
  #choose(): Part | undefined {
    const first = this.#random() % this.#turns.length;
    const wanted = between(this.#random, 1, this.#random() % 2 === 0 ? 8 : sectorsMost);
    let count = 0;
    while (count < wanted && this.#isBusy[first + count] === 0) count += 1;
    return count === 0 ? undefined : { first, count };
  }

  #mark({ first, count }: Part, value: number): void {
    this.#isBusy.fill(value, first, first + count);
  }

  #expected({ first, count }: Part): Buffer {
    const bytes = Buffer.alloc(count * sectorBytes);
    for (let index = 0; index < count; index++) {
      const turn = this.#turns[first + index] ?? 0;
      if (turn === 0) continue;
      const sector = bytes.subarray(index * sectorBytes, (index + 1) * sectorBytes);
      for (let place = 0; place < sectorBytes; place += 8) {
        sector.writeUInt32LE(turn, place);
        sector.writeUInt32LE(first + index, place + 4);
      }
    }
    return bytes;
  }

  #verify(part: Part, bytes: Uint8Array): void {
    const expected = this.#expected(part);
    if (expected.equals(bytes)) return;
    const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let place = 0; place < expected.length; place += sectorBytes) {
      const [wrong, right] = [found, expected].map((all) => all.subarray(place, place + 8));
      const sector = part.first + place / sectorBytes;
      const words = `sector ${sector}: turn and sector, little-endian`;
      assert.equal(wrong?.toString('hex'), right?.toString('hex'), words);
    }
    assert.fail(`within a sector, from sector ${part.first} on`);
  }
}
