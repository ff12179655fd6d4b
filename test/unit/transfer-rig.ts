/**
 * A rig for the serving side of transfers: real domains over memory on one virtual clock, with an
 * ordinary service in the place of the channels, so that a test sends each request itself.
 */
import assert from 'node:assert/strict';
import type { Peer, TransactionOptions } from '../../core/api.js';
import type { Domain } from '../../core/domain.js';
import type { Endpoint } from '../../core/endpoint.js';
import { ErrorCode, IdcError, type Execution } from '../../core/errors.js';
import { createDomain } from '../../core/index.js';
import type { Quota } from '../../core/quota.js';
import type { ReceivedTransaction } from '../../core/received-transaction.js';
import type { SharedMemory } from '../../core/shared-memory.js';
import type { Channel, Routes } from '../../core/transfer/channel.js';
import type { LaneEnd } from '../../core/transfer/lane-end.js';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import { Registrations } from '../../core/transfer/registrations.js';
import { TransferServer, type TransferAccess } from '../../core/transfer/transfer-server.js';
import {
  answerHeadBytes,
  AnswerReader,
  holderKeyBytes,
  RequestHead,
  requestOverheadBytesMax,
  TransferOp,
} from '../../core/transfer/transfer-wire.js';
import type { PeerIdentity } from '../../core/transport.js';
import { createMemoryNetwork, memory, type MemoryNetwork } from '../../transports/memory/index.js';
import { VirtualRuntime } from './virtual-runtime.js';

export const leaseMsOfRig = 1_000;
export const pieceBytesOfRig = 4_096;

/** Turns in which everything that is under way within one domain pair has come and gone. */
const turnsToSettle = 200;

export interface RigRequest {
  readonly op?: TransferOp;
  readonly offset?: number;
  readonly byteLength?: number;
  readonly data?: Uint8Array;
  readonly stamp?: number;
  readonly operation?: number;
}

export interface RigAnswer {
  readonly code: ErrorCode;
  readonly execution: Execution;
  readonly leaseMs: number;
  readonly stamp: number;
  readonly data: Uint8Array;
  readonly pieceBytes: number;
}

/** One end of what stands for a channel. */
export class RigChannel implements Channel {
  readonly endpoint: Endpoint;
  memory: SharedMemory | undefined = undefined;
  lane: LaneEnd | undefined = undefined;
  pieceBytes: number;

  constructor(endpoint: Endpoint, pieceBytes: number) {
    this.endpoint = endpoint;
    this.pieceBytes = pieceBytes;
  }

  get isConnected(): boolean {
    return this.endpoint.state === 'connected';
  }

  get identity(): PeerIdentity | undefined {
    return this.endpoint.peer?.identity;
  }

  leadsTo(ownerId: string, incarnation: string): boolean {
    const peer = this.endpoint.peer;
    return peer?.domainId === ownerId && peer.incarnation === incarnation;
  }
}

/** Routes that a test lays by hand. */
export class RigRoutes implements Routes {
  /** What `current` answers, by owner. */
  readonly known: Map<string, Channel> = new Map();
  /** What `find` answers, by owner. */
  readonly found: Map<string, Channel | IdcError | Promise<Channel | IdcError>> = new Map();
  readonly finds: { readonly deadlineMs: number; readonly visited: readonly string[] }[] = [];

  /** `find` answers nothing for that owner until it is told to. */
  search(ownerId: string): (found: Channel | IdcError) => void {
    let settle: (found: Channel | IdcError) => void = () => undefined;
    const promise = new Promise<Channel | IdcError>((resolve) => {
      settle = resolve;
    });
    this.found.set(ownerId, promise);
    return settle;
  }

  current(reference: RemoteBufferReference): Channel | undefined {
    return this.known.get(reference.ownerId);
  }

  find(
    reference: RemoteBufferReference,
    deadlineMs: number,
    visited: readonly string[],
  ): Promise<Channel | IdcError> {
    this.finds.push({ deadlineMs, visited });
    const found = this.found.get(reference.ownerId);
    return Promise.resolve(found ?? new IdcError(ErrorCode.Unreachable, 'never'));
  }
}

export interface PartyOptions {
  readonly mayTransfer?: (peer: Peer, access: TransferAccess) => boolean;
  readonly id?: Uint8Array;
  readonly timeoutMs?: number;
}

/** One domain with its registrations and its server. */
export class Party {
  readonly name: string;
  readonly domain: Domain;
  readonly registrations: Registrations;
  readonly routes: RigRoutes = new RigRoutes();
  readonly server: TransferServer;
  /** Accepting ends, in the order in which they came. */
  readonly accepted: RigChannel[] = [];
  /** Taken instead of served while set. */
  readonly held: ReceivedTransaction[] = [];
  isHolding = false;
  readonly #rig: TransferRig;
  readonly #head: RequestHead;

  constructor(rig: TransferRig, name: string, options: PartyOptions) {
    const { clock, prng } = rig.runtime;
    this.name = name;
    this.#rig = rig;
    this.domain = createDomain({
      name,
      transports: [memory({ network: rig.network })],
      runtime: rig.runtime,
      wait: 'park',
      ...(options.id === undefined ? {} : { id: options.id }),
    });
    const { id, incarnation } = this.domain;
    const addresses = (): readonly string[] => [`memory://${name}`];
    this.registrations = new Registrations({ clock, prng, domainId: id, incarnation, addresses });
    this.server = new TransferServer({
      ...options,
      clock,
      ownerId: id,
      ownerIncarnation: incarnation,
      registrations: this.registrations,
      routes: this.routes,
      leaseMs: leaseMsOfRig,
    });
    const holderKey = new Uint8Array(holderKeyBytes);
    prng.fill(holderKey);
    this.#head = new RequestHead(holderKey);
  }

  serve(transaction: ReceivedTransaction, channel: Channel): void {
    if (this.isHolding) this.held.push(transaction);
    else this.server.serve(transaction, channel);
  }

  /** The bytes of one request. */
  encode(reference: RemoteBufferReference | Uint8Array, request: RigRequest): Uint8Array {
    const { op = TransferOp.Read, offset = 0, operation = 1, stamp = 0 } = request;
    const { data = new Uint8Array(0), byteLength = data.length } = request;
    const encoded = reference instanceof Uint8Array ? reference : reference.encode();
    this.#head.setReference(encoded);
    this.#head.set(op, offset, byteLength, stamp, operation);
    return Uint8Array.of(...this.#head.bytes, ...data);
  }

  /** Sends one request and decodes its answer. */
  async ask(
    channel: Channel,
    reference: RemoteBufferReference | Uint8Array,
    request: RigRequest,
    options: TransactionOptions = {},
  ): Promise<RigAnswer> {
    return this.submit(channel, this.encode(reference, request), options);
  }

  async submit(
    channel: Channel,
    parameters: Uint8Array,
    options: TransactionOptions = {},
  ): Promise<RigAnswer> {
    const asked = channel.endpoint.submitTransaction(parameters, options).then(
      (status) => decode(0, status),
      (error: unknown) => {
        assert(error instanceof IdcError);
        if (error.code === ErrorCode.Remote) return decode(error.remoteCode, error.status);
        throw error;
      },
    );
    return this.#rig.until(asked);
  }

  /** A Write with a stamp of its owner's present. */
  write(
    channel: Channel,
    reference: RemoteBufferReference,
    offset: number,
    data: Uint8Array,
    operation = 1,
  ): Promise<RigAnswer> {
    const stamp = this.#rig.runtime.clock.now();
    return this.ask(channel, reference, { op: TransferOp.Write, offset, data, stamp, operation });
  }

  read(
    channel: Channel,
    reference: RemoteBufferReference,
    offset: number,
    byteLength: number,
  ): Promise<RigAnswer> {
    return this.ask(channel, reference, { offset, byteLength });
  }
}

export class TransferRig {
  /** Later than any lease after its clock's start, so that a stamp of 0 is too old. */
  readonly runtime: VirtualRuntime;
  readonly network: MemoryNetwork = createMemoryNetwork();
  readonly parties: Party[] = [];

  constructor(seed = 1) {
    this.runtime = new VirtualRuntime(seed, 100 * leaseMsOfRig);
  }

  add(name: string, options: PartyOptions = {}): Party {
    const party = new Party(this, name, options);
    this.parties.push(party);
    return party;
  }

  /** Connects two parties; answers the dialling end, and the accepting one. */
  async connect(
    from: Party,
    to: Party,
    pieceBytes: number = pieceBytesOfRig,
    transactions = 16,
  ): Promise<readonly [RigChannel, RigChannel]> {
    const quota: Quota = {
      messages: 1,
      messageBytes: 0,
      transactions,
      parameterBytes: pieceBytes + requestOverheadBytesMax,
      statusBytes: pieceBytes + answerHeadBytes,
    };
    const address = `memory://${to.name}/${from.name}-${String(this.parties.length)}-${pieceBytes}`;
    let accepted: RigChannel | undefined;
    to.domain.listen(
      address,
      () => ({
        connect: (endpoint) => {
          accepted = new RigChannel(endpoint, pieceBytes);
          to.accepted.push(accepted);
        },
        transaction: (transaction) => {
          if (accepted !== undefined) to.serve(transaction, accepted);
        },
      }),
      { quota },
    );
    const endpoint = from.domain.createEndpoint(
      address,
      {
        transaction: (transaction) => {
          from.serve(transaction, dialled);
        },
      },
      { quota },
    );
    const dialled = new RigChannel(endpoint, pieceBytes);
    for (let turn = 0; accepted === undefined || !dialled.isConnected; turn++) {
      assert(turn < turnsToSettle, 'the parties connect');
      await this.turn(1);
    }
    return [dialled, accepted];
  }

  /** Lets some virtual time pass, and every promise settle that can. */
  async turn(durationMs = 0.01): Promise<void> {
    this.runtime.advance(durationMs);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await this.turn();
  }

  /** Lets as little time pass as `promise` takes. */
  async until<T>(promise: Promise<T>, turnMs = 0.01): Promise<T> {
    const progress = { isSettled: false };
    const settled = promise.finally(() => {
      progress.isSettled = true;
    });
    // Whoever awaits it below is told; until then nobody listens.
    settled.catch(() => undefined);
    for (let turn = 0; !progress.isSettled; turn++) {
      assert(turn < turnsToSettle, 'it settles');
      await this.turn(turnMs);
    }
    return settled;
  }

  async close(): Promise<void> {
    const closing = this.parties.map(({ domain }) => domain.close({ drainMs: 0 }));
    await this.until(Promise.all(closing), 100);
    assert.deepEqual(this.runtime.crashes, []);
  }
}

function decode(wireCode: number | undefined, status: Uint8Array | undefined): RigAnswer {
  const reader = new AnswerReader();
  assert(status !== undefined && wireCode !== undefined);
  assert(reader.read(wireCode, status, 0, status.length), 'a legal answer');
  const { code, execution, leaseMs, stamp, dataAt, dataBytes, pieceBytes } = reader;
  const data = status.slice(dataAt, dataAt + dataBytes);
  return { code, execution, leaseMs, stamp, data, pieceBytes };
}
