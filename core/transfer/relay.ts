/**
 * Relay: passes requests on whose owner is another domain, and the owner's answers back unchanged.
 *
 * A relayed request holds its slot of the incoming channel, and one of the onward channel; nothing
 * is queued and no data is kept. It adds this domain to the path, so that no request goes in
 * circles, and its own failures carry no stamp. It widens nothing: the owner judges a request by
 * the identity of the relay that it comes from.
 */
import { Refusal, type Peer } from '../api.js';
import { assert } from '../assert.js';
import type { ByteArea } from '../byte-area.js';
import { ErrorCode, errorTable, IdcError, type Execution } from '../errors.js';
import { fromHex, toHex } from '../greeting.js';
import type { ReceivedTransaction } from '../received-transaction.js';
import type { Clock } from '../runtime.js';
import type { Channel, Routes } from './channel.js';
import { RemoteBufferReference } from './reference.js';
import {
  AnswerHead,
  answerHeadBytes,
  domainIdBytes,
  hopsMax,
  requestHeadBytes,
  RequestReader,
  TransferOp,
} from './transfer-wire.js';

/** What a relay needs of its domain. */
export interface RelayHost {
  readonly clock: Clock;
  /** 32 hexadecimal digits. */
  readonly ownerId: string;
  readonly routes: Routes;
  /** Time limit of a relayed request, the search for its way included, in milliseconds. */
  readonly timeoutMs: number;
}

/** Counters of one domain. A plain copy, taken at the call. */
export interface RelayStatistics {
  /** Requests of others that were passed on. */
  relayedRequests: number;
  /** Their data, written and read; 0 as long as every holder reaches its owner directly. */
  relayedBytes: number;
  /** Requests of others that were not passed on. */
  unrelayedRequests: number;
}

/** Encoded references that are kept decoded. */
const decodedMax = 16;

interface Decoded {
  readonly bytes: Uint8Array;
  readonly reference: RemoteBufferReference;
}

/** One request on its way: from `transaction` of `incoming` to the owner. */
class Relayed {
  readonly statistics: RelayStatistics;
  readonly transaction: ReceivedTransaction;
  readonly incoming: Channel;
  readonly area: ByteArea;
  /** The id of the peer that it came from; with those in its path, who must not see it again. */
  readonly peerId: string;
  readonly deadlineMs: number;

  constructor(
    statistics: RelayStatistics,
    transaction: ReceivedTransaction,
    incoming: Channel,
    area: ByteArea,
    peerId: string,
    deadlineMs: number,
  ) {
    this.statistics = statistics;
    this.transaction = transaction;
    this.incoming = incoming;
    this.area = area;
    this.peerId = peerId;
    this.deadlineMs = deadlineMs;
  }
}

export class Relay {
  readonly #host: RelayHost;
  readonly #ownId: Uint8Array;
  readonly #statistics: RelayStatistics = {
    relayedRequests: 0,
    relayedBytes: 0,
    unrelayedRequests: 0,
  };
  /** The request at hand, read again after each wait. */
  readonly #request = new RequestReader();
  /** The head of an onward request: the fixed part and the path. */
  readonly #head = new Uint8Array(requestHeadBytes + hopsMax * domainIdBytes);
  readonly #decoded: Decoded[] = [];
  #decodedNext = 0;

  constructor(host: RelayHost) {
    this.#host = host;
    this.#ownId = fromHex(host.ownerId);
    assert(this.#ownId.length === domainIdBytes, 'a domain id has 16 bytes');
  }

  statistics(): RelayStatistics {
    return { ...this.#statistics };
  }

  /** Takes a whole request of `peer` over, which it completes exactly once. */
  pass(transaction: ReceivedTransaction, incoming: Channel, area: ByteArea, peer: Peer): void {
    const request = this.#read(transaction, area);
    const deadlineMs = this.#host.clock.now() + this.#host.timeoutMs;
    const relayed = new Relayed(
      this.#statistics,
      transaction,
      incoming,
      area,
      peer.domainId,
      deadlineMs,
    );
    if (request.op === TransferOp.Map) {
      this.#end(relayed, ErrorCode.Unsupported);
      return;
    }
    if (request.hops >= hopsMax || this.#isInPath(area, request)) {
      this.#end(relayed, ErrorCode.Unreachable);
      return;
    }
    const reference = this.#decode(area, request);
    if (reference === undefined) {
      this.#end(relayed, ErrorCode.BadReference);
      return;
    }
    const visited = this.#visited(relayed, request);
    const onward = this.#host.routes.current(reference);
    if (onward !== undefined && isOpenTo(onward, incoming, visited)) this.#submit(relayed, onward);
    else void this.#find(relayed, reference, visited);
  }

  async #find(
    relayed: Relayed,
    reference: RemoteBufferReference,
    visited: readonly string[],
  ): Promise<void> {
    // Asked for here, since one that is asked for later could miss that the initiator gave up.
    const { signal } = relayed.transaction;
    const found = await this.#host.routes.find(reference, relayed.deadlineMs, visited);
    if (signal.aborted) this.#end(relayed, ErrorCode.Cancelled);
    else if (found instanceof IdcError) this.#end(relayed, found.code);
    else if (isOpenTo(found, relayed.incoming, visited)) this.#submit(relayed, found);
    else this.#end(relayed, ErrorCode.Unreachable);
  }

  #submit(relayed: Relayed, onward: Channel): void {
    const { transaction, area } = relayed;
    const request = this.#read(transaction, area);
    const pieceBytes = Math.min(onward.pieceBytes, transaction.statusBytesMax - answerHeadBytes);
    if (request.byteLength > pieceBytes) {
      this.#end(relayed, ErrorCode.TooLarge, pieceBytes);
      return;
    }
    const leftMs = relayed.deadlineMs - this.#host.clock.now();
    if (leftMs <= 0) {
      this.#end(relayed, ErrorCode.Timeout);
      return;
    }
    const endAt = transaction.offset + transaction.byteLength;
    const rest = area.bytes.subarray(request.referenceAt, endAt);
    const parameters = [this.#headOf(area, transaction.offset, request), rest];
    const ticket = onward.endpoint.transact(parameters, answered, relayed, leftMs);
    if (ticket < 0) {
      this.#end(relayed, codeOfRefusal(ticket));
      return;
    }
    this.#statistics.relayedRequests++;
    if (request.op === TransferOp.Write) this.#statistics.relayedBytes += request.byteLength;
    const giveUp = (): void => {
      onward.endpoint.cancel(ticket);
    };
    transaction.signal.addEventListener('abort', giveUp, { once: true });
  }

  /** The same head, one relay further. Valid until the next call. */
  #headOf(area: ByteArea, at: number, request: RequestReader): Uint8Array {
    const pathEnd = requestHeadBytes + request.hops * domainIdBytes;
    this.#head.set(area.bytes.subarray(at, at + pathEnd));
    this.#head.set(this.#ownId, pathEnd);
    this.#head[1] = request.hops + 1;
    return this.#head.subarray(0, pathEnd + domainIdBytes);
  }

  /** A request that was not passed on, or not taken: it was never executed. */
  #end(relayed: Relayed, code: ErrorCode, pieceBytes?: number): void {
    this.#statistics.unrelayedRequests++;
    endWithoutOwner(relayed.transaction, code, 'never', pieceBytes);
  }

  #read(transaction: ReceivedTransaction, area: ByteArea): RequestReader {
    const isLegal = this.#request.read(area, transaction.offset, transaction.byteLength);
    assert(isLegal, 'the request was checked before, and nobody else can write it');
    return this.#request;
  }

  #isInPath(area: ByteArea, request: RequestReader): boolean {
    for (let hop = 0; hop < request.hops; hop++) {
      if (areEqual(area.bytes, request.pathAt + hop * domainIdBytes, this.#ownId)) return true;
    }
    return false;
  }

  #visited(relayed: Relayed, request: RequestReader): readonly string[] {
    const visited = [this.#host.ownerId, relayed.peerId];
    for (let hop = 0; hop < request.hops; hop++) {
      const at = request.pathAt + hop * domainIdBytes;
      visited.push(toHex(relayed.area.bytes.subarray(at, at + domainIdBytes)));
    }
    return visited;
  }

  /** The same object for the same bytes, as long as it is remembered: ways are kept by object. */
  #decode(area: ByteArea, request: RequestReader): RemoteBufferReference | undefined {
    const { referenceAt, referenceBytes } = request;
    for (const { bytes, reference } of this.#decoded) {
      if (bytes.length === referenceBytes && areEqual(area.bytes, referenceAt, bytes)) {
        return reference;
      }
    }
    const bytes = new Uint8Array(area.bytes.subarray(referenceAt, referenceAt + referenceBytes));
    const reference = decodeOrUndefined(bytes);
    if (reference === undefined) return undefined;
    this.#decoded[this.#decodedNext] = { bytes, reference };
    this.#decodedNext = (this.#decodedNext + 1) % decodedMax;
    return reference;
  }
}

/** Completion of the onward transaction. */
function answered(
  relayed: Relayed,
  code: ErrorCode,
  execution: Execution,
  bytes: Uint8Array,
  offset: number,
  byteLength: number,
  remoteCode: number,
): void {
  const { transaction, statistics } = relayed;
  if (code !== ErrorCode.Ok && code !== ErrorCode.Remote) {
    endWithoutOwner(transaction, code, execution === 'never' ? 'never' : 'maybe');
  } else if (byteLength > transaction.statusBytesMax) {
    endWithoutOwner(transaction, ErrorCode.Corrupt, 'maybe');
  } else {
    statistics.relayedBytes += Math.max(0, byteLength - answerHeadBytes);
    transaction.complete(bytes.subarray(offset, offset + byteLength), remoteCode);
  }
}

/** Answers in the place of an owner that has not. */
export function endWithoutOwner(
  transaction: ReceivedTransaction,
  code: ErrorCode,
  execution: 'never' | 'maybe',
  pieceBytes?: number,
): void {
  const head = new AnswerHead();
  head.setWithoutStamp(execution);
  const wireCode = errorTable[code].wire;
  if (pieceBytes === undefined) transaction.complete(head.bytes, wireCode);
  else transaction.complete([head.bytes, encodePieceBytes(pieceBytes)], wireCode);
}

/** The data of a TOO_LARGE: the most data bytes that pass here. */
export function encodePieceBytes(pieceBytes: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Math.max(0, pieceBytes), true);
  return bytes;
}

/** A way that does not lead back to where the request came from. */
function isOpenTo(onward: Channel, incoming: Channel, visited: readonly string[]): boolean {
  const peer = onward.endpoint.peer;
  return onward !== incoming && peer !== undefined && !visited.includes(peer.domainId);
}

function areEqual(bytes: Uint8Array, at: number, other: Uint8Array): boolean {
  for (let index = 0; index < other.length; index++) {
    if (bytes[at + index] !== other[index]) return false;
  }
  return true;
}

function decodeOrUndefined(bytes: Uint8Array): RemoteBufferReference | undefined {
  try {
    return RemoteBufferReference.decode(bytes);
  } catch (error) {
    if (error instanceof IdcError) return undefined;
    throw error;
  }
}

function codeOfRefusal(refusal: number): ErrorCode {
  switch (refusal) {
    case Refusal.Quota:
    case Refusal.BackPressured:
      return ErrorCode.Quota;
    case Refusal.TooLarge:
      return ErrorCode.TooLarge;
    case Refusal.Destroyed:
    case Refusal.NotConnected:
      return ErrorCode.Unreachable;
    default:
      return ErrorCode.Unreachable;
  }
}
