/**
 * TransferServer: executes what other domains ask of this domain's registered buffers, and hands
 * to the relay what is asked of somebody else's.
 *
 * Each transaction of a channel is completed exactly once, whatever it holds. A Write is copied
 * once, from the slot that it arrived in to the registered buffer, right after it was judged; a
 * Read is answered from the buffer itself. Nothing outside a reference is touched (B4), nothing
 * late is executed (B5). The parameters of a transaction are a private snapshot already, so they
 * are checked where they lie.
 */
import type { Bytes, Peer } from '../api.js';
import { assert } from '../assert.js';
import { ByteArea } from '../byte-area.js';
import { ErrorCode, errorTable, type Execution } from '../errors.js';
import type { ReceivedTransaction } from '../received-transaction.js';
import type { Clock, Scheduler } from '../runtime.js';
import type { BufferAccess } from '../shared-memory.js';
import type { Channel, Routes } from './channel.js';
import { FenceTable } from './fence-table.js';
import { LaneWrites } from './lane-writes.js';
import { sendRead } from './lane-read.js';
import { ownerOfReference } from './reference-layout.js';
import type { Holder } from './register-uses.js';
import type { Grant } from './registration.js';
import type { Registrations } from './registrations.js';
import { encodePieceBytes, endWithoutOwner, Relay, type RelayStatistics } from './relay.js';
import { AnswerHead, answerHeadBytes, RequestReader, TransferOp } from './transfer-wire.js';

/** What a peer wants to do with buffers: use this domain's, or have others' reached through it. */
export type TransferAccess = 'read' | 'write' | 'relay';

/** What the server needs of its domain. */
export interface TransferServerHost {
  readonly clock: Clock;
  /** This domain's id, 32 hexadecimal digits. */
  readonly ownerId: string;
  /** This domain's incarnation, 16 hexadecimal digits. */
  readonly ownerIncarnation: string;
  readonly registrations: Registrations;
  readonly routes: Routes;
  /** How long a Write may be on its way, in milliseconds; at least 1 holds. */
  readonly leaseMs: number;
  /** Time limit of what is relayed for others, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /** Decides beside the reference. Default: everybody may. Must not throw. */
  readonly mayTransfer?: (peer: Peer, access: TransferAccess) => boolean;
  /** What lanes need; without it this domain has none. */
  readonly lanes?: {
    readonly scheduler: Scheduler;
    /** For a lane to this channel, once; undefined if it is not to have one. */
    tokenFor(channel: Channel): Uint8Array | undefined;
    /** The peer of this channel broke the rules. Calls nobody before it returns. */
    corrupt(channel: Channel): void;
  };
}

/** Counters of one domain as owner and as relay. A plain copy, taken at the call. */
export interface TransferServerStatistics extends RelayStatistics {
  /** Pieces executed, and their bytes. */
  readonly writes: number;
  readonly reads: number;
  readonly writtenBytes: number;
  readonly readBytes: number;
  /** Of those bytes, written and read: on bulk lanes. */
  readonly laneBytes: number;
  readonly maps: number;
  /** Requests of holders that were refused; among them: */
  readonly refused: number;
  /** Writes that were too late, or of a fenced operation. */
  readonly staleWrites: number;
  readonly fencedWrites: number;
  /** Requests that no legal peer sends. */
  readonly malformed: number;
  readonly fences: number;
  /** Operations that are fenced now. */
  readonly fencesHeld: number;
  /** How often the table of fences was full, so that all holders had to ask for a new lease. */
  readonly fenceFloors: number;
}

const timeoutMsDefault = 30_000;

const noBytes = new Uint8Array(0);

/** What is kept of one channel and its peer, so that a piece needs nothing new. */
class ChannelSide {
  readonly peer: Peer;
  readonly direct: Holder;
  readonly relayed: Holder;
  /** All the channel's slots. */
  readonly area: ByteArea;
  /** By slot: the view of the reference that came in it last. */
  readonly references: Uint8Array[] = [];

  constructor(peer: Peer, bytes: Uint8Array) {
    const { identity, domainId, domainName } = peer;
    this.peer = peer;
    this.direct = { identity, domainId, domainName, isRelayed: false };
    this.relayed = { identity, domainId, domainName, isRelayed: true };
    this.area = new ByteArea(bytes);
  }
}

export class TransferServer {
  readonly #host: TransferServerHost;
  readonly #registrations: Registrations;
  readonly #fences: FenceTable;
  readonly #relay: Relay;
  readonly #leaseMs: number;
  readonly #request = new RequestReader();
  readonly #head = new AnswerHead();
  /** The head and what follows it. */
  readonly #answer: Uint8Array[] = [this.#head.bytes];
  readonly #sides = new WeakMap<Channel, ChannelSide>();
  readonly #counts = {
    writes: 0,
    reads: 0,
    writtenBytes: 0,
    readBytes: 0,
    laneBytes: 0,
    maps: 0,
    refused: 0,
    staleWrites: 0,
    fencedWrites: 0,
    malformed: 0,
    fences: 0,
    fenceFloors: 0,
  };

  constructor(host: TransferServerHost) {
    this.#host = host;
    this.#registrations = host.registrations;
    this.#leaseMs = Math.max(1, Math.floor(host.leaseMs));
    const salt = Number.parseInt(host.ownerIncarnation.slice(0, 8), 16) | 0;
    this.#fences = new FenceTable(host.clock, this.#leaseMs, salt);
    const { clock, ownerId, routes, timeoutMs = timeoutMsDefault } = host;
    this.#relay = new Relay({ clock, ownerId, routes, timeoutMs });
  }

  statistics(): TransferServerStatistics {
    return { ...this.#counts, fencesHeld: this.#fences.count, ...this.#relay.statistics() };
  }

  /** HOT: completes the transaction, now or when the owner has answered its relayed request. */
  serve(transaction: ReceivedTransaction, channel: Channel): void {
    const side = this.#sideOf(channel, transaction);
    const request = this.#request;
    if (!request.read(side.area, transaction.offset, transaction.byteLength)) {
      this.#counts.malformed++;
      endWithoutOwner(transaction, ErrorCode.Corrupt, 'never');
      return;
    }
    switch (request.op) {
      case TransferOp.Write:
        this.#write(transaction, channel, side);
        return;
      case TransferOp.Read:
        this.#read(transaction, channel, side);
        return;
      case TransferOp.Fence:
        this.#fence(transaction, channel, side);
        return;
      case TransferOp.Lease:
        this.#lease(transaction, channel, side);
        return;
      case TransferOp.Map:
        this.#map(transaction, channel, side);
        return;
      default:
        this.#serveLane(transaction, channel, side);
    }
  }

  /** What executes the Writes on a lane of this channel. Its peer has been greeted. */
  writesOf(channel: Channel): LaneWrites | undefined {
    const { peer } = channel.endpoint;
    const { lanes } = this.#host;
    if (peer === undefined || lanes === undefined) return undefined;
    const { identity, domainId, domainName } = peer;
    const holder: Holder = { identity, domainId, domainName, isRelayed: false };
    return new LaneWrites({
      scheduler: lanes.scheduler,
      fences: this.#fences,
      holder,
      check: (reference, offset, byteLength) =>
        this.#registrations.check(reference, holder, 'write', offset, byteLength),
      answer: (transaction, code, execution) => {
        this.#answerLane(transaction, code, execution);
      },
      wrote: (byteLength) => {
        this.#counts.writes++;
        this.#counts.writtenBytes += byteLength;
        this.#counts.laneBytes += byteLength;
      },
    });
  }

  /** HOT */
  #write(transaction: ReceivedTransaction, channel: Channel, side: ChannelSide): void {
    const request = this.#request;
    const { byteLength, offset } = request;
    const grant = this.#check(transaction, side, 'write', offset, byteLength);
    if (typeof grant === 'string') {
      this.#refuse(transaction, channel, side, grant);
      return;
    }
    const { area } = side;
    const nowMs = this.#fences.stampNow();
    const verdict = this.#fences.judge(area, request.operationAt, request.stamp, nowMs);
    if (verdict !== ErrorCode.Ok) {
      if (verdict === ErrorCode.StaleLease) this.#counts.staleWrites++;
      else this.#counts.fencedWrites++;
      this.#end(transaction, verdict);
      return;
    }
    const { registration } = grant;
    registration.write(grant.offset, area.bytes, request.dataAt, byteLength);
    registration.note(this.#holderOf(side), 'write', byteLength);
    this.#counts.writes++;
    this.#counts.writtenBytes += byteLength;
    this.#head.set('done', this.#leaseMs, nowMs);
    transaction.complete(this.#head.bytes);
  }

  /** HOT */
  #read(transaction: ReceivedTransaction, channel: Channel, side: ChannelSide): void {
    const { byteLength, offset } = this.#request;
    const grant = this.#check(transaction, side, 'read', offset, byteLength);
    if (typeof grant === 'string') {
      this.#refuse(transaction, channel, side, grant);
      return;
    }
    const pieceBytes = transaction.statusBytesMax - answerHeadBytes;
    if (byteLength > pieceBytes) {
      this.#end(transaction, ErrorCode.TooLarge, encodePieceBytes(pieceBytes));
      return;
    }
    const { registration } = grant;
    const data = registration.read(grant.offset, byteLength);
    registration.note(this.#holderOf(side), 'read', byteLength);
    this.#counts.reads++;
    this.#counts.readBytes += byteLength;
    this.#done(transaction, data);
  }

  /** Whatever became of the buffer: afterwards no Write of the operation is executed here. */
  #fence(transaction: ReceivedTransaction, channel: Channel, side: ChannelSide): void {
    const owner = ownerOfReference(this.#referenceIn(transaction, side));
    const { ownerId, ownerIncarnation } = this.#host;
    if (owner === undefined) {
      this.#refuse(transaction, channel, side, ErrorCode.BadReference);
    } else if (owner.ownerId !== ownerId) {
      this.#refuse(transaction, channel, side, ErrorCode.ForeignReference);
    } else if (owner.ownerIncarnation !== ownerIncarnation) {
      // Nobody is left who could execute it.
      this.#refuse(transaction, channel, side, ErrorCode.StaleReference);
    } else {
      this.#counts.fences++;
      if (this.#fences.fence(side.area, this.#request.operationAt)) this.#counts.fenceFloors++;
      this.#done(transaction, noBytes);
    }
  }

  #lease(transaction: ReceivedTransaction, channel: Channel, side: ChannelSide): void {
    const grant = this.#check(transaction, side, 'write', 0, 0);
    if (typeof grant === 'string') this.#refuse(transaction, channel, side, grant);
    else this.#done(transaction, noBytes);
  }

  /** Whoever may not map the buffer, or cannot, is told so, and uses it by copy. */
  #map(transaction: ReceivedTransaction, channel: Channel, side: ChannelSide): void {
    // What is lent gives one access to all, and a reference that was not narrowed has just that;
    // the grant tells whether it was, and whether its holder is on the link itself.
    let grant = this.#check(transaction, side, 'read', 0, 0);
    if (grant === ErrorCode.AccessDenied) grant = this.#check(transaction, side, 'write', 0, 0);
    if (typeof grant === 'string') {
      this.#refuse(transaction, channel, side, grant);
      return;
    }
    const { registration } = grant;
    const isReachable = channel.memory !== undefined;
    const isAllowed = this.#mayAll(side, registration.fields.access);
    const description = isReachable && isAllowed ? registration.describe(grant) : undefined;
    if (description === undefined) {
      this.#refuse(transaction, channel, side, ErrorCode.Unsupported);
      return;
    }
    registration.note(this.#holderOf(side), 'map', 0);
    this.#counts.maps++;
    this.#done(transaction, description);
  }

  #serveLane(transaction: ReceivedTransaction, channel: Channel, side: ChannelSide): void {
    const { lane } = channel;
    switch (this.#request.op) {
      case TransferOp.Attach:
        this.#attach(transaction, channel);
        return;
      case TransferOp.Name:
        this.#name(transaction, channel, side);
        return;
      case TransferOp.LaneRead:
        this.#laneRead(transaction, channel, side);
        return;
      default:
        if (lane === undefined) {
          // Its lane is gone, and with it what was known of the body.
          this.#answerLane(transaction, ErrorCode.Disconnected, 'maybe');
        } else if (!lane.writes.take(transaction, this.#request.stamp)) {
          this.#host.lanes?.corrupt(channel);
          this.#answerLane(transaction, ErrorCode.Corrupt, 'maybe');
        }
    }
  }

  #attach(transaction: ReceivedTransaction, channel: Channel): void {
    const token = this.#host.lanes?.tokenFor(channel);
    if (token === undefined) this.#end(transaction, ErrorCode.Unsupported);
    else this.#done(transaction, token);
  }

  /** Whoever may write by the reference may call it by a number; each Write is judged by itself. */
  #name(transaction: ReceivedTransaction, channel: Channel, side: ChannelSide): void {
    const grant = this.#check(transaction, side, 'write', 0, 0);
    if (typeof grant === 'string') {
      this.#end(transaction, grant);
      return;
    }
    const { lane } = channel;
    if (lane === undefined) {
      // It has not come yet, or is gone: there is nowhere to keep the name.
      this.#end(transaction, ErrorCode.BackPressured);
      return;
    }
    lane.writes.name(this.#request.stamp, this.#referenceIn(transaction, side));
    this.#done(transaction, noBytes);
  }

  #laneRead(transaction: ReceivedTransaction, channel: Channel, side: ChannelSide): void {
    const { byteLength, offset, stamp: number } = this.#request;
    const grant = this.#check(transaction, side, 'read', offset, byteLength);
    if (typeof grant === 'string') {
      this.#end(transaction, grant);
      return;
    }
    const { lane } = channel;
    const isSent = sendRead(lane, number, grant, side.direct, byteLength, (wasSent) => {
      if (wasSent) {
        this.#counts.reads++;
        this.#counts.readBytes += byteLength;
        this.#counts.laneBytes += byteLength;
      }
      const code = wasSent ? ErrorCode.Ok : ErrorCode.Disconnected;
      this.#answerLane(transaction, code, wasSent ? 'done' : 'maybe');
    });
    if (!isSent) this.#end(transaction, ErrorCode.BackPressured);
  }

  /** Of the owner: what became of what a lane carries. */
  #answerLane(transaction: ReceivedTransaction, code: ErrorCode, execution: Execution): void {
    if (code === ErrorCode.StaleLease) this.#counts.staleWrites++;
    else if (code === ErrorCode.Cancelled) this.#counts.fencedWrites++;
    if (execution === 'never') this.#counts.refused++;
    this.#head.set(execution, this.#leaseMs, this.#fences.stampNow());
    transaction.complete(this.#head.bytes, errorTable[code].wire);
  }

  /** HOT: a grant holds until this turn's other code runs, so the hook is asked first. */
  #check(
    transaction: ReceivedTransaction,
    side: ChannelSide,
    access: 'read' | 'write',
    offset: number,
    byteLength: number,
  ): Grant | ErrorCode {
    const mayAccess = this.#may(side, access);
    const reference = this.#referenceIn(transaction, side);
    const holder = this.#holderOf(side);
    const found = this.#registrations.check(reference, holder, access, offset, byteLength);
    return mayAccess || typeof found === 'string' ? found : ErrorCode.AccessDenied;
  }

  #may(side: ChannelSide, access: TransferAccess): boolean {
    const { mayTransfer } = this.#host;
    return mayTransfer === undefined || mayTransfer(side.peer, access);
  }

  #mayAll(side: ChannelSide, access: BufferAccess): boolean {
    if (access === 'readWrite') return this.#may(side, 'read') && this.#may(side, 'write');
    return this.#may(side, access);
  }

  /** A request without a grant: it is somebody else's business, or refused. */
  #refuse(
    transaction: ReceivedTransaction,
    channel: Channel,
    side: ChannelSide,
    code: ErrorCode,
  ): void {
    if (code !== ErrorCode.ForeignReference) this.#end(transaction, code);
    else if (this.#may(side, 'relay')) {
      this.#relay.pass(transaction, channel, side.area, side.peer);
    } else {
      this.#counts.refused++;
      endWithoutOwner(transaction, ErrorCode.AccessDenied, 'never');
    }
  }

  /** The owner's refusal: nothing was touched. */
  #end(transaction: ReceivedTransaction, code: ErrorCode, data: Uint8Array = noBytes): void {
    this.#counts.refused++;
    this.#head.set('never', this.#leaseMs, this.#fences.stampNow());
    transaction.complete([this.#head.bytes, data], errorTable[code].wire);
  }

  /** HOT: answers from the bytes where they are. */
  #done(transaction: ReceivedTransaction, data: Bytes): void {
    this.#head.set('done', this.#leaseMs, this.#fences.stampNow());
    const answer = this.#answer;
    if (data instanceof Uint8Array) answer.push(data);
    else for (const part of data) answer.push(part);
    transaction.complete(answer);
    answer.length = 1;
  }

  /** HOT */
  #sideOf(channel: Channel, transaction: ReceivedTransaction): ChannelSide {
    const { peer } = channel.endpoint;
    assert(peer !== undefined, 'who sends requests has been greeted');
    const known = this.#sides.get(channel);
    if (known?.peer === peer && known.area.bytes === transaction.bytes) return known;
    const side = new ChannelSide(peer, transaction.bytes);
    this.#sides.set(channel, side);
    return side;
  }

  /** HOT: who the request is judged as: the peer, or the peer as a relay. */
  #holderOf(side: ChannelSide): Holder {
    return this.#request.hops === 0 ? side.direct : side.relayed;
  }

  /** HOT: the same view as long as the references of a slot lie in the same place. */
  #referenceIn(transaction: ReceivedTransaction, side: ChannelSide): Uint8Array {
    const { referenceAt, referenceBytes } = this.#request;
    const { slot } = transaction;
    const bytes = side.area.bytes;
    const known = side.references[slot];
    const start = bytes.byteOffset + referenceAt;
    if (known?.byteOffset === start && known.length === referenceBytes) return known;
    const view = new Uint8Array(bytes.buffer, start, referenceBytes);
    side.references[slot] = view;
    return view;
  }
}
