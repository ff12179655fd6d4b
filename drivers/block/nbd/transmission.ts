/**
 * Transmission: the second phase of a connection. Takes requests out of the input, lets the device
 * work on them, many at once, and puts the replies into the output as they come.
 *
 * A request is taken on only while the connection is within its limits: so many requests, holding
 * so much memory, from their header until their reply has left. What a request announces is judged
 * before memory is taken for it; the data of one that is refused is passed over.
 */
import { assert, fail } from 'idc/contract';
import type { BlockDevice, Done, Extent, WriteOptions } from '../block-device.js';
import { BlockError } from '../block-error.js';
import { Want, type Agreement } from './agreement.js';
import type { Input } from './input.js';
import { Command, CommandFlag, NbdError, requestBytes, requestMagic } from './nbd-protocol.js';
import type { Output } from './output.js';
import type { PayloadPool } from './payload-pool.js';
import {
  extentsMax,
  putExtents,
  putSimpleReply,
  putStructuredData,
  putStructuredError,
} from './replies.js';
import { NbdRequest, type RequestOwner } from './request.js';
import { errorOf, heldBytesOf, judge } from './verdict.js';

export interface TransmissionLimits {
  /** Requests that are not answered yet. */
  readonly requestsMax: number;
  /** Their data, in bytes; one request may always have `payloadBytesMax`. */
  readonly heldBytesMax: number;
  /** Longest read or write, in bytes. */
  readonly payloadBytesMax: number;
}

/** As many requests are taken on at once before other connections have a turn. */
const requestsPerTurnMax = 256;
/** Data that is still to come is read straight into its place from this length on. */
const directBytesMin = 32768;

const plainWrite: WriteOptions = { fua: false };
const durableWrite: WriteOptions = { fua: true };

export class Transmission implements RequestOwner {
  readonly #agreement: Agreement;
  readonly #limits: TransmissionLimits;
  readonly #pool: PayloadPool;
  readonly #output: Output;
  /** Called when a request is answered that was not when `pump` came back. */
  readonly #answered: () => void;
  readonly #idle: NbdRequest[] = [];
  /** Of which so many exist; those not in `#idle` are with the device or wait for data. */
  #requestCount = 0;
  /** Taken on, and not yet told by `left` that their replies are gone. */
  #openCount = 0;
  #heldBytes = 0;
  /** The write whose data is coming, and how much of it is here. */
  #incoming: NbdRequest | undefined = undefined;
  #incomingBytes = 0;
  /** Data of a refused write, still to be passed over. */
  #skipBytes = 0;
  #isPumping = false;
  #isOver = false;

  constructor(
    agreement: Agreement,
    limits: TransmissionLimits,
    pool: PayloadPool,
    output: Output,
    answered: () => void,
  ) {
    this.#agreement = agreement;
    this.#limits = limits;
    this.#pool = pool;
    this.#output = output;
    this.#answered = answered;
  }

  /** True if the device has nothing of this connection's. */
  get isIdle(): boolean {
    return this.#idle.length + (this.#incoming === undefined ? 0 : 1) === this.#requestCount;
  }

  /** Takes on what the input has, as far as the limits go. */
  pump(input: Input): Want {
    this.#isPumping = true;
    const want = this.#takeAll(input);
    this.#isPumping = false;
    return want;
  }

  /** Where the rest of a long write goes, if that is what comes next. */
  directPlace(): Buffer | undefined {
    const data = this.#incoming?.payload?.data;
    if (data === undefined || data.byteLength - this.#incomingBytes < directBytesMin) {
      return undefined;
    }
    return data.subarray(this.#incomingBytes);
  }

  /** So many bytes came to the last `directPlace`. */
  landed(byteLength: number): void {
    this.#incomingBytes += byteLength;
  }

  /** Replies have left. */
  left(requests: number, heldBytes: number): void {
    this.#openCount -= requests;
    this.#heldBytes -= heldBytes;
    assert(this.#openCount >= 0 && this.#heldBytes >= 0, 'what is let go was held');
  }

  /** The connection is over: nothing goes into the output any more. */
  abandon(): void {
    this.#isOver = true;
    const request = this.#incoming;
    if (request === undefined) return;
    this.#incoming = undefined;
    this.#recycle(request);
  }

  // HOT:
  succeeded(request: NbdRequest): void {
    if (!this.#isOver) this.#putSuccess(request);
    this.#recycle(request);
  }

  failed(request: NbdRequest, error: unknown): void {
    // Anything else is a programmer's error, and no client is told of it.
    if (!(error instanceof BlockError)) throw error;
    this.#fail(request, errorOf(error.code, request.command));
  }

  #takeAll(input: Input): Want {
    for (let taken = 0; taken < requestsPerTurnMax; taken++) {
      if (!this.#takeData(input) || input.byteLength < requestBytes) return Want.Input;
      const { view, start } = input;
      if (view.getUint32(start) !== requestMagic) return Want.End;
      if (!this.#hasRoom(view, start)) return Want.Room;
      const request = this.#idle.pop() ?? this.#makeRequest();
      request.read(view, start);
      input.use(requestBytes);
      if (request.command === Command.Disconnect) {
        this.#idle.push(request);
        return Want.Nothing;
      }
      this.#begin(request);
    }
    return Want.Turn;
  }

  /** True when all data that was announced is here. */
  // HOT:
  #takeData(input: Input): boolean {
    if (this.#skipBytes > 0) {
      const byteLength = Math.min(this.#skipBytes, input.byteLength);
      input.use(byteLength);
      this.#skipBytes -= byteLength;
      if (this.#skipBytes > 0) return false;
    }
    const request = this.#incoming;
    if (request?.payload === undefined) return true;
    const { data } = request.payload;
    this.#incomingBytes += input.moveTo(data, this.#incomingBytes);
    if (this.#incomingBytes < data.byteLength) return false;
    this.#incoming = undefined;
    this.#perform(request);
    return true;
  }

  // HOT:
  #hasRoom(view: DataView, start: number): boolean {
    const { requestsMax, heldBytesMax, payloadBytesMax } = this.#limits;
    if (this.#openCount >= requestsMax) return false;
    const command = view.getUint16(start + 6);
    const heldBytes = heldBytesOf(command, view.getUint32(start + 24), payloadBytesMax);
    if (heldBytes === 0 || this.#heldBytes === 0) return true;
    return this.#heldBytes + heldBytes <= heldBytesMax;
  }

  #makeRequest(): NbdRequest {
    this.#requestCount += 1;
    return new NbdRequest(this);
  }

  // HOT:
  #begin(request: NbdRequest): void {
    const { command, byteLength } = request;
    const { payloadBytesMax } = this.#limits;
    this.#openCount += 1;
    const error = judge(request, this.#agreement, payloadBytesMax);
    if (error !== NbdError.None) {
      if (command === Command.Write) this.#skipBytes = byteLength;
      this.#fail(request, error);
      return;
    }
    if (byteLength === 0 && command !== Command.Flush) {
      this.succeeded(request);
      return;
    }
    request.heldBytes = heldBytesOf(command, byteLength, payloadBytesMax);
    this.#heldBytes += request.heldBytes;
    if (request.heldBytes > 0) {
      request.payload = this.#pool.take(byteLength, this.#agreement.device.memory);
    }
    if (command === Command.Write) {
      this.#incoming = request;
      this.#incomingBytes = 0;
    } else {
      this.#perform(request);
    }
  }

  // HOT:
  #perform(request: NbdRequest): void {
    if (request.command === Command.BlockStatus) {
      this.#ask(request);
      return;
    }
    const done = this.#operate(request);
    if (done === undefined) this.succeeded(request);
    else done.then(request.succeeded, request.failed);
  }

  // HOT:
  #operate(request: NbdRequest): Done {
    const { device } = this.#agreement;
    const { command, offset, byteLength, payload } = request;
    const fua = request.hasFlag(CommandFlag.Fua);
    switch (command) {
      case Command.Read:
        assert(payload !== undefined, 'a read has memory');
        return device.read(offset, payload.data);
      case Command.Write:
        assert(payload !== undefined, 'a write has data');
        return device.write(offset, payload.data, fua ? durableWrite : plainWrite);
      case Command.Flush:
        return device.flush();
      case Command.Trim:
        return fua ? discardThrough(device, request) : device.discard(offset, byteLength);
      case Command.WriteZeroes: {
        const mayDiscard = !request.hasFlag(CommandFlag.NoHole);
        return device.writeZeroes(offset, byteLength, { fua, mayDiscard });
      }
      default:
        return fail('no other command passes the verdict');
    }
  }

  #ask(request: NbdRequest): void {
    const { device } = this.#agreement;
    const answer = (extents: readonly Extent[]): void => {
      assert(extents.length > 0, 'a device answers one extent at least');
      if (!this.#isOver) {
        const countMax = request.hasFlag(CommandFlag.RequestOne) ? 1 : extentsMax;
        putExtents(this.#output, request, extents.slice(0, countMax));
      }
      this.#recycle(request);
    };
    device.status(request.offset, request.byteLength).then(answer, request.failed);
  }

  // HOT:
  #putSuccess(request: NbdRequest): void {
    if (request.command === Command.Read) {
      if (this.#agreement.isStructured) putStructuredData(this.#output, request);
      else putSimpleReply(this.#output, request, NbdError.None);
      request.payload = undefined; // The output has it now.
      return;
    }
    this.#release(request);
    putSimpleReply(this.#output, request, NbdError.None);
  }

  #fail(request: NbdRequest, error: NbdError): void {
    this.#release(request);
    if (!this.#isOver) {
      const { command } = request;
      const isAnswer = command === Command.Read || command === Command.BlockStatus;
      if (isAnswer && this.#agreement.isStructured) {
        putStructuredError(this.#output, request, error);
      } else {
        putSimpleReply(this.#output, request, error);
      }
    }
    this.#recycle(request);
  }

  // HOT:
  #release(request: NbdRequest): void {
    if (request.payload === undefined) return;
    this.#pool.give(request.payload);
    request.payload = undefined;
  }

  // HOT:
  #recycle(request: NbdRequest): void {
    this.#release(request);
    this.#idle.push(request);
    if (!this.#isPumping) this.#answered();
  }
}

/** A discard whose effect, whatever it is, is on stable storage afterwards. */
async function discardThrough(device: BlockDevice, request: NbdRequest): Promise<void> {
  await device.discard(request.offset, request.byteLength);
  await device.flush();
}
