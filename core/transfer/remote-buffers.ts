/**
 * RemoteBuffers: all that one domain has to do with remote buffers. It puts together what it
 * registered (the owner's side), what it uses (the holder's side), what it passes on (the relay's)
 * and the channels over which all of that travels.
 */
import type { Bytes, EndpointHandlers, Offer, OfferRefusal, Peer, TimeLimits } from '../api.js';
import { assert } from '../assert.js';
import type { BulkLane, LaneSink } from '../bulk-lane.js';
import type { Connector } from '../connector.js';
import type { EndpointCore } from '../endpoint-core.js';
import type { Endpoint } from '../endpoint.js';
import type { PeerIndex } from '../peer-index.js';
import { makeQuota, type Quota } from '../quota.js';
import type { Runtime } from '../runtime.js';
import type { SharedRegion } from '../shared-memory.js';
import type { TimerWheel } from '../timer-wheel.js';
import type { Transport } from '../transport.js';
import { Channels } from './channels.js';
import { Lanes } from './lanes.js';
import { answerOverheadBytes, LiveChannel, requestOverheadBytes } from './live-channel.js';
import type { RemoteBufferReference } from './reference.js';
import {
  Registrations,
  type RegisteredBuffer,
  type RegisterOptions,
  type RegistrationInfo,
} from './registrations.js';
import type { RemoteBufferView } from './remote-buffer-view.js';
import { TransferServer, type TransferServerStatistics } from './transfer-server.js';
import {
  Transfers,
  type TransferOptions,
  type TransferSlot,
  type TransferStatistics,
} from './transfers.js';

/** What a domain may do for transfers. */
export interface TransferLimits {
  /** Transfers of this domain that may run at one time. 1 to 65,536; default 64. */
  readonly outstanding: number;
  /** Domains that may have a channel to this one at each of its ports. Default 64. */
  readonly peersMax: number;
  /**
   * Bytes that one request moves, if the transport takes them; on a bulk lane up to 8 times as
   * many. 1,024 to 1 MiB; default 65,536.
   */
  readonly pieceBytes: number;
  /** Where others reach this domain, for its references. Default: where it listens. */
  readonly addresses?: readonly string[];
}

export const transferLimitsDefault: TransferLimits = Object.freeze({
  outstanding: 64,
  peersMax: 64,
  pieceBytes: 65_536,
});

/** Requests that either end of a channel may have outstanding. */
const channelSlots = 40;
/** What core puts in front of a request or an answer in its frame. */
const frameHeadBytes = 64;
const pieceBytesMin = 1_024;
const pieceBytesMax = 1_048_576;

/** Counters of a domain's part in transfers. A plain copy, taken at the call. */
export interface RemoteBufferStatistics {
  /** What this domain did with buffers of others. */
  readonly asHolder: TransferStatistics;
  /** What others did with buffers of this domain, and what it passed on between them. */
  readonly asOwner: TransferServerStatistics;
}

export interface RemoteBuffersHost {
  readonly id: string;
  readonly incarnation: string;
  readonly runtime: Runtime;
  readonly wheel: TimerWheel;
  readonly connector: Connector;
  readonly peers: PeerIndex;
  readonly limits: TimeLimits;
  readonly transfers: Partial<TransferLimits> | undefined;
  readonly transports: () => readonly Transport[];
  transportFor(scheme: string): Transport | undefined;
  keep(core: EndpointCore, endpoint: Endpoint): void;
  /** Where this domain listens. */
  addresses(): readonly string[];
  mayTransfer(peer: Peer): boolean;
}

export class RemoteBuffers {
  readonly limits: TransferLimits;
  readonly #host: RemoteBuffersHost;
  readonly #registrations: Registrations;
  readonly #channels: Channels;
  readonly #lanes: Lanes;
  readonly #server: TransferServer;
  readonly #transfers: Transfers;
  /** Buffers that were allocated here to be shared, by their memory. */
  readonly #regions = new WeakMap<ArrayBufferLike, SharedRegion>();

  constructor(host: RemoteBuffersHost) {
    this.#host = host;
    this.limits = makeTransferLimits(host.transfers);
    const { id: ownerId, incarnation: ownerIncarnation, runtime, wheel } = host;
    const { clock, prng } = runtime;
    this.#registrations = new Registrations({
      clock,
      prng,
      domainId: ownerId,
      incarnation: ownerIncarnation,
      addresses: () => this.limits.addresses ?? host.addresses(),
    });
    this.#lanes = new Lanes({
      runtime,
      wheel,
      writesOf: (channel) => this.#server.writesOf(channel),
    });
    this.#channels = new Channels({
      domainId: ownerId,
      runtime,
      wheel,
      lanes: this.#lanes,
      connector: host.connector,
      peers: host.peers,
      limits: host.limits,
      transportFor: (scheme) => host.transportFor(scheme),
      quotaFor: (transport) => this.quotaFor(transport),
      keep: (core, endpoint) => {
        host.keep(core, endpoint);
      },
      mayTransfer: (peer) => host.mayTransfer(peer),
      canServe: () => this.#registrations.count > 0 || host.peers.size > 1,
      serve: (transaction, channel) => {
        this.#server.serve(transaction, channel);
      },
    });
    this.#server = new TransferServer({
      clock,
      ownerId,
      ownerIncarnation,
      registrations: this.#registrations,
      routes: this.#channels,
      leaseMs: host.limits.fenceMs,
      timeoutMs: host.limits.timeoutMs,
      lanes: {
        scheduler: runtime.scheduler,
        tokenFor: (channel) =>
          channel instanceof LiveChannel ? this.#lanes.tokenFor(channel) : undefined,
        corrupt: (channel) => {
          if (channel instanceof LiveChannel) this.#lanes.corrupt(channel);
        },
      },
    });
    this.#transfers = new Transfers({
      runtime,
      wheel,
      domainId: ownerId,
      incarnation: ownerIncarnation,
      registrations: this.#registrations,
      routes: this.#channels,
      outstanding: this.limits.outstanding,
      timeoutMs: host.limits.timeoutMs,
    });
  }

  allocate(byteLength: number, isShared: boolean): Uint8Array {
    const isLength = Number.isSafeInteger(byteLength) && byteLength >= 0;
    assert(isLength, 'a buffer has a whole number of bytes', 'BAD_ARGUMENT');
    if (!isShared || byteLength === 0) return new Uint8Array(byteLength);
    for (const { memory } of this.#host.transports()) {
      const region = memory?.allocate(byteLength);
      if (region === undefined || typeof region === 'string') continue;
      this.#regions.set(region.bytes.buffer, region);
      return region.bytes;
    }
    return new Uint8Array(byteLength);
  }

  register(local: Bytes, options: RegisterOptions): RegisteredBuffer {
    const region = local instanceof Uint8Array ? this.#regions.get(local.buffer) : undefined;
    return this.#registrations.register(local, options, region);
  }

  registered(): readonly RegistrationInfo[] {
    return this.#registrations.list();
  }

  send(reference: RemoteBufferReference, local: Bytes, options: TransferOptions): Promise<void> {
    return this.#transfers.send(reference, local, options);
  }

  receive(reference: RemoteBufferReference, local: Bytes, options: TransferOptions): Promise<void> {
    return this.#transfers.receive(reference, local, options);
  }

  view(
    reference: RemoteBufferReference,
    offset: number,
    byteLength: number,
  ): RemoteBufferView | undefined {
    return this.#transfers.view(reference, offset, byteLength);
  }

  acquire(): TransferSlot {
    return this.#transfers.acquire();
  }

  statistics(): RemoteBufferStatistics {
    return { asHolder: this.#transfers.statistics(), asOwner: this.#server.statistics() };
  }

  /** Of an endpoint that carries transfers over `transport`. */
  quotaFor(transport: Transport): Quota {
    const { frameBytesMax } = transport.capabilities;
    const framed = frameBytesMax - requestOverheadBytes - frameHeadBytes;
    const pieceBytes = Math.max(pieceBytesMin, Math.min(this.limits.pieceBytes, framed));
    return makeQuota({
      messages: 1,
      messageBytes: 0,
      transactions: channelSlots,
      parameterBytes: pieceBytes + requestOverheadBytes,
      statusBytes: pieceBytes + answerOverheadBytes,
    });
  }

  /** Answers who comes for a channel. */
  offered(offer: Offer, transport: Transport): EndpointHandlers | OfferRefusal {
    return this.#channels.offered(offer, transport);
  }

  /** Answers a bulk lane that came to one of this domain's ports. */
  acceptLane(lane: BulkLane): LaneSink {
    return this.#lanes.accept(lane);
  }

  /** A peer asks for a channel. */
  summoned(core: EndpointCore, nonce: number): void {
    this.#channels.summoned(core, nonce);
  }

  /** A reference of `ownerId` came from the domain `from`. */
  learn(ownerId: string, from: string): void {
    this.#channels.learn(ownerId, from);
  }

  /** Every transfer ends, and no domain has access to a buffer any more. */
  async end(): Promise<void> {
    this.#transfers.end();
    this.#channels.end();
    this.#lanes.end();
    await this.#registrations.unregisterAll();
  }

  /** After `end`, and when nobody can come any more: resolves when no lane is left. */
  released(): Promise<void> {
    return this.#lanes.released();
  }
}

function makeTransferLimits(choice: Partial<TransferLimits> | undefined): TransferLimits {
  const limits = { ...transferLimitsDefault, ...choice };
  checkCount('outstanding', limits.outstanding, 1, 65_536);
  checkCount('peersMax', limits.peersMax, 1, 65_536);
  checkCount('pieceBytes', limits.pieceBytes, pieceBytesMin, pieceBytesMax);
  return limits;
}

function checkCount(name: string, value: number, least: number, most: number): void {
  const isCount = Number.isInteger(value) && value >= least && value <= most;
  assert(isCount, `transfers.${name} is a whole number from ${least} to ${most}`, 'BAD_ARGUMENT');
}
