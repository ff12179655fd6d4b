/**
 * Search: brings an operation onto its way. It finds a channel, sees to it that nothing of a former
 * one can land any more (B5), and tries lent memory first. It also asks for leases.
 *
 * Nothing here is hot. An operation may end at any `await`; whoever comes back looks first.
 */
import { assert } from '../assert.js';
import { ErrorCode, IdcError } from '../errors.js';
import type { Runtime } from '../runtime.js';
import type { Channel, Routes } from './channel.js';
import type { Lease } from './lease.js';
import { MappedOutcome, type Mappings } from './operation-mappings.js';
import type { Pipeline } from './operation-pipeline.js';
import type { Requests } from './operation-request.js';
import type { UnfencedRange, UnfencedRanges } from './operation-unfenced.js';
import type { Operation } from './operation.js';
import { TransferOp } from './transfer-wire.js';

export interface SearchHost {
  readonly runtime: Runtime;
  readonly routes: Routes;
  readonly requests: Requests;
  readonly mappings: Mappings;
  readonly unfenced: UnfencedRanges;
  pipelineOf(channel: Channel): Pipeline;
}

/** Counters of one domain. */
export interface SearchStatistics {
  searches: number;
  leasesAsked: number;
  fences: number;
}

/** A lease that was asked for, and who waits for it. */
interface Renewal {
  readonly lease: Lease;
  readonly pipeline: Pipeline;
  readonly waiters: Set<Operation>;
}

/** Longest time limit of a question, where the caller gave none. */
const askMsMax = 30_000;

export class Search {
  readonly statistics: SearchStatistics = { searches: 0, leasesAsked: 0, fences: 0 };
  readonly #host: SearchHost;
  readonly #renewals = new Set<Renewal>();

  constructor(host: SearchHost) {
    this.#host = host;
  }

  /** Ends with the operation running, or over. Never rejects. */
  async seek(operation: Operation): Promise<void> {
    this.statistics.searches++;
    await operation.rest();
    while (operation.isSeeking()) {
      const channel = await this.#find(operation);
      if (!operation.isSeeking()) return;
      if (channel instanceof IdcError) {
        operation.failedToRun(channel.code);
        await operation.rest();
        continue;
      }
      const untilMs = await this.#clear(operation, channel);
      if (!operation.isSeeking()) return;
      if (untilMs === undefined) {
        await this.#run(operation, channel);
        return;
      }
      // Whatever the answer was, the lease runs out.
      await operation.rest(Math.max(1, untilMs - this.#host.runtime.clock.now()));
    }
  }

  /** Asks for the lease, unless that is done on the same way; the operation is told what came. */
  renew(operation: Operation): void {
    const { pipeline, target } = operation;
    assert(pipeline !== undefined, 'who wants a lease has a way');
    const { lease } = target;
    for (const renewal of this.#renewals) {
      if (renewal.lease !== lease || renewal.pipeline !== pipeline) continue;
      renewal.waiters.add(operation);
      return;
    }
    const renewal: Renewal = { lease, pipeline, waiters: new Set([operation]) };
    this.#renewals.add(renewal);
    void this.#askLease(renewal, operation);
  }

  /** Without waiting for it: asks the owner to refuse what may still land. */
  async fenceSoon(range: UnfencedRange): Promise<void> {
    const channel = this.#host.routes.current(range.target.reference);
    if (channel !== undefined) await this.#fenceRange(range, channel, Infinity);
  }

  async #find(operation: Operation): Promise<Channel | IdcError> {
    const { reference } = operation.target;
    const open = this.#host.routes.current(reference);
    if (open !== undefined) return open;
    return this.#host.routes.find(reference, operation.deadlineMs, []);
  }

  /** Undefined if nothing in doubt can land any more; else when that will be so by itself. */
  async #clear(operation: Operation, channel: Channel): Promise<number | undefined> {
    const { target, offset, byteLength, deadlineMs } = operation;
    if (operation.hasDoubts) {
      const { number, landsUntilMs } = operation;
      const code = await this.#fence(target, number, landsUntilMs, deadlineMs, channel);
      if (!operation.isSeeking()) return undefined;
      if (code !== ErrorCode.Ok) {
        operation.failedToFence(code);
        return landsUntilMs;
      }
      operation.clearDoubts();
    }
    for (const range of this.#host.unfenced.overlapping(target, offset, byteLength)) {
      const code = await this.#fenceRange(range, channel, deadlineMs);
      if (!operation.isSeeking()) return undefined;
      if (code !== ErrorCode.Ok) {
        operation.failedToFence(code);
        return range.untilMs;
      }
    }
    return undefined;
  }

  async #run(operation: Operation, channel: Channel): Promise<void> {
    const { mappings } = this.#host;
    const { target } = operation;
    if (mappings.current(target) === undefined && mappings.isWorthAsking(target, channel)) {
      await mappings.open(target, channel, this.#leftMs(operation.deadlineMs));
      if (!operation.isSeeking()) return;
    }
    const mapping = mappings.current(target);
    const outcome =
      mapping === undefined
        ? MappedOutcome.Revoked
        : mappings.copy(mapping, operation.isWrite, operation.local, operation.offset);
    if (outcome === MappedOutcome.Done) operation.completeWhole();
    else if (outcome === MappedOutcome.Revoked) operation.run(this.#host.pipelineOf(channel));
    else operation.giveUp(ErrorCode.StaleReference, 'maybe');
  }

  async #fenceRange(
    range: UnfencedRange,
    channel: Channel,
    deadlineMs: number,
  ): Promise<ErrorCode> {
    const { target, number, untilMs } = range;
    const code = await this.#fence(target, number, untilMs, deadlineMs, channel);
    if (code === ErrorCode.Ok) this.#host.unfenced.remove(range);
    return code;
  }

  /** OK once nothing of the operation with that number can land any more. */
  async #fence(
    target: Operation['target'],
    number: number,
    untilMs: number,
    deadlineMs: number,
    channel: Channel,
  ): Promise<ErrorCode> {
    const { requests, runtime } = this.#host;
    const leftMs = Math.min(untilMs - runtime.clock.now(), this.#leftMs(deadlineMs));
    if (leftMs > 0) {
      this.statistics.fences++;
      const { code } = await requests.ask(TransferOp.Fence, target, channel, number, leftMs);
      if (code === ErrorCode.Ok || runtime.clock.now() < untilMs) return code;
    }
    return runtime.clock.now() >= untilMs ? ErrorCode.Ok : ErrorCode.Timeout;
  }

  async #askLease(renewal: Renewal, asker: Operation): Promise<void> {
    const { target, deadlineMs } = asker;
    const { channel } = renewal.pipeline;
    this.statistics.leasesAsked++;
    const leftMs = this.#leftMs(deadlineMs);
    const { code } = await this.#host.requests.ask(TransferOp.Lease, target, channel, 0, leftMs);
    this.#renewals.delete(renewal);
    for (const waiter of renewal.waiters) {
      if (code === ErrorCode.Ok) waiter.leaseCame();
      else if (waiter === asker) waiter.leaseFailed(code);
      // What was answered to another one says nothing about this one: it asks by itself.
      else waiter.leaseMissed();
    }
  }

  #leftMs(deadlineMs: number): number {
    return Math.min(askMsMax, Math.max(0, deadlineMs - this.#host.runtime.clock.now()));
  }
}
