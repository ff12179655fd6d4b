/**
 * LateWriteRig: an owner and a holder over TCP, with two paths between them through proxies that
 * can hold back what goes to the owner. The second path is shut until a test opens it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createDomain,
  IdcError,
  RemoteBufferReference,
  type Domain,
  type RegisteredBuffer,
} from '../../../core/index.js';
import { tcp } from '../../../transports/tcp/index.js';
import { HoldingProxy } from './holding-proxy.js';
import { openSockets, turnUntil } from './hostile-rig.js';

/** As long as what goes in a transaction, and as what goes by a bulk lane. */
export const inlineBytes = 1_024;
export const laneBytes = 262_144;
/** Nothing in these tests takes as long. */
export const endlessMs = 3_600_000;
const watchdogMs = 30_000;

export class LateWriteRig {
  readonly owner: Domain;
  readonly holder: Domain;
  readonly first: HoldingProxy;
  readonly second: HoldingProxy;
  /** The owner's memory. */
  readonly memory: Uint8Array;
  readonly buffer: RegisteredBuffer;
  /** As the holder has it. */
  readonly reference: RemoteBufferReference;

  private constructor(
    first: HoldingProxy,
    second: HoldingProxy,
    fenceMs: number,
    bufferBytes: number,
  ) {
    this.memory = new Uint8Array(bufferBytes);
    this.first = first;
    this.second = second;
    second.isOpen = false;
    const addresses = [first, second].map(({ port }) => `tcp://127.0.0.1:${port}/buffers`);
    // Neither end is to find out by its keep-alive that a path has died.
    const limits = { fenceMs, keepAliveMs: endlessMs, flushMs: 50, dialMinMs: 5, dialMaxMs: 20 };
    const common = { transports: [tcp()], limits };
    this.owner = createDomain({ ...common, name: 'owner', transfers: { addresses } });
    this.holder = createDomain({ ...common, name: 'holder' });
    this.buffer = this.owner.registerBuffer(this.memory, { access: 'readWrite' });
    this.reference = RemoteBufferReference.decode(this.buffer.reference.encode());
  }

  static async create(fenceMs: number, bufferBytes: number): Promise<LateWriteRig> {
    const [first, second] = [await HoldingProxy.create(), await HoldingProxy.create()];
    const rig = new LateWriteRig(first, second, fenceMs, bufferBytes);
    const listener = rig.owner.listen('tcp://127.0.0.1:0/buffers', (offer) => offer.refuse());
    const port = Number(new URL(await listener.ready).port);
    first.targetPort = port;
    second.targetPort = port;
    return rig;
  }

  /** Fills the buffer with one letter. */
  write(letter: string, signal?: AbortSignal): Promise<void> {
    const source = this.fillOf(letter);
    const options = signal === undefined ? {} : { signal };
    return this.holder.sendToRemoteBuffer(this.reference, source, options);
  }

  /** The same, as soon as there is a way. */
  async writeOnceReachable(letter: string): Promise<void> {
    for (;;) {
      try {
        await this.write(letter);
        return;
      } catch (error) {
        assert.ok(error instanceof IdcError);
        assert.equal(error.code, 'UNREACHABLE');
        assert.equal(error.execution, 'never');
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /**
   * The same, over the first path, which holds it back, and with it whatever `prepare` submits
   * there before. Resolves once it is held; then its outcome is still to come. `abort` gives it up.
   */
  async writeHeld(
    letter: string,
    prepare: (signal: AbortSignal) => void = () => undefined,
  ): Promise<{ outcome: Promise<string>; abort: () => void }> {
    const abort = new AbortController();
    const { signal } = abort;
    // With a fresh lease it goes at once, and by lane once there is one.
    do await this.write('-');
    while (this.memory.length >= laneBytes && this.asOwner.laneBytes === 0);
    this.first.hold();
    prepare(signal);
    const outcome = this.write(letter, signal).then(
      () => 'done',
      (error: unknown) => {
        assert.ok(error instanceof IdcError);
        return `${error.code} ${error.execution}`;
      },
    );
    await turnUntil(() => this.first.heldBytes >= this.memory.length, 'the write is on its way');
    return { outcome, abort: () => abort.abort() };
  }

  /** The first path is dead for the holder, and the second one is there. */
  failOver(): void {
    this.second.isOpen = true;
    this.loseFirst();
  }

  /** The first path is dead for the holder. */
  loseFirst(): void {
    this.first.isOpen = false;
    this.first.loseDiallers();
  }

  /** Bytes for the whole buffer. */
  fillOf(letter: string): Uint8Array {
    return new Uint8Array(this.memory.length).fill(letter.charCodeAt(0));
  }

  get asOwner(): ReturnType<Domain['transferStatistics']>['asOwner'] {
    return this.owner.transferStatistics().asOwner;
  }

  get asHolder(): ReturnType<Domain['transferStatistics']>['asHolder'] {
    return this.holder.transferStatistics().asHolder;
  }

  /** Every byte of the owner's memory, and every byte that the holder reads, is this letter. */
  async holdsOnly(letter: string): Promise<void> {
    assert.equal(Buffer.compare(this.memory, this.fillOf(letter)), 0);
    const target = new Uint8Array(this.memory.length);
    await this.holder.receiveFromRemoteBuffer(this.reference, target);
    assert.equal(Buffer.compare(target, this.fillOf(letter)), 0);
  }

  async dispose(): Promise<void> {
    await Promise.all([this.first.close(), this.second.close()]);
    await Promise.all([this.owner.close({ drainMs: 0 }), this.holder.close({ drainMs: 0 })]);
    for (const domain of [this.owner, this.holder]) {
      assert.deepEqual(domain.statistics(), { endpoints: 0, listeners: 0, timersArmed: 0 });
    }
  }
}

/** A test with a rig of its own, whose owner grants `fenceMs`; nothing is left afterwards. */
export function lateWrite(
  fact: string,
  fenceMs: number,
  body: (rig: LateWriteRig) => Promise<void>,
  bufferBytes: number = inlineBytes,
): void {
  test(fact, { timeout: watchdogMs }, async () => {
    const before = openSockets();
    const rig = await LateWriteRig.create(fenceMs, bufferBytes);
    try {
      await body(rig);
    } finally {
      await rig.dispose();
    }
    await turnUntil(() => openSockets() <= before, 'every socket came back');
  });
}
