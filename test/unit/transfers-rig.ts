/**
 * A rig for the holder's side of transfers: a domain that owns buffers, a domain that uses them,
 * and any number of ways between them, each an ordinary service in the place of a channel. All of
 * it is on one virtual clock; links can be clogged and cut, requests held back and answered by the
 * test.
 */
import assert from 'node:assert/strict';
import type { Domain } from '../../core/domain.js';
import type { Endpoint } from '../../core/endpoint.js';
import { ErrorCode, IdcError } from '../../core/errors.js';
import { createDomain } from '../../core/index.js';
import { ReceivedTransaction } from '../../core/received-transaction.js';
import type { SharedMemory, SharedRegion } from '../../core/shared-memory.js';
import { TimerWheel } from '../../core/timer-wheel.js';
import type { Channel, Routes } from '../../core/transfer/channel.js';
import type { LaneEndHost } from '../../core/transfer/lane-end.js';
import { RemoteBufferReference } from '../../core/transfer/reference.js';
import {
  Registrations,
  type RegisteredBuffer,
  type RegisterOptions,
} from '../../core/transfer/registrations.js';
import { TransferServer } from '../../core/transfer/transfer-server.js';
import {
  answerHeadBytes,
  requestOverheadBytesMax,
  TransferOp,
} from '../../core/transfer/transfer-wire.js';
import { Transfers } from '../../core/transfer/transfers.js';
import { createMemoryNetwork, memory, type MemoryNetwork } from '../../transports/memory/index.js';
import { RigChannel, RigRoutes } from './transfer-rig.js';
import { RigLane } from './transfers-lane.js';
import { Cords, type Cord } from './transfers-cord.js';
import { VirtualRuntime } from './virtual-runtime.js';

export const leaseMsOfHolderRig = 1_000;
const timeoutMsDefault = 20_000;
const findMs = 2_000;
/** No test waits for so long. */
const turnsMax = 100_000;

export interface HolderRigOptions {
  readonly outstanding?: number;
  readonly timeoutMs?: number;
  readonly seed?: number;
}

/** How a transfer ended: `done`, or its code and class. */
export type Ending = string;

/** A promise that the test looks at without awaiting it. */
export class Watched {
  ending: Ending | undefined = undefined;
  error: IdcError | undefined = undefined;
  /** How often it settled. */
  count = 0;
  endedAtMs: number = NaN;

  constructor(promise: Promise<void>, nowMs: () => number) {
    promise.then(
      () => {
        this.#end('done', nowMs());
      },
      (error: unknown) => {
        assert(error instanceof IdcError, String(error));
        this.error = error;
        this.#end(`${error.code} ${error.execution}`, nowMs());
      },
    );
  }

  #end(ending: Ending, nowMs: number): void {
    this.count++;
    this.ending = ending;
    this.endedAtMs = nowMs;
  }
}

/** One way from the holder to the owner. */
export class Way {
  readonly channel: RigChannel;
  /** The ends of the link that it has now. */
  holderEnd: Cord | undefined = undefined;
  ownerEnd: Cord | undefined = undefined;
  readonly #rig: HolderRig;
  readonly #service: string;

  constructor(rig: HolderRig, channel: RigChannel, service: string) {
    this.#rig = rig;
    this.channel = channel;
    this.#service = service;
  }

  /** The holder's end dies, and it does not come back. What is under way may still arrive. */
  lose(): void {
    this.#rig.holderCords.shut.add(this.#service);
    this.holderEnd?.cut();
  }

  /** Both ends learn of it. */
  cut(): void {
    this.holderEnd?.cut();
    this.ownerEnd?.cut();
  }

  noteLink(): void {
    this.holderEnd = this.#rig.holderCords.dialled.at(-1);
    this.ownerEnd = this.#rig.ownerCords.accepted.at(-1);
  }
}

class WayRoutes implements Routes {
  readonly ways: Way[] = [];
  /** Instead of what is there. */
  failure: IdcError | undefined = undefined;
  findCount = 0;
  readonly #rig: HolderRig;

  constructor(rig: HolderRig) {
    this.#rig = rig;
  }

  current(): Channel | undefined {
    return this.ways.find(({ channel }) => channel.isConnected)?.channel;
  }

  async find(_reference: RemoteBufferReference, deadlineMs: number): Promise<Channel | IdcError> {
    this.findCount++;
    if (this.failure !== undefined) return this.failure;
    const { clock, scheduler } = this.#rig.runtime;
    const untilMs = Math.min(deadlineMs, clock.now() + findMs);
    for (;;) {
      const open = this.current();
      if (open !== undefined) return open;
      if (clock.now() >= untilMs) return new IdcError(ErrorCode.Unreachable, 'never');
      await new Promise<void>((resolve) => scheduler.after(1, resolve));
    }
  }
}

export class HolderRig {
  readonly runtime: VirtualRuntime;
  readonly wheel: TimerWheel;
  readonly holderCords: Cords = new Cords();
  readonly ownerCords: Cords = new Cords();
  readonly owner: Domain;
  readonly holder: Domain;
  readonly registrations: Registrations;
  /** Of the holder's own buffers. */
  readonly ownRegistrations: Registrations;
  readonly server: TransferServer;
  readonly routes: WayRoutes;
  readonly transfers: Transfers;
  /** Asked before the server; true if the test has taken the request. */
  intercept: (transaction: ReceivedTransaction, op: TransferOp) => boolean = () => false;
  /** Requests that came to the owner, by what they ask. */
  readonly requests: TransferOp[] = [];
  /** How often a side said that its peer broke the rules of a lane. */
  corruptCount = 0;
  /** Of all ways that are added afterwards. */
  memory: SharedMemory | undefined = undefined;
  readonly #network: MemoryNetwork = createMemoryNetwork();
  readonly #ownerChannels = new Map<Endpoint, RigChannel>();
  readonly #lanes: RigLane[] = [];
  #wayCount = 0;

  constructor(options: HolderRigOptions = {}) {
    const { outstanding = 64, timeoutMs = timeoutMsDefault, seed = 1 } = options;
    // Later than any lease after the clock's start.
    this.runtime = new VirtualRuntime(seed, 100 * leaseMsOfHolderRig);
    this.wheel = new TimerWheel(this.runtime);
    this.owner = this.#domain('owner', this.ownerCords);
    this.holder = this.#domain('holder', this.holderCords);
    this.registrations = this.#registrationsOf(this.owner);
    this.ownRegistrations = this.#registrationsOf(this.holder);
    this.server = new TransferServer({
      clock: this.runtime.clock,
      ownerId: this.owner.id,
      ownerIncarnation: this.owner.incarnation,
      registrations: this.registrations,
      routes: new RigRoutes(),
      leaseMs: leaseMsOfHolderRig,
      lanes: {
        scheduler: this.runtime.scheduler,
        tokenFor: () => undefined,
        corrupt: () => {
          this.corruptCount++;
        },
      },
    });
    this.routes = new WayRoutes(this);
    this.transfers = new Transfers({
      runtime: this.runtime,
      wheel: this.wheel,
      domainId: this.holder.id,
      incarnation: this.holder.incarnation,
      registrations: this.ownRegistrations,
      routes: this.routes,
      outstanding,
      timeoutMs,
    });
  }

  get nowMs(): number {
    return this.runtime.clock.now();
  }

  /** Another way to the owner; the first one is the best. */
  async addWay(pieceBytes = 1_024, transactions = 16): Promise<Way> {
    const quota = {
      messages: 1,
      messageBytes: 0,
      transactions,
      parameterBytes: pieceBytes + requestOverheadBytesMax,
      statusBytes: pieceBytes + answerHeadBytes,
    };
    const service = `way-${String(++this.#wayCount)}`;
    const address = `memory://owner/${service}`;
    const handlers = {
      transaction: (transaction: ReceivedTransaction) => {
        this.#received(transaction);
      },
    };
    this.owner.listen(
      address,
      () => ({
        ...handlers,
        appear: (endpoint) => {
          this.#ownerChannels.set(endpoint, this.#channelOf(endpoint, pieceBytes));
        },
      }),
      { quota },
    );
    const limits = { dialMinMs: 5, dialMaxMs: 20, flushMs: 100, keepAliveMs: 1_000 };
    const endpoint = this.holder.createEndpoint(
      address,
      {
        connect: () => {
          way.noteLink();
        },
      },
      { quota, limits },
    );
    const way = new Way(this, this.#channelOf(endpoint, pieceBytes), service);
    await this.wait(() => way.channel.isConnected);
    this.routes.ways.push(way);
    return way;
  }

  /** A bulk lane beside the first way of which the test moves every body. */
  addLane(way: Way): RigLane {
    const ownerChannel = this.ownerChannelOf(way);
    const lane = new RigLane(this.runtime.scheduler, (channel) => this.#laneHost(channel), {
      holder: way.channel,
      owner: ownerChannel,
      writes: this.server.writesOf(ownerChannel),
    });
    this.#lanes.push(lane);
    return lane;
  }

  /** The owner's end of it. */
  ownerChannelOf(way: Way): RigChannel {
    const channel = [...this.#ownerChannels.values()][this.routes.ways.indexOf(way)];
    assert(channel !== undefined);
    return channel;
  }

  #laneHost(channel: RigChannel): LaneEndHost {
    return {
      wheel: this.wheel,
      identity: undefined,
      corrupt: () => {
        this.corruptCount++;
      },
      down: () => {
        channel.lane = undefined;
      },
      closed: () => undefined,
    };
  }

  /** A buffer of the owner, and a reference to it as the holder has it. */
  register(
    bytes: Uint8Array | Uint8Array[],
    options: Partial<RegisterOptions> = {},
    region?: SharedRegion,
  ): RegisteredBuffer & { readonly decoded: RemoteBufferReference } {
    const buffer = this.registrations.register(bytes, { access: 'readWrite', ...options }, region);
    const decoded = RemoteBufferReference.decode(buffer.reference.encode());
    return Object.assign(buffer, { decoded });
  }

  watch(promise: Promise<void>): Watched {
    return new Watched(promise, () => this.nowMs);
  }

  /** Lets some virtual time pass, and every promise settle that can. */
  async turn(durationMs = 0.01): Promise<void> {
    this.runtime.advance(durationMs);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async settle(turnCount = 30): Promise<void> {
    for (let turn = 0; turn < turnCount; turn++) await this.turn();
  }

  async pass(durationMs: number, stepMs = 5): Promise<void> {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) await this.turn(Math.min(stepMs, endMs - this.nowMs));
  }

  async wait(isTrue: () => boolean, turnMs = 0.05): Promise<void> {
    for (let turn = 0; !isTrue(); turn++) {
      assert(turn < turnsMax, `it comes true: ${isTrue.toString()}`);
      await this.turn(turnMs);
    }
  }

  /** Lets as much time pass as it takes; answers how it ended. */
  async end(promise: Promise<void>, turnMs = 0.05): Promise<Ending> {
    const watched = this.watch(promise);
    await this.wait(() => watched.ending !== undefined, turnMs);
    return String(watched.ending);
  }

  /** The owner executes a request that the test has taken. */
  serve(transaction: ReceivedTransaction): void {
    const channel = this.#ownerChannels.get(transaction.endpoint);
    assert(channel !== undefined);
    this.server.serve(transaction, channel);
  }

  /** A request reaches the owner by whatever way, and its answer goes nowhere. */
  deliver(parameters: Uint8Array): void {
    const [endpoint] = this.#ownerChannels.keys();
    assert(endpoint !== undefined);
    const transactionCompleted = (): void => undefined;
    const slot = { endpoint, statusBytesMax: 65_536, transactionCompleted };
    const transaction = new ReceivedTransaction(slot, parameters, 0, 0);
    transaction.begin(0, parameters.length);
    this.serve(transaction);
  }

  count(op: TransferOp): number {
    return this.requests.filter((request) => request === op).length;
  }

  async close(): Promise<void> {
    this.transfers.end();
    for (const lane of this.#lanes) lane.cut();
    const closing = [this.owner, this.holder].map((domain) => domain.close({ drainMs: 0 }));
    let isClosed = false;
    void Promise.all(closing).then(() => (isClosed = true));
    await this.wait(() => isClosed, 10);
    assert.equal(this.transfers.statistics().outstanding, 0, 'every transfer has settled');
    assert.equal(this.wheel.armedCount, 0, 'no timer is left');
    assert.deepEqual(this.runtime.crashes, []);
  }

  #domain(name: string, cords: Cords): Domain {
    const inner = memory({ network: this.#network });
    const transports = [cords.wrap(inner)];
    return createDomain({ name, transports, runtime: this.runtime, wait: 'park' });
  }

  #channelOf(endpoint: Endpoint, pieceBytes: number): RigChannel {
    const channel = new RigChannel(endpoint, pieceBytes);
    channel.memory = this.memory;
    return channel;
  }

  #registrationsOf({ id, incarnation }: Domain): Registrations {
    const { clock, prng } = this.runtime;
    return new Registrations({ clock, prng, domainId: id, incarnation, addresses: () => [] });
  }

  #received(transaction: ReceivedTransaction): void {
    // reason: the first byte of every request is one of them
    const op = transaction.bytes[transaction.offset] as TransferOp;
    this.requests.push(op);
    if (!this.intercept(transaction, op)) this.serve(transaction);
  }
}
