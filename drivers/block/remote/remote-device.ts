/** RemoteBlockDevice: a block device over a front end that recovers. See `openRemoteDevice`. */
import type { Domain, LifecycleEvent, RemoteBufferReference } from 'idc';
import type { FrontEnd, FrontEndStatistics } from 'idc/drivers/kit';
import { Subject, type Observable } from 'rxjs';
import { assert } from 'idc/contract';
import type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from '../block-device.js';
import { BlockError, BlockErrorCode } from '../block-error.js';
import { checkRange, describeRange, refuse } from '../block-range.js';
import { Operations, type Leave } from '../file/operations.js';
import { blockErrorOf, isNotMoved } from './block-failure.js';
import { isGeometry, type Geometry } from './geometry.js';
import { LentMemory } from './lent-memory.js';
import type { LentSlab } from './lent-slab.js';
import { inPieces, type DoPiece } from './pieces.js';
import { inlineBytesMax, pieceBytesMax, type BlockSchema } from './protocol.js';

/** A device at the other end of an address. */
export interface RemoteDevice extends BlockDevice {
  readonly address: string;
  /** True while there is a connection to the back end; without one operations wait. */
  readonly isConnected: boolean;
  readonly lifecycle$: Observable<LifecycleEvent>;
  statistics(): FrontEndStatistics;
}

/** Pieces of one operation that are under way at a time. */
const lanes = 4;

const noGeometry: Geometry = { byteLength: 0, blockBytes: 1, isReadOnly: true, contents: '' };

export class RemoteBlockDevice implements RemoteDevice {
  readonly address: string;
  readonly resize$: Observable<number>;
  readonly memory: LentMemory;
  readonly #domain: Domain;
  readonly #frontEnd: FrontEnd<BlockSchema>;
  readonly #operations = new Operations();
  readonly #resize = new Subject<number>();
  #geometry: Geometry = noGeometry;
  /** Why nothing will be done any more. */
  #refusal: BlockError | undefined = undefined;
  /** The question what the device is, and whether it has to be asked once more. */
  #asking: Promise<void> | undefined = undefined;
  #isStale = false;
  #closing: Promise<void> | undefined = undefined;

  /** Owns `frontEnd` from now on; `start` must be called before anything else. */
  constructor(domain: Domain, address: string, frontEnd: FrontEnd<BlockSchema>) {
    this.#domain = domain;
    this.address = address;
    this.#frontEnd = frontEnd;
    this.memory = new LentMemory(domain, inlineBytesMax + 1);
    this.resize$ = this.#resize.asObservable();
  }

  /** Resolves when it is known what the device is; rejects, closed, with a `BlockError`. */
  async start(connectMs: number, signal: AbortSignal | undefined): Promise<void> {
    const options = { timeoutMs: connectMs, ...(signal && { signal }) };
    try {
      const geometry = await this.#frontEnd.identify({}, options);
      if (!isGeometry(geometry)) throw this.#nonsense('what it is');
      this.#geometry = geometry;
    } catch (thrown) {
      const { lastFault } = this.#frontEnd.endpoint;
      await this.#frontEnd.close();
      const error = blockErrorOf(thrown, this.address);
      if (lastFault === undefined) throw error;
      throw new BlockError(error.code, `${this.address}: ${lastFault}`, { cause: thrown });
    }
    this.#frontEnd.resized$.subscribe(() => {
      this.#ask();
    });
    this.#frontEnd.lifecycle$.subscribe(({ type }) => {
      if (type === 'connect') this.#ask();
    });
    this.#ask(); // It may have changed in between.
  }

  get byteLength(): number {
    return this.#geometry.byteLength;
  }

  get blockBytes(): number {
    return this.#geometry.blockBytes;
  }

  get isReadOnly(): boolean {
    return this.#geometry.isReadOnly;
  }

  get isConnected(): boolean {
    return this.#frontEnd.agreed !== undefined;
  }

  get lifecycle$(): Observable<LifecycleEvent> {
    return this.#frontEnd.lifecycle$;
  }

  statistics(): FrontEndStatistics {
    return this.#frontEnd.statistics();
  }

  // HOT:
  read(offset: number, target: Uint8Array): Done {
    const { byteLength } = target;
    const refusal = this.#check(offset, byteLength);
    if (refusal !== undefined) return refusal;
    if (byteLength === 0) return undefined;
    if (byteLength <= inlineBytesMax) return this.#operate(this.#readInline(offset, target));
    return this.#operate(this.#readByReference(offset, target));
  }

  // HOT:
  write(offset: number, source: Uint8Array, options?: WriteOptions): Done {
    const { byteLength } = source;
    const refusal = this.#checkChange(offset, byteLength);
    if (refusal !== undefined) return refusal;
    if (byteLength === 0) return undefined;
    const fua = options?.fua === true;
    if (byteLength <= inlineBytesMax) {
      return this.#operate(this.#frontEnd.write({ offset, data: source, fua }));
    }
    return this.#operate(this.#writeByReference(offset, source, fua));
  }

  flush(): Done {
    return this.#check(0, 0) ?? this.#operate(this.#frontEnd.flush());
  }

  discard(offset: number, byteLength: number): Done {
    const refusal = this.#checkChange(offset, byteLength);
    if (refusal !== undefined) return refusal;
    if (byteLength === 0) return undefined;
    return this.#operate(this.#frontEnd.discard({ offset, byteLength }));
  }

  writeZeroes(offset: number, byteLength: number, options: WriteZeroesOptions = {}): Done {
    const refusal = this.#checkChange(offset, byteLength);
    if (refusal !== undefined) return refusal;
    if (byteLength === 0) return undefined;
    const { fua = false, mayDiscard = false } = options;
    return this.#operate(this.#frontEnd.writeZeroes({ offset, byteLength, fua, mayDiscard }));
  }

  status(offset: number, byteLength: number): Promise<readonly Extent[]> {
    assert(byteLength > 0, 'the status of nothing', 'BAD_ARGUMENT');
    const refusal = this.#check(offset, byteLength);
    return refusal ?? this.#operate(this.#askStatus(offset, byteLength));
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  async #shut(): Promise<void> {
    await this.#operations.settled();
    await this.memory.close();
    await this.#frontEnd.close();
    this.#resize.complete();
  }

  // HOT: no async function, which would cost three promises more.
  #operate<Result>(work: Promise<Result>): Promise<Result> {
    const leave = this.#operations.join();
    return work.then(
      (result) => {
        if (this.#asking !== undefined) return this.#confirm(result, this.#asking, leave);
        leave();
        if (this.#refusal !== undefined) throw this.#refusal;
        return result;
      },
      (thrown: unknown) => {
        leave();
        throw blockErrorOf(thrown, this.address);
      },
    );
  }

  /** After a reconnect it may have been done on another device than the caller knows. */
  async #confirm<Result>(result: Result, asking: Promise<void>, leave: Leave): Promise<Result> {
    await asking;
    leave();
    if (this.#refusal !== undefined) throw this.#refusal;
    return result;
  }

  // HOT:
  #readInline(offset: number, target: Uint8Array): Promise<void> {
    const { byteLength } = target;
    const reading = this.#frontEnd.read({ offset, byteLength }, { into: target });
    return reading.then(({ data }) => {
      if (data !== target) throw this.#nonsense('what it read');
    });
  }

  #readByReference(offset: number, target: Uint8Array): Promise<void> {
    return this.#whileLent(target, 'write', (reference, start) =>
      this.#movePieces(
        target.byteLength,
        (at, byteLength) =>
          this.#frontEnd.readTo({
            offset: offset + at,
            byteLength,
            target: reference,
            at: start + at,
          }),
        (at, byteLength) => this.#readInline(offset + at, target.subarray(at, at + byteLength)),
      ),
    );
  }

  #writeByReference(offset: number, source: Uint8Array, fua: boolean): Promise<void> {
    return this.#whileLent(source, 'read', (reference, start) =>
      this.#movePieces(
        source.byteLength,
        (at, byteLength) =>
          this.#changeOnce(() =>
            this.#frontEnd.writeFrom({
              offset: offset + at,
              byteLength,
              source: reference,
              at: start + at,
              fua,
            }),
          ),
        (at, byteLength) =>
          this.#frontEnd.write({
            offset: offset + at,
            data: source.subarray(at, at + byteLength),
            fua,
          }),
      ),
    );
  }

  /**
   * Does `work` while the back end has access to `bytes`: from `start` on in what the reference
   * covers. Nothing that is late can change or read the caller's memory after this.
   */
  async #whileLent(
    bytes: Uint8Array,
    access: 'read' | 'write',
    work: (reference: RemoteBufferReference, start: number) => Promise<void>,
  ): Promise<void> {
    const slab = this.memory.slabOf(bytes);
    if (slab !== undefined) {
      await this.#whileInSlab(slab, () =>
        work(slab.reference, bytes.byteOffset - slab.bytes.byteOffset),
      );
      return;
    }
    const lent = this.#domain.registerBuffer(bytes, { access });
    try {
      await work(lent.reference, 0);
    } finally {
      await lent.unregister();
    }
  }

  async #whileInSlab(slab: LentSlab, work: () => Promise<void>): Promise<void> {
    const { repeated } = this.#frontEnd.statistics();
    let isOver = false;
    slab.enter();
    try {
      await work();
      // An attempt of which no answer came may still be moving bytes.
      isOver = this.#frontEnd.statistics().repeated === repeated;
    } finally {
      const retired = slab.leave();
      await (isOver ? retired : this.memory.retire(slab));
    }
  }

  /** Moves pieces by the reference; what the back end could not move so, in transactions. */
  #movePieces(byteLength: number, byReference: DoPiece, inline: DoPiece): Promise<void> {
    return inPieces(byteLength, pieceBytesMax, lanes, async (start, length) => {
      try {
        await byReference(start, length);
      } catch (thrown) {
        if (!isNotMoved(thrown)) throw thrown;
        await inPieces(length, inlineBytesMax, 1, (at, rest) => inline(start + at, rest));
      }
    });
  }

  /**
   * A change that is not to be made anew if it cannot be moved after it was submitted again: a back
   * end that died may have made it, and others may have changed the place since.
   */
  async #changeOnce(change: () => Promise<void>): Promise<void> {
    const { repeatedUncertain } = this.#frontEnd.statistics();
    try {
      await change();
    } catch (thrown) {
      const isCertain = this.#frontEnd.statistics().repeatedUncertain === repeatedUncertain;
      throw isCertain ? thrown : blockErrorOf(thrown, this.address);
    }
  }

  async #askStatus(offset: number, byteLength: number): Promise<readonly Extent[]> {
    const { blockBytes } = this;
    const { extents } = await this.#frontEnd.status({ offset, byteLength });
    let covered = 0;
    for (const extent of extents) {
      if (extent.byteLength === 0 || extent.byteLength % blockBytes !== 0) covered = Infinity;
      covered += extent.byteLength;
    }
    if (covered === 0 || covered > byteLength) throw this.#nonsense('its extents');
    return extents;
  }

  /** Asks what the device is, and once more if that is wanted while the answer is on its way. */
  #ask(): void {
    this.#isStale = true;
    this.#asking ??= this.#askUntilFresh();
  }

  async #askUntilFresh(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      try {
        this.#update(await this.#frontEnd.identify());
      } catch (thrown) {
        // Without an answer things stay as they are; it is asked again in the next epoch.
        blockErrorOf(thrown, this.address);
      }
    }
    this.#asking = undefined;
  }

  #update(geometry: Geometry): void {
    const { byteLength, blockBytes, contents } = this.#geometry;
    const isSame = geometry.contents === contents && geometry.blockBytes === blockBytes;
    if (!isSame || !isGeometry(geometry)) {
      const reason = `${this.address} is another device than before: what was written is lost`;
      this.#refusal = new BlockError(BlockErrorCode.Failed, reason);
      return;
    }
    this.#geometry = geometry;
    if (geometry.byteLength !== byteLength) this.#resize.next(geometry.byteLength);
  }

  #check(offset: number, byteLength: number): Promise<never> | undefined {
    if (this.#closing !== undefined) {
      return refuse(BlockErrorCode.Closed, `the device at ${this.address} was closed here`);
    }
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    const code = checkRange(this, offset, byteLength);
    return code && refuse(code, describeRange(this, offset, byteLength));
  }

  #checkChange(offset: number, byteLength: number): Promise<never> | undefined {
    const refusal = this.#check(offset, byteLength);
    if (refusal !== undefined || !this.isReadOnly) return refusal;
    return refuse(BlockErrorCode.ReadOnly, `the device at ${this.address} may only be read`);
  }

  #nonsense(what: string): BlockError {
    const reason = `${this.address}: the back end told nonsense of ${what}`;
    return new BlockError(BlockErrorCode.Failed, reason);
  }
}
