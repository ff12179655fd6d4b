/**
 * Transfers: the holder's side of a domain. Each call of `send` and `receive` is one operation with
 * exactly one outcome: over a channel, in memory that its owner lends, or at once if the buffer is
 * this domain's own.
 *
 * At most `outstanding` operations run; a slot for one can be had beforehand. For the local bytes
 * an outcome is absolute: afterwards nothing here reads or writes them. For the remote ones it is
 * after `done` and `never`; after `maybe` a piece may still land until its owner fenced it or its
 * lease ran out, and until then this side holds back whatever would go to the same place (B5).
 */
import { AbortFanOut } from '../abort-fan-out.js';
import type { Bytes } from '../api.js';
import { assert } from '../assert.js';
import { tellProgress } from '../client-call.js';
import { ErrorCode, IdcError, type Execution } from '../errors.js';
import type { Runtime } from '../runtime.js';
import { WheelTimer, type TimerWheel } from '../timer-wheel.js';
import type { Channel, Routes } from './channel.js';
import { LaneCarrier } from './lane-carrier.js';
import { Leases } from './lease.js';
import { fillLocal, makeLocal, type Local } from './local-list.js';
import { MappedOutcome, Mappings, type Mapping } from './operation-mappings.js';
import { Pipeline } from './operation-pipeline.js';
import { Requests } from './operation-request.js';
import { Search } from './operation-search.js';
import { TransferSlot, type SlotKeeper } from './operation-slot.js';
import { Targets, type Target } from './operation-target.js';
import { UnfencedRanges, type UnfencedRange } from './operation-unfenced.js';
import { Operation, type OperationHost } from './operation.js';
import { RemoteBufferReference } from './reference.js';
import type { Holder, Registrations } from './registrations.js';
import type { RemoteBufferView } from './remote-buffer-view.js';
export { TransferSlot } from './operation-slot.js';

export interface TransferOptions {
  /** Where in the range of the reference the bytes belong. Default 0. */
  readonly offset?: number;
  /** Gives the transfer up: CANCELLED, with what is known of it. */
  readonly signal?: AbortSignal;
  /** Default `limits.timeoutMs`; `Infinity` only by choice. */
  readonly timeoutMs?: number;
  /** Told how many of the bytes are transferred, in any order of them, each time it is more. */
  readonly onProgress?: (byteCount: number) => void;
  /** From `acquireTransfer`: the transfer cannot fail for want of one. The call uses it up. */
  readonly slot?: TransferSlot;
}

/** What the transfers of a domain need of it. */
export interface TransfersHost {
  readonly runtime: Runtime;
  readonly wheel: TimerWheel;
  /** This domain's id, 32 hexadecimal digits. */
  readonly domainId: string;
  /** This domain's incarnation, 16 hexadecimal digits. */
  readonly incarnation: string;
  /** For the list of who used a buffer. */
  readonly domainName?: string;
  readonly registrations: Registrations;
  readonly routes: Routes;
  /** Operations that may run at one time, those included that a slot is held for. */
  readonly outstanding: number;
  /** Default time limit of one, in milliseconds. */
  readonly timeoutMs: number;
}

/** Counters of one domain as holder. A plain copy, taken at the call. */
export interface TransferStatistics {
  /** Operations that run now, and slots that are held for others. */
  readonly outstanding: number;
  /** Operations that ended, and those that were refused at once. */
  readonly done: number;
  readonly never: number;
  readonly maybe: number;
  readonly refused: number;
  readonly doneBytes: number;
  /** Of those done: by a copy in lent memory. */
  readonly mapped: number;
  /** Pieces that were sent again. */
  readonly resubmitted: number;
  readonly searches: number;
  readonly leasesAsked: number;
  readonly fences: number;
  /** Ranges where something may still land. */
  readonly unfenced: number;
  /** Buffers of others that are mapped here. */
  readonly mappings: number;
}

const noOptions: TransferOptions = Object.freeze({});

export class Transfers {
  readonly #host: TransfersHost;
  readonly #runtime: Runtime;
  readonly #wheel: TimerWheel;
  readonly #self: Holder;
  readonly #targets: Targets;
  readonly #unfenced: UnfencedRanges;
  readonly #mappings: Mappings;
  readonly #search: Search;
  readonly #operationHost: OperationHost;
  readonly #slotKeeper: SlotKeeper = {
    slotReleased: () => {
      this.#takenCount--;
    },
  };
  readonly #aborts = new AbortFanOut();
  readonly #pipelines = new WeakMap<Channel, Pipeline>();
  #lastPipeline: Pipeline | undefined = undefined;
  readonly #operations: Operation[] = [];
  /** Operations that run, and slots that are held. */
  #takenCount = 0;
  #number = 0;
  #isEnded = false;
  readonly #deadlineTimer = new WheelTimer(() => {
    this.#expire();
  });
  #armedForMs = Infinity;
  /** What every transfer answers that is done at once. */
  readonly #done = Promise.resolve();
  readonly #counts = { done: 0, never: 0, maybe: 0, refused: 0, doneBytes: 0 };
  #resubmittedCount = 0;

  constructor(host: TransfersHost) {
    const { runtime, wheel, domainId, incarnation, domainName = '', routes } = host;
    const requests = new Requests(runtime);
    this.#host = host;
    this.#runtime = runtime;
    this.#wheel = wheel;
    const identity = { kind: 'unproven', name: '', origin: 'this domain' } as const;
    this.#self = { identity, domainId, domainName, isRelayed: false };
    this.#targets = new Targets(domainId, incarnation, new Leases());
    this.#unfenced = new UnfencedRanges(runtime.clock);
    this.#mappings = new Mappings(requests);
    this.#search = new Search({
      runtime,
      routes,
      requests,
      mappings: this.#mappings,
      unfenced: this.#unfenced,
      pipelineOf: (channel) => this.#pipelineOf(channel),
    });
    this.#operationHost = {
      runtime,
      wheel,
      requests,
      nextNumber: () => ++this.#number,
      seek: (operation) => void this.#search.seek(operation),
      renew: (operation) => {
        this.#search.renew(operation);
      },
      settled: (operation, execution) => {
        this.#settled(operation, execution);
      },
      resubmitted: () => {
        this.#resubmittedCount++;
      },
    };
  }

  /**
   * HOT: copies the local bytes into the remote buffer. Resolves once the owner has all of them;
   * they may not change before. Rejects with `IdcError`: at once OUT_OF_RANGE, ACCESS_DENIED,
   * STALE_REFERENCE, QUOTA, CANCELLED, DESTROYED, all `never`; later what the owner refused
   * (STALE_REFERENCE, EXPIRED_REFERENCE, FORGED_REFERENCE, ACCESS_DENIED, …), UNREACHABLE, TIMEOUT,
   * CANCELLED, DESTROYED, with `maybe` if any part may have been executed.
   */
  send(
    reference: RemoteBufferReference,
    local: Bytes,
    options: TransferOptions = noOptions,
  ): Promise<void> {
    return this.#transfer(true, reference, local, options);
  }

  /**
   * HOT: fills the local bytes from the remote buffer. As `send`; after an error the local bytes
   * hold any mixture, and nothing is written to them any more.
   */
  receive(
    reference: RemoteBufferReference,
    local: Bytes,
    options: TransferOptions = noOptions,
  ): Promise<void> {
    return this.#transfer(false, reference, local, options);
  }

  /**
   * HOT: the place for `byteLength` bytes in memory that the owner lends, if it is mapped here;
   * undefined if there is none that may be written now. Takes no slot.
   */
  view(
    reference: RemoteBufferReference,
    offset: number,
    byteLength: number,
  ): RemoteBufferView | undefined {
    const areCounts = Number.isInteger(offset) && Number.isInteger(byteLength) && byteLength >= 0;
    assert(areCounts, 'a view has a whole number of bytes', 'BAD_ARGUMENT');
    const target = this.#targets.of(reference);
    const code = this.#judge(target, true, offset, byteLength, undefined, true);
    const isOthers = code === ErrorCode.Ok && target.ownership === 'remote' && byteLength > 0;
    if (!isOthers || !target.mayMap || !this.#unfenced.isClear(target, offset, byteLength)) {
      return undefined;
    }
    const channel = this.#host.routes.current(reference);
    const mapping = channel && this.#mappingOf(target, channel);
    return mapping && this.#mappings.view(mapping, offset, byteLength);
  }

  /** Takes a slot for one transfer. Throws `IdcError` QUOTA, or DESTROYED, if there is none. */
  acquire(): TransferSlot {
    if (this.#isEnded) throw new IdcError(ErrorCode.Destroyed, 'never');
    if (this.#takenCount >= this.#host.outstanding) throw new IdcError(ErrorCode.Quota, 'never');
    this.#takenCount++;
    return new TransferSlot(this.#slotKeeper);
  }

  statistics(): TransferStatistics {
    return {
      ...this.#counts,
      ...this.#search.statistics,
      outstanding: this.#takenCount,
      resubmitted: this.#resubmittedCount,
      unfenced: this.#unfenced.count,
      mapped: this.#mappings.copyCount,
      mappings: this.#mappings.count,
    };
  }

  /**
   * Gives every operation up, as DESTROYED; each settles once its pieces have, which the end of its
   * channel sees to at the latest. No other one begins.
   */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const operation of [...this.#operations]) operation.giveUp(ErrorCode.Destroyed);
    this.#wheel.disarm(this.#deadlineTimer);
    this.#mappings.end();
    this.#unfenced.clear();
    this.#targets.end();
  }

  /** HOT */
  #settled(operation: Operation, execution: Execution): void {
    this.#takenCount--;
    this.#counts[execution]++;
    if (execution === 'done') this.#counts.doneBytes += operation.byteLength;
    const last = this.#operations.pop();
    assert(last !== undefined, 'an operation settles once');
    if (last !== operation) {
      this.#operations[operation.index] = last;
      last.index = operation.index;
    }
    if (operation.hasDoubts) this.#keepUnfenced(operation);
  }

  /** HOT */
  #transfer(
    isWrite: boolean,
    reference: RemoteBufferReference,
    bytes: Bytes,
    options: TransferOptions,
  ): Promise<void> {
    const { offset = 0, timeoutMs = this.#host.timeoutMs, signal, onProgress, slot } = options;
    const isReference = reference instanceof RemoteBufferReference;
    assert(isReference, 'a transfer needs a RemoteBufferReference', 'BAD_ARGUMENT');
    assert(Number.isInteger(offset), 'an offset is a whole number', 'BAD_ARGUMENT');
    assert(timeoutMs >= 0, 'a time limit is a number from 0 on', 'BAD_ARGUMENT');
    const local = makeLocal(bytes);
    const { byteLength } = local;
    const target = this.#targets.of(reference);
    const hasSlot = slot !== undefined;
    if (hasSlot) slot.take(this.#slotKeeper);
    let code = this.#judge(target, isWrite, offset, byteLength, signal, hasSlot);
    if (code !== ErrorCode.Ok) return this.#refuse(code, 'never', hasSlot);
    if (byteLength === 0) return this.#doneAtOnce(0, hasSlot, undefined);
    if (target.ownership === 'own') {
      code = this.#copyOwn(target, isWrite, local, offset);
      if (code !== ErrorCode.Ok) return this.#refuse(code, 'never', hasSlot);
      return this.#doneAtOnce(byteLength, hasSlot, onProgress);
    }
    const isClear = this.#unfenced.isClear(target, offset, byteLength);
    const channel = isClear ? this.#host.routes.current(reference) : undefined;
    if (channel !== undefined && target.mayMap) {
      const outcome = this.#copyMapped(target, channel, isWrite, local, offset);
      if (outcome === MappedOutcome.Done) return this.#doneAtOnce(byteLength, hasSlot, onProgress);
      if (outcome === MappedOutcome.RevokedMeanwhile) {
        return this.#refuse(ErrorCode.StaleReference, 'maybe', hasSlot);
      }
    }
    const nowMs = this.#runtime.clock.now();
    const operation = new Operation(
      this.#operationHost,
      target,
      isWrite,
      local,
      offset,
      nowMs,
      timeoutMs,
      onProgress,
    );
    return this.#begin(operation, channel, signal, hasSlot);
  }

  /** HOT: what can be said without the owner. */
  #judge(
    target: Target,
    isWrite: boolean,
    offset: number,
    byteLength: number,
    signal: AbortSignal | undefined,
    hasSlot: boolean,
  ): ErrorCode {
    if (this.#isEnded) return ErrorCode.Destroyed;
    if (target.ownership === 'former') return ErrorCode.StaleReference;
    if (!(isWrite ? target.mayWrite : target.mayRead)) return ErrorCode.AccessDenied;
    const roomBytes = target.reference.byteLength - byteLength;
    if (offset < 0 || offset > roomBytes) return ErrorCode.OutOfRange;
    if (signal?.aborted === true) return ErrorCode.Cancelled;
    if (byteLength === 0) return ErrorCode.Ok;
    if (!hasSlot && this.#takenCount >= this.#host.outstanding) return ErrorCode.Quota;
    return !isWrite || this.#unfenced.hasRoom(target) ? ErrorCode.Ok : ErrorCode.Quota;
  }

  /** HOT */
  #begin(
    operation: Operation,
    channel: Channel | undefined,
    signal: AbortSignal | undefined,
    hasSlot: boolean,
  ): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      operation.promise(resolve, reject);
    });
    if (!hasSlot) this.#takenCount++;
    operation.index = this.#operations.length;
    this.#operations.push(operation);
    if (signal !== undefined) {
      operation.onSettled = this.#aborts.add(signal, () => {
        operation.giveUp(ErrorCode.Cancelled);
      });
    }
    this.#watch(operation.deadlineMs);
    const isWay = channel !== undefined && !this.#mappings.isWorthAsking(operation.target, channel);
    if (isWay) operation.run(this.#pipelineOf(channel));
    else void this.#search.seek(operation);
    return promise;
  }

  #refuse(code: ErrorCode, execution: Execution, hasSlot: boolean): Promise<void> {
    if (hasSlot) this.#takenCount--;
    this.#counts.refused++;
    return Promise.reject(new IdcError(code, execution));
  }

  /** HOT */
  #doneAtOnce(
    byteLength: number,
    hasSlot: boolean,
    onProgress: ((byteCount: number) => void) | undefined,
  ): Promise<void> {
    if (hasSlot) this.#takenCount--;
    this.#counts.done++;
    this.#counts.doneBytes += byteLength;
    tellProgress(this.#runtime, onProgress, byteLength);
    return this.#done;
  }

  /** A buffer of this domain: the same checks, and a copy. */
  #copyOwn(target: Target, isWrite: boolean, local: Local, offset: number): ErrorCode {
    const access = isWrite ? 'write' : 'read';
    const { byteLength } = local;
    const { registrations } = this.#host;
    const grant = registrations.check(target.encoded, this.#self, access, offset, byteLength);
    if (typeof grant === 'string') return grant;
    const { registration } = grant;
    let at = isWrite ? grant.offset : 0;
    if (isWrite) {
      forEachPart(local, (part, from, count) => {
        registration.write(at, part, from, count);
        at += count;
      });
    } else {
      const bytes = registration.read(grant.offset, byteLength);
      for (const part of bytes instanceof Uint8Array ? [bytes] : bytes) {
        fillLocal(local, at, part, 0, part.length);
        at += part.length;
      }
    }
    registration.note(this.#self, access, byteLength);
    return ErrorCode.Ok;
  }

  /** HOT: in lent memory, if it is mapped; only while the owner itself is seen to be there. */
  #copyMapped(
    target: Target,
    channel: Channel,
    isWrite: boolean,
    local: Local,
    offset: number,
  ): MappedOutcome {
    const mapping = this.#mappingOf(target, channel);
    if (mapping === undefined) return MappedOutcome.Revoked;
    return this.#mappings.copy(mapping, isWrite, local, offset);
  }

  /** HOT: the memory that `channel`'s peer lends for this reference, as far as it is mapped. */
  #mappingOf(target: Target, channel: Channel): Mapping | undefined {
    const { ownerId, ownerIncarnation } = target.reference;
    const mapping = this.#mappings.current(target);
    return channel.leadsTo(ownerId, ownerIncarnation) ? mapping : undefined;
  }

  /** HOT */
  #pipelineOf(channel: Channel): Pipeline {
    const last = this.#lastPipeline;
    if (last?.channel === channel) return last;
    const pipeline = this.#pipelines.get(channel) ?? this.#makePipeline(channel);
    this.#pipelines.set(channel, pipeline);
    this.#lastPipeline = pipeline;
    return pipeline;
  }

  #makePipeline(channel: Channel): Pipeline {
    const { requests, runtime } = this.#operationHost;
    return new Pipeline(channel, new LaneCarrier(channel, requests, runtime.scheduler));
  }

  /** Nothing of it is in flight, but what its former ways still carry may land for a while. */
  #keepUnfenced(operation: Operation): void {
    const { target, landsUntilMs, number } = operation;
    if (this.#isEnded || this.#runtime.clock.now() >= landsUntilMs) return;
    const base = target.baseOffset + operation.offset;
    const { from, end } = operation.doubtful;
    const range: UnfencedRange = {
      target,
      from: base + from,
      end: base + end,
      number,
      untilMs: landsUntilMs,
    };
    this.#unfenced.add(range);
    void this.#search.fenceSoon(range);
  }

  /** HOT */
  #watch(deadlineMs: number): void {
    if (deadlineMs >= this.#armedForMs) return;
    this.#armedForMs = deadlineMs;
    this.#wheel.arm(this.#deadlineTimer, deadlineMs - this.#runtime.clock.now());
  }

  #expire(): void {
    this.#armedForMs = Infinity;
    const nowMs = this.#runtime.clock.now();
    let nextMs = Infinity;
    for (const operation of [...this.#operations]) {
      const { deadlineMs } = operation;
      if (deadlineMs <= nowMs) operation.giveUp(ErrorCode.Timeout);
      else nextMs = Math.min(nextMs, deadlineMs);
    }
    this.#watch(nextMs);
  }
}

function forEachPart(
  local: Local,
  visit: (part: Uint8Array, at: number, count: number) => void,
): void {
  if (local instanceof Uint8Array) visit(local, 0, local.length);
  else local.forEach(0, local.byteLength, visit);
}
