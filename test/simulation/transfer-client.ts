/**
 * TransferClient: a seeded user of remote buffers in one life of a domain. It registers buffers,
 * passes references on as they are or narrowed, reads and writes through those that it was given,
 * and takes its own back; all of it is entered into the books.
 */
import {
  ErrorCode,
  IdcError,
  RemoteBufferReference,
  type Domain,
  type Endpoint,
  type TransferOptions,
} from '../../core/index.js';
import type { NarrowOptions } from '../../core/transfer/reference-narrow.js';
import type { BufferAccess } from '../../core/shared-memory.js';
import type { Life } from './life.js';
import type { Place } from './place.js';
import type { Random } from './prng.js';
import type { TransferLedger } from './transfer-ledger.js';
import type { TransferPlan } from './transfer-plan.js';
import type { TransferRecord } from './transfer-record.js';
import type { WatchedBuffer } from './watched-buffer.js';
import type { World } from './world.js';

/** What a domain was given: a reference, and what the books know of it. */
export interface Gift {
  readonly encoded: Uint8Array;
  readonly buffer: WatchedBuffer;
  /** The range in the registered buffer. */
  readonly from: number;
  readonly byteLength: number;
  readonly access: BufferAccess;
  readonly expiresMs: number;
  readonly isRestricted: boolean;
  /** The domain that gave it. */
  readonly giver: string;
}

/** What the transfer clients of one world have in common. */
export interface TransferHost {
  readonly world: World;
  readonly ledger: TransferLedger;
  readonly plan: TransferPlan;
  /** False once clients begin nothing new. */
  readonly isBusy: boolean;
  giftsOf(place: Place): readonly Gift[];
  give(place: Place, gift: Gift): void;
  /** It is of no use any more. */
  drop(place: Place, gift: Gift): void;
  /** A write has just begun. */
  underWay(holder: Place, owner: Place): void;
}

export interface TransferChoice {
  readonly isWrite: boolean;
  /** In the range of the gift. */
  readonly offset: number;
  readonly byteLength: number;
  readonly timeoutMs: number;
  readonly isAbortable?: boolean;
}

/** What a local buffer holds once nobody may touch it any more. */
const settledByte = 0x5a;
const settledMax = 8;
const localGuardBytes = 16;

export class TransferClient {
  readonly place: Place;
  readonly life: Life;
  readonly #host: TransferHost;
  readonly #domain: Domain;
  readonly #random: Random;
  readonly #buffers: WatchedBuffer[] = [];
  readonly #decoded = new Map<Gift, RemoteBufferReference>();
  readonly #aborts = new Map<TransferRecord, AbortController>();
  /** Local memory of transfers that have settled, which stays as it is. */
  readonly #settled: Uint8Array[] = [];

  constructor(host: TransferHost, place: Place, domain: Domain, random: Random) {
    this.place = place;
    this.life = place.life;
    this.#host = host;
    this.#domain = domain;
    this.#random = random;
  }

  get domain(): Domain {
    return this.#domain;
  }

  start(): void {
    this.#think();
  }

  /** A new buffer, and a reference to all of it. */
  register(byteLength: number): Gift {
    const { plan, ledger } = this.#host;
    const buffer = ledger.addBuffer(this.place, byteLength, plan.fenceMs);
    const access = this.#random.pick(['readWrite', 'readWrite', 'read', 'write'] as const);
    return this.registerAs(buffer, access);
  }

  registerAs(buffer: WatchedBuffer, access: BufferAccess): Gift {
    const { bytes, byteLength } = buffer;
    const at = this.#random.between(0, byteLength);
    const isScattered = this.#random.chance(0.2) && at > 0 && at < byteLength;
    const local = isScattered ? [bytes.subarray(0, at), bytes.subarray(at)] : bytes;
    buffer.registered = this.#domain.registerBuffer(local, { access, trackWrites: true });
    this.#buffers.push(buffer);
    const encoded = buffer.registered.reference.encode();
    const common = { encoded, buffer, from: 0, byteLength, access, expiresMs: Infinity };
    return { ...common, isRestricted: false, giver: this.place.name };
  }

  /** Begins a transfer; resolves with how it ended. */
  transfer(gift: Gift, choice: TransferChoice): Promise<string> {
    const { isWrite, offset, byteLength, timeoutMs } = choice;
    const { ledger } = this.#host;
    const record = ledger.begin(this.place, {
      isWrite,
      buffer: gift.buffer,
      from: gift.from + offset,
      byteLength,
      expiresMs: gift.expiresMs,
      isRestricted: gift.isRestricted,
      expected: expectedOf(gift, choice),
      timeoutMs,
    });
    const arena = new Uint8Array(byteLength + 2 * localGuardBytes).fill(settledByte);
    const local = arena.subarray(localGuardBytes, localGuardBytes + byteLength);
    if (isWrite) local.set(record.makeSource());
    const options = this.#optionsOf(record, choice);
    const reference = this.#decode(gift);
    const bytes = this.#scatter(local);
    const promise = isWrite
      ? this.#domain.sendToRemoteBuffer(reference, bytes, options)
      : this.#domain.receiveFromRemoteBuffer(reference, bytes, options);
    const end = (code: string, execution: 'never' | 'maybe' | 'done'): string => {
      ledger.settled(record, code, execution, isWrite ? undefined : local);
      this.#aborts.delete(record);
      this.#checkLocal(record, arena, local);
      return code;
    };
    return promise.then(
      () => end('OK', 'done'),
      (error: unknown) => {
        if (!(error instanceof IdcError)) throw error;
        return end(error.code, error.execution);
      },
    );
  }

  /** Gives up what is under way, and takes back what it registered. */
  finish(): void {
    for (const [record, abort] of this.#aborts) {
      this.#host.ledger.aborted(record);
      abort.abort();
    }
    for (const buffer of this.#buffers.splice(0)) this.#host.ledger.unregister(buffer);
  }

  /** After the last transfer: nothing is left, and nobody has touched what is the client's. */
  check(): void {
    const { world } = this.#host;
    const { outstanding } = this.#domain.transferStatistics().asHolder;
    const registeredCount = this.#domain.registeredBuffers().length;
    const isLeft = outstanding + registeredCount > 0;
    const claim = `V11 ${outstanding} transfers, ${registeredCount} registrations are left`;
    world.expect(!isLeft, claim, this.place.name);
    for (const local of this.#settled) this.#checkSettled(local);
  }

  #optionsOf(record: TransferRecord, choice: TransferChoice): TransferOptions {
    const { offset, timeoutMs, byteLength, isAbortable = true } = choice;
    const { plan, world } = this.#host;
    const abort = new AbortController();
    if (isAbortable) this.#aborts.set(record, abort);
    if (isAbortable && this.#random.chance(plan.aborts)) {
      this.#after(plan.abortMs * this.#random.fraction(), () => {
        this.#host.ledger.aborted(record);
        abort.abort();
      });
    }
    let before = 0;
    const onProgress = (byteCount: number): void => {
      const isMore = byteCount > before && byteCount <= byteLength && record.isUnderWay;
      world.expect(isMore, `${record.name}: ${byteCount} bytes after ${before}`);
      before = byteCount;
    };
    return { offset, timeoutMs, signal: abort.signal, onProgress };
  }

  /** The end is absolute for the local bytes: from now on they are the client's. */
  #checkLocal(record: TransferRecord, arena: Uint8Array, local: Uint8Array): void {
    const { isWrite } = record.request;
    const source = record.makeSource();
    const isSource = !isWrite || Buffer.compare(local, source) === 0;
    this.#host.world.expect(isSource, `${record.name}: its source has changed`);
    local.fill(settledByte);
    this.#settled.push(arena);
    this.#checkSettled(arena);
    const [oldest] = this.#settled;
    if (this.#settled.length <= settledMax || oldest === undefined) return;
    this.#checkSettled(oldest);
    this.#settled.shift();
  }

  #checkSettled(local: Uint8Array): void {
    const isIntact = local.every((byte) => byte === settledByte);
    const claim = 'a local buffer is touched around it, or after its end';
    this.#host.world.expect(isIntact, claim, this.place.name);
  }

  #think(): void {
    const [least, most] = this.#host.plan.thinkMs;
    this.#after(least + (most - least) * this.#random.fraction(), () => {
      if (!this.#host.isBusy || this.place.isClosing) return;
      this.#act();
      this.#think();
    });
  }

  #act(): void {
    const { plan } = this.#host;
    if (this.#buffers.length < plan.buffersMax && this.#random.chance(0.3)) this.#registerOne();
    if (this.#random.chance(plan.unregisters)) this.#unregisterOne();
    if (this.#random.chance(plan.gifts)) this.#passOn();
    if (this.#random.chance(0.1)) this.#useOwn();
    const gifts = this.#host.giftsOf(this.place);
    if (gifts.length === 0) return;
    const gift = this.#random.pick(gifts);
    const choice = this.#drawChoice(gift);
    void this.transfer(gift, choice).then((code) => {
      // The others are tried again and again: they have to stay refused.
      const isUseless = code === ErrorCode.StaleReference || code === ErrorCode.ExpiredReference;
      if (isUseless && this.#random.chance(0.8)) this.#host.drop(this.place, gift);
    });
    if (choice.isWrite) this.#host.underWay(this.place, gift.buffer.place);
  }

  #registerOne(): void {
    const [least, most] = this.#host.plan.bufferBytes;
    this.#offer(this.register(this.#random.between(least, most)));
  }

  #unregisterOne(): void {
    const buffer = this.#buffers.shift();
    if (buffer !== undefined) this.#host.ledger.unregister(buffer);
  }

  /** As its owner: looks at what was written, or stores something itself. */
  #useOwn(): void {
    const [buffer] = this.#buffers;
    if (buffer === undefined) return;
    if (this.#random.chance(0.5)) {
      this.#host.ledger.takeBlocks(buffer);
      return;
    }
    const from = this.#random.between(0, buffer.byteLength - 1);
    const bytes = new Uint8Array(this.#random.between(1, buffer.byteLength - from));
    this.#random.fill(bytes);
    this.#host.ledger.store(buffer, from, bytes);
  }

  /** To a third domain, narrowed or not. */
  #passOn(): void {
    const gifts = this.#host.giftsOf(this.place);
    if (gifts.length === 0) return;
    const gift = this.#random.pick(gifts);
    this.#offer(this.#random.chance(0.6) ? this.#narrow(gift) : gift);
  }

  #offer(gift: Gift): void {
    const { places } = this.#host.world;
    const others = places.filter((place) => place !== gift.buffer.place);
    const isForOthers = this.#random.chance(0.9) && others.length > 0;
    const place = this.#random.pick(isForOthers ? others : places);
    this.#host.give(place, { ...gift, giver: this.place.name });
  }

  #narrow(gift: Gift): Gift {
    const isAny = this.#random.chance(0.2);
    const offset = this.#random.between(0, isAny ? gift.byteLength : gift.byteLength >> 2);
    const room = gift.byteLength - offset;
    const byteLength = this.#random.between(isAny ? 0 : room >> 1, room);
    const nowMs = this.place.runtime.clock.unixMs();
    const expiresMs = this.#random.chance(0.3) ? nowMs + this.#random.between(1, 4_000) : Infinity;
    const isSame = gift.access !== 'readWrite' || this.#random.chance(0.6);
    const access = isSame ? gift.access : this.#random.pick(['read', 'write'] as const);
    const holder = this.#drawHolder();
    const options: NarrowOptions = {
      offset,
      byteLength,
      access,
      ...(expiresMs < Infinity && { expiresMs }),
      ...(holder !== undefined && !gift.isRestricted && { holder }),
    };
    const reference = RemoteBufferReference.decode(gift.encoded);
    let narrowed: RemoteBufferReference;
    try {
      narrowed = reference.narrow(options);
    } catch (error) {
      // So often was it narrowed that no more fits.
      if (error instanceof IdcError && error.code === 'TOO_LARGE') return gift;
      throw error;
    }
    return {
      ...gift,
      encoded: narrowed.encode(),
      from: gift.from + offset,
      byteLength,
      access,
      expiresMs: Math.min(gift.expiresMs, expiresMs),
      isRestricted: gift.isRestricted || holder !== undefined,
    };
  }

  /** A peer whom the network proves. */
  #drawHolder(): NarrowOptions['holder'] {
    if (!this.#random.chance(0.2)) return undefined;
    const identity = this.#endpoints().at(0)?.peer?.identity;
    return identity?.kind === 'unproven' ? undefined : identity;
  }

  #drawChoice(gift: Gift): TransferChoice {
    const timeoutMs = this.#random.between(...this.#host.plan.timeoutMs);
    const isWrite =
      gift.access === 'readWrite' ? this.#random.chance(0.6) : gift.access === 'write';
    const isWrong = this.#random.chance(0.02);
    const least = this.#random.chance(0.95) && gift.byteLength > 0 ? 1 : 0;
    const offset = this.#random.between(0, gift.byteLength - least);
    const room = gift.byteLength - offset;
    const byteLength = this.#random.chance(0.3) ? room : this.#random.between(least, room);
    if (!isWrong) return { isWrite, offset, byteLength, timeoutMs };
    const isDenied = gift.access !== 'readWrite' && this.#random.chance(0.5);
    if (isDenied) return { isWrite: !isWrite, offset, byteLength, timeoutMs };
    return { isWrite, offset, byteLength: room + 1, timeoutMs };
  }

  #decode(gift: Gift): RemoteBufferReference {
    const known = this.#decoded.get(gift);
    if (known !== undefined) return known;
    const from = this.#endpoints().find(({ peer }) => peer?.domainName === gift.giver);
    const reference = RemoteBufferReference.decode(gift.encoded, from);
    this.#decoded.set(gift, reference);
    return reference;
  }

  /** Those of this domain that are connected. */
  #endpoints(): readonly Endpoint[] {
    return this.#host.world.watchRoom.watches
      .filter((watch) => watch.life === this.life && watch.isConnected)
      .map(({ endpoint }) => endpoint);
  }

  #scatter(bytes: Uint8Array): Uint8Array | readonly Uint8Array[] {
    if (!this.#random.chance(0.3)) return bytes;
    const at = this.#random.between(0, bytes.length);
    return [bytes.subarray(0, at), new Uint8Array(0), bytes.subarray(at)];
  }

  #after(delayMs: number, task: () => void): void {
    this.place.runtime.scheduler.after(delayMs, task);
  }
}

/** What the reference itself forbids. */
function expectedOf(gift: Gift, choice: TransferChoice): string | undefined {
  const wanted = choice.isWrite ? 'write' : 'read';
  if (gift.access !== 'readWrite' && gift.access !== wanted) return 'ACCESS_DENIED';
  return choice.offset + choice.byteLength > gift.byteLength ? 'OUT_OF_RANGE' : undefined;
}
