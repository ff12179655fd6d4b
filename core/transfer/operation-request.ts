/**
 * Requests: lays out what a holder asks of an owner, in memory that is used again for each one, and
 * asks single questions (a lease, a fence, a mapping) that are no pieces.
 */
import { Refusal } from '../api.js';
import { ErrorCode, type Execution } from '../errors.js';
import type { Runtime } from '../runtime.js';
import type { Channel } from './channel.js';
import { pushViews, type Local } from './local-list.js';
import type { Target } from './operation-target.js';
import {
  AnswerReader,
  holderKeyBytes,
  RequestHead,
  requestHeadBytes,
  TransferOp,
} from './transfer-wire.js';

/** What became of a question. */
export interface Answer {
  readonly code: ErrorCode;
  /** Of the owner, a copy. */
  readonly data: Uint8Array;
}

type Question =
  | typeof TransferOp.Fence
  | typeof TransferOp.Lease
  | typeof TransferOp.Map
  | typeof TransferOp.Name;

/** A question on its way. */
interface Asked {
  readonly target: Target;
  readonly submittedMs: number;
  readonly resolve: (answer: Answer) => void;
}

const noBytes = new Uint8Array(0);

export class Requests {
  readonly #runtime: Runtime;
  readonly #head: RequestHead;
  /** Of requests without a reference. */
  readonly #bareHead: RequestHead;
  /** A request with data: its head, and views of the data during the call that submits it. */
  readonly #parts: Uint8Array[] = [];
  readonly #answer = new AnswerReader();
  #target: Target | undefined = undefined;

  /** The holder key is drawn here: it is told to nobody but owners, as part of requests. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    const holderKey = new Uint8Array(holderKeyBytes);
    runtime.prng.fill(holderKey);
    this.#head = new RequestHead(holderKey);
    this.#bareHead = new RequestHead(holderKey);
  }

  /** HOT: the parameters of a Read; valid until the next request. */
  read(target: Target, offset: number, byteLength: number, operation: number): Uint8Array {
    return this.#headOf(TransferOp.Read, target, offset, byteLength, operation);
  }

  /** HOT: the parameters of a Write of `[from, from + byteLength)`; `clear` when submitted. */
  write(
    target: Target,
    offset: number,
    local: Local,
    from: number,
    byteLength: number,
    operation: number,
  ): readonly Uint8Array[] {
    this.#parts.push(this.#headOf(TransferOp.Write, target, offset, byteLength, operation));
    pushViews(local, from, byteLength, this.#parts);
    return this.#parts;
  }

  /** The parameters of a Read whose data comes as the body `number` of the channel's lane. */
  laneRead(
    target: Target,
    offset: number,
    byteLength: number,
    operation: number,
    number: number,
  ): Uint8Array {
    return this.#headOf(TransferOp.LaneRead, target, offset, byteLength, operation, number);
  }

  /** The parameters of a Write whose data goes as the body `number` of the channel's lane. */
  laneWrite(number: number, byteLength: number, operation: number): Uint8Array {
    this.#bareHead.set(TransferOp.LaneWrite, 0, byteLength, number, operation);
    return this.#bareHead.bytes;
  }

  /** What names the operation to owners; valid until the next call. */
  operationBytes(operation: number): Uint8Array {
    return this.#bareHead.operationBytes(operation);
  }

  /** HOT: lets go of the local bytes. */
  clear(): void {
    this.#parts.length = 0;
  }

  /** Bytes of a request with so much data. */
  static byteLengthOf(target: Target, dataBytes: number): number {
    return requestHeadBytes + target.encoded.length + dataBytes;
  }

  /**
   * Asks one question, as soon as the channel has a slot for it. Never rejects. The owner's stamp
   * renews its lease. `number`: of a Name.
   */
  async ask(
    op: Question,
    target: Target,
    channel: Channel,
    operation: number,
    timeoutMs: number,
    number?: number,
  ): Promise<Answer> {
    const { clock } = this.#runtime;
    const deadlineMs = clock.now() + timeoutMs;
    const byteLength = Requests.byteLengthOf(target, 0);
    for (;;) {
      const leftMs = deadlineMs - clock.now();
      if (leftMs <= 0) return { code: ErrorCode.Timeout, data: noBytes };
      const answer = await this.#submit(op, target, channel, operation, leftMs, number);
      if (typeof answer !== 'number') return answer;
      if (answer !== Refusal.Quota && answer !== Refusal.BackPressured) {
        return { code: ErrorCode.NotConnected, data: noBytes };
      }
      try {
        await channel.endpoint.whenWritable({ kind: 'transaction', byteLength });
      } catch {
        // The epoch is over: nothing was asked.
        return { code: ErrorCode.NotConnected, data: noBytes };
      }
    }
  }

  /** The answer, or why the question was not submitted. */
  #submit(
    op: Question,
    target: Target,
    channel: Channel,
    operation: number,
    timeoutMs: number,
    number: number | undefined,
  ): Promise<Answer> | Refusal {
    const parameters = this.#headOf(op, target, 0, 0, operation, number);
    const submittedMs = this.#runtime.clock.now();
    let resolve: (answer: Answer) => void = () => undefined;
    const promise = new Promise<Answer>((resolveAnswer) => {
      resolve = resolveAnswer;
    });
    const asked: Asked = { target, submittedMs, resolve };
    const ticket = channel.endpoint.transact(parameters, this.#answered, asked, timeoutMs);
    // reason: what is negative is a refusal
    return ticket < 0 ? (ticket as Refusal) : promise;
  }

  readonly #answered = (
    asked: Asked,
    code: ErrorCode,
    _execution: Execution,
    bytes: Uint8Array,
    offset: number,
    byteLength: number,
    remoteCode: number,
  ): void => {
    if (code !== ErrorCode.Ok && code !== ErrorCode.Remote) {
      asked.resolve({ code, data: noBytes });
      return;
    }
    const answer = this.#answer;
    if (!answer.read(remoteCode, bytes, offset, byteLength)) {
      asked.resolve({ code: ErrorCode.Corrupt, data: noBytes });
      return;
    }
    const { stamp, leaseMs, dataAt, dataBytes } = answer;
    if (leaseMs > 0) asked.target.lease.renew(stamp, leaseMs, asked.submittedMs);
    const data = new Uint8Array(bytes.subarray(dataAt, dataAt + dataBytes));
    asked.resolve({ code: answer.code, data });
  };

  /** HOT */
  #headOf(
    op: TransferOp,
    target: Target,
    offset: number,
    byteLength: number,
    operation: number,
    number: number = target.lease.stamp,
  ): Uint8Array {
    if (this.#target !== target) {
      this.#target = target;
      this.#head.setReference(target.encoded);
    }
    this.#head.set(op, offset, byteLength, number, operation);
    return this.#head.bytes;
  }
}
