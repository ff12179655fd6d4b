/**
 * RegionSharing: one time that a region is shared, from `begin` to `revoke`.
 *
 * Everything that can fail is done in `begin` before the one step that shows, and what `revoke`
 * needs is there before anybody can hold the region.
 */
import { assert } from '../../core/assert.js';
import type { BufferAccess } from '../../core/shared-memory.js';
import type { MappedRange } from './mapped-ranges.js';
import { memorySeals } from './mapped-memory.js';
import { Fcntl, MapFlag, populateWrite, Protection, type Native } from './native.js';
import { encodeDescription } from './region-description.js';
import { RegionFile, tallySeals } from './region-file.js';
import {
  dataBytesOf,
  fileLengths,
  NoticeWord,
  RegionState,
  tallyWords,
  wordsPerTally,
  writeNotice,
} from './region-layout.js';
import type { RegionHost } from './region-memory.js';
import { tokenBytes } from './region.js';

const readWrite = Protection.Read | Protection.Write;
const privatePages = MapFlag.Private | MapFlag.Anonymous;
/** How long accesses in flight may hold up `revoke`: longer than a copy of 16 MiB takes. */
const graceMs = 1;
/** Bounds the waiting whatever the clock does. */
const graceTurnsMax = 100_000;

export class RegionSharing {
  readonly #host: RegionHost;
  readonly #range: MappedRange;
  readonly #access: BufferAccess;
  readonly #token = new Uint8Array(tokenBytes);
  readonly #notice: RegionFile;
  readonly #tally: RegionFile;
  readonly #dataBytes: number;
  /** Mappings that are ours alone, 0n where there is none: the pages to come over the bytes, */
  #pending = 0n;
  /** the private pages that will take the bytes back, promised now so that it cannot fail, */
  #aside = 0n;
  /** and a second way to the shared pages, for when the bytes are no longer there. */
  #shadow = 0n;

  private constructor(
    host: RegionHost,
    range: MappedRange,
    access: BufferAccess,
    notice: RegionFile,
    tally: RegionFile,
  ) {
    this.#host = host;
    this.#range = range;
    this.#access = access;
    this.#notice = notice;
    this.#tally = tally;
    this.#dataBytes = dataBytesOf(range.byteLength, host.native.pageBytes);
    host.runtime.prng.fill(this.#token);
  }

  /** An error number, negated, if it cannot be; then nothing has changed and nothing is left. */
  static begin(host: RegionHost, range: MappedRange, access: BufferAccess): RegionSharing | number {
    const lengths = fileLengths(access, range.byteLength, host.native.pageBytes);
    const notice = RegionFile.create(host, lengths.notice, readWrite);
    if (typeof notice === 'number') return notice;
    const tally = RegionFile.create(host, lengths.tally, Protection.Read);
    if (typeof tally === 'number') {
      notice.close();
      return tally;
    }
    const sharing = new RegionSharing(host, range, access, notice, tally);
    const result = sharing.#show();
    if (result >= 0) return sharing;
    sharing.#close();
    return result;
  }

  describe(): Uint8Array {
    const { descriptor: notice } = this.#notice;
    const { descriptor: tally } = this.#tally;
    const { byteLength } = this.#range;
    const { pid } = process;
    const [access, token] = [this.#access, this.#token];
    return encodeDescription({ access, pid, notice, tally, byteLength, token });
  }

  /** Cannot fail, and depends on no holder. */
  revoke(): void {
    const { words } = this.#notice;
    // Found before anybody is kept out; where it fails the copying finds them.
    this.#host.native.advise(this.#aside, this.#dataBytes, populateWrite);
    Atomics.store(words, NoticeWord.State, RegionState.Closing);
    this.#awaitAccesses();
    Atomics.store(words, NoticeWord.State, RegionState.Closed);
    // Loaded again so that no byte is copied before all see the store: whoever leaves its access
    // and finds the region not closed yet has its bytes in the copy.
    assert(Atomics.load(words, NoticeWord.State) === RegionState.Closed, 'nobody reopens it');
    this.#copyAside();
    this.#putBack();
    this.#clear();
    this.#close();
  }

  /** The steps up to the one that shows; each answers an error number, negated, if it fails. */
  #show(): number {
    const { native } = this.#host;
    const filled = this.#fill();
    if (filled < 0) return filled;
    const mapped = this.#mapAll();
    if (mapped < 0) return mapped;
    const { words } = this.#notice;
    writeNotice(words, this.#terms(), this.#tally.inode);
    Atomics.store(words, NoticeWord.State, RegionState.Open);
    const sealed = this.#seal();
    if (sealed < 0) return sealed;
    const moved = native.move(this.#pending, this.#dataBytes, this.#range.address);
    if (typeof moved === 'number') return moved;
    this.#pending = 0n;
    return 0;
  }

  #terms(): { access: BufferAccess; byteLength: number; token: Uint8Array } {
    return { access: this.#access, byteLength: this.#range.byteLength, token: this.#token };
  }

  get #data(): RegionFile {
    return this.#access === 'read' ? this.#notice : this.#tally;
  }

  /** Written, so that the file has its pages, or says now that it cannot. */
  #fill(): number {
    return this.#data.write(this.#range.address, this.#dataBytes);
  }

  /** Before the sealing: after it the notice is mapped for writing no more, not even by us. */
  #mapAll(): number {
    const { native } = this.#host;
    const aside = native.map(0n, this.#dataBytes, readWrite, privatePages, -1);
    if (typeof aside === 'number') return aside;
    this.#aside = aside;
    const pending = this.#mapData(native);
    if (typeof pending === 'number') return pending;
    this.#pending = pending;
    if (this.#access !== 'read') return 0;
    const shadow = this.#mapData(native);
    if (typeof shadow === 'number') return shadow;
    this.#shadow = shadow;
    return 0;
  }

  #mapData(native: Native): bigint | number {
    const { descriptor } = this.#data;
    const { pageBytes } = native;
    return native.map(0n, this.#dataBytes, readWrite, MapFlag.Shared, descriptor, pageBytes);
  }

  #seal(): number {
    const { native } = this.#host;
    const sealed = native.fcntl(this.#notice.descriptor, Fcntl.AddSeals, memorySeals);
    if (sealed < 0) return sealed;
    return native.fcntl(this.#tally.descriptor, Fcntl.AddSeals, tallySeals);
  }

  /** Returns when no access is in flight, by the holders' word, or after `graceMs`. */
  #awaitAccesses(): void {
    const { clock } = this.#host.runtime;
    const untilMs = clock.now() + graceMs;
    for (let turn = 0; turn < graceTurnsMax; turn++) {
      if (this.#isQuiet() || clock.now() >= untilMs) return;
    }
  }

  #isQuiet(): boolean {
    const { words } = this.#tally;
    for (let index = 0; index < tallyWords; index++) {
      if (Atomics.load(words, index * wordsPerTally) !== 0) return false;
    }
    return true;
  }

  /**
   * Through the descriptor: it finds the pages that the file has, and zeros where a holder has just
   * taken one out. Through the mapping each that is missing would have to be made anew.
   */
  #copyAside(): void {
    const { native } = this.#host;
    const result = this.#data.read(this.#aside, this.#dataBytes);
    if (result < 0) native.copy(this.#aside, this.#range.address, this.#dataBytes);
  }

  /** The one step after which no page of a holder is behind the bytes. */
  #putBack(): void {
    const { native } = this.#host;
    const { address } = this.#range;
    const moved = native.move(this.#aside, this.#dataBytes, address);
    if (typeof moved === 'bigint') {
      this.#aside = 0n;
      return;
    }
    // The process has as many mappings as it may; this needs none more. Another thread that reads
    // the bytes in between finds zeros: better than to leave them with the holders.
    const flags = privatePages | MapFlag.Fixed;
    const mapped = native.map(address, this.#dataBytes, readWrite, flags, -1);
    assert(typeof mapped === 'bigint', 'the kernel replaces the pages of a region');
    native.copy(address, this.#aside, this.#dataBytes);
  }

  /** Holders that stay are left with zeros; where they may write, the pages go as well. */
  #clear(): void {
    const { native } = this.#host;
    if (this.#shadow === 0n) {
      native.punch(this.#data.descriptor, native.pageBytes, this.#dataBytes);
      return;
    }
    native.advise(this.#shadow, this.#dataBytes, populateWrite);
    native.clear(this.#shadow, this.#dataBytes);
  }

  #close(): void {
    const { native } = this.#host;
    for (const address of [this.#pending, this.#aside, this.#shadow]) {
      if (address !== 0n) native.unmap(address, this.#dataBytes);
    }
    this.#notice.close();
    this.#tally.close();
  }
}
