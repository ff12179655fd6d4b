/** What one sector may hold, by what its only writer was told. A content is known by its number. */
import assert from 'node:assert/strict';
import { IdcError } from 'idc';
import { sectorByteLength, type BlockFrontEnd } from './block-driver.js';

export class SectorHistory {
  /** Contents that are there, or may come back when the back end crashes. */
  #possible = new Set([0]);
  #writeCount = 0;
  /** What was read or written last, and in which epoch of which front end. */
  #last: { content: number; disk?: BlockFrontEnd; epoch?: number } = { content: 0 };

  async write(disk: BlockFrontEnd, sector: number): Promise<void> {
    const content = ++this.#writeCount;
    this.#possible.add(content);
    this.#last = { content };
    const words = new Uint16Array(sectorByteLength / 2).fill(content);
    try {
      await disk.write(sector, new Uint8Array(words.buffer));
    } catch (error) {
      if (error instanceof IdcError && error.retrySafe) this.#possible.delete(content);
      throw error;
    }
    this.#last = { content, disk, epoch: disk.epoch };
  }

  async flush(disk: BlockFrontEnd): Promise<void> {
    await disk.flush();
    if (this.#isLast(disk)) this.#possible = new Set([this.#last.content]);
  }

  async read(disk: BlockFrontEnd, sector: number): Promise<void> {
    const content = this.check(await disk.read(sector));
    if (this.#isLast(disk)) assert.equal(content, this.#last.content, 'lost without a crash');
    this.#last = { content, disk, epoch: disk.epoch };
  }

  /** Fails unless `bytes` are a content that the sector may hold, whole. */
  check(bytes: Uint8Array = new Uint8Array(2)): number {
    const words = new Uint16Array(bytes.slice().buffer);
    const content = words[0] ?? 0;
    assert.ok(words.every((word) => word === content));
    assert.ok(this.#possible.has(content), `${content} was flushed over, or never executed`);
    return content;
  }

  #isLast(disk: BlockFrontEnd): boolean {
    return this.#last.disk === disk && this.#last.epoch === disk.epoch;
  }
}
