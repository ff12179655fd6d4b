/**
 * Mappings: the memory that other domains lend to this one (map mode, B9). Each buffer is asked for
 * and mapped once; then a transfer is one copy by the caller, and its owner does nothing.
 *
 * A reference is good for the memory only after its owner has checked it, so a mapping knows the
 * references with which it was asked for. At most 64 are kept; the least recently used one goes.
 */
import { ErrorCode } from '../errors.js';
import type { MappedRegion } from '../shared-memory.js';
import type { Channel } from './channel.js';
import { fillLocal, gatherLocal, type Local } from './local-list.js';
import { reactionTo } from './operation-reaction.js';
import type { Requests } from './operation-request.js';
import type { Target } from './operation-target.js';
import { RemoteBufferView } from './remote-buffer-view.js';
import { TransferOp } from './transfer-wire.js';

const mappingsMax = 64;
/** References of one mapping that are remembered as checked. */
const codesMax = 256;
/** Buffers of which is remembered that they are not to be had by way of a channel. */
const refusedMax = 1_024;

export class Mapping {
  readonly registrationKey: string;
  readonly region: MappedRegion;
  /** References that the owner has checked. */
  readonly codes: Set<string> = new Set();
  usedAt = 0;
  isLive = true;
  /** Of those that are open, the region is held after it was dropped. */
  viewCount = 0;

  constructor(registrationKey: string, region: MappedRegion) {
    this.registrationKey = registrationKey;
    this.region = region;
  }
}

/** What became of a copy to or from lent memory. */
export const MappedOutcome = {
  Done: 0,
  /** The memory was taken back before: nothing was copied. */
  Revoked: 1,
  /** It was taken back meanwhile: what was copied is worth nothing, or may have been seen. */
  RevokedMeanwhile: 2,
} as const;
export type MappedOutcome = (typeof MappedOutcome)[keyof typeof MappedOutcome];

export class Mappings {
  /** Copies, and views, that were done. */
  copyCount = 0;
  readonly #requests: Requests;
  readonly #byRegistration = new Map<string, Mapping>();
  readonly #refused = new Map<string, Channel>();
  readonly #opening = new Map<string, Promise<Mapping | undefined>>();
  #useCount = 0;
  #isEnded = false;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  get count(): number {
    return this.#byRegistration.size;
  }

  /** HOT: the memory behind the reference, if it is mapped here. */
  current(target: Target): Mapping | undefined {
    const { mapping } = target;
    if (mapping !== undefined && mapping.isLive) return mapping;
    return this.#byRegistration.size === 0 ? undefined : this.#lookUp(target);
  }

  /** True if it could be had by way of `channel`, as far as is known. */
  isWorthAsking(target: Target, channel: Channel): boolean {
    const { ownerId, ownerIncarnation } = target.reference;
    if (!target.mayMap || channel.memory === undefined) return false;
    if (!channel.leadsTo(ownerId, ownerIncarnation)) return false;
    return this.#refused.get(target.registrationKey) !== channel;
  }

  /** Asks the owner and maps what it lends; undefined if there is only the way by copy. */
  open(target: Target, channel: Channel, timeoutMs: number): Promise<Mapping | undefined> {
    const { code } = target;
    const key = `${target.registrationKey}.${code}`;
    const opening = this.#opening.get(key);
    if (opening !== undefined) return opening;
    const promise = this.#ask(target, code, channel, timeoutMs).finally(() => {
      this.#opening.delete(key);
    });
    this.#opening.set(key, promise);
    return promise;
  }

  /** HOT: one copy, by the caller's own thread. */
  copy(mapping: Mapping, isWrite: boolean, local: Local, offset: number): MappedOutcome {
    const { region } = mapping;
    mapping.usedAt = ++this.#useCount;
    if (!region.enter()) {
      this.#drop(mapping);
      return MappedOutcome.Revoked;
    }
    if (isWrite) gatherLocal(local, region.bytes, offset);
    else fillLocal(local, 0, region.bytes, offset, local.byteLength);
    if (region.leave()) {
      this.copyCount++;
      return MappedOutcome.Done;
    }
    this.#drop(mapping);
    return MappedOutcome.RevokedMeanwhile;
  }

  /** HOT: a part of it, mapped until that is closed; undefined if it was taken back. */
  view(mapping: Mapping, offset: number, byteLength: number): RemoteBufferView | undefined {
    const { region } = mapping;
    mapping.usedAt = ++this.#useCount;
    if (!region.enter()) {
      this.#drop(mapping);
      return undefined;
    }
    mapping.viewCount++;
    return new RemoteBufferView(this, mapping, region.bytes.subarray(offset, offset + byteLength));
  }

  /** HOT: false if the memory was taken back meanwhile. */
  closeView(mapping: Mapping): boolean {
    const isWhole = mapping.region.leave();
    mapping.viewCount--;
    if (!mapping.isLive) this.#releaseUnused(mapping);
    else if (!isWhole) this.#drop(mapping);
    if (isWhole) this.copyCount++;
    return isWhole;
  }

  end(): void {
    this.#isEnded = true;
    for (const mapping of [...this.#byRegistration.values()]) this.#drop(mapping);
    this.#refused.clear();
  }

  #lookUp(target: Target): Mapping | undefined {
    const mapping = this.#byRegistration.get(target.registrationKey);
    if (mapping?.codes.has(target.code) !== true) return undefined;
    target.mapping = mapping;
    return mapping;
  }

  async #ask(
    target: Target,
    code: string,
    channel: Channel,
    timeoutMs: number,
  ): Promise<Mapping | undefined> {
    const answer = await this.#requests.ask(TransferOp.Map, target, channel, 0, timeoutMs);
    if (this.#isEnded) return undefined;
    // Two references to one buffer may have been asked for at the same time.
    const known = this.#byRegistration.get(target.registrationKey);
    const isGranted = answer.code === ErrorCode.Ok;
    const mapping = isGranted ? (known ?? this.#map(target, channel, answer.data)) : undefined;
    if (mapping === undefined) {
      // Another time it may be answered.
      if (isGranted || reactionTo(answer.code) === 'final') this.#refuse(target, channel);
      return undefined;
    }
    if (mapping.codes.size >= codesMax) mapping.codes.clear();
    mapping.codes.add(code);
    target.mapping = mapping;
    return mapping;
  }

  #map(target: Target, channel: Channel, description: Uint8Array): Mapping | undefined {
    const { memory, identity } = channel;
    const { byteLength, access } = target.reference;
    if (memory === undefined || identity === undefined) return undefined;
    const region = memory.map(identity, description, byteLength, access);
    if (typeof region === 'string') return undefined;
    if (region.bytes.length !== byteLength) {
      region.release();
      return undefined;
    }
    if (this.#byRegistration.size >= mappingsMax) this.#dropLeastUsed();
    const mapping = new Mapping(target.registrationKey, region);
    mapping.usedAt = ++this.#useCount;
    this.#byRegistration.set(mapping.registrationKey, mapping);
    return mapping;
  }

  #refuse(target: Target, channel: Channel): void {
    const key = target.registrationKey;
    this.#refused.delete(key);
    this.#refused.set(key, channel);
    if (this.#refused.size <= refusedMax) return;
    const [oldest] = this.#refused.keys();
    if (oldest !== undefined) this.#refused.delete(oldest);
  }

  #drop(mapping: Mapping): void {
    mapping.isLive = false;
    this.#byRegistration.delete(mapping.registrationKey);
    this.#releaseUnused(mapping);
  }

  /** Its range of addresses serves others then, so nobody may still store to it. */
  #releaseUnused(mapping: Mapping): void {
    if (mapping.viewCount === 0) mapping.region.release();
  }

  #dropLeastUsed(): void {
    let least: Mapping | undefined;
    for (const mapping of this.#byRegistration.values()) {
      if (least === undefined || mapping.usedAt < least.usedAt) least = mapping;
    }
    if (least !== undefined) this.#drop(least);
  }
}
