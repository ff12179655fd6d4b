/**
 * Responder: the half of an endpoint that receives. It hands messages and requests to the client
 * in submit order (V5), holds the client to what it granted (V7), and sends the answers.
 *
 * Space for every answer is reserved before a request is accepted. A `take…` that answers false
 * saw what no legal peer sends (V12). Items that the client still holds when the epoch ends are
 * completed into the void: that is the drain.
 */
import type { Bytes } from './api.js';
import { ByteArea, copyBytes } from './byte-area.js';
import type { Endpoint } from './endpoint.js';
import type { EpochWriter } from './epoch-writer.js';
import { ErrorCode, errorTable } from './errors.js';
import { FragmentJoiner, Joined } from './fragment-joiner.js';
import { FragmentSender } from './fragment-sender.js';
import {
  controlFrameBytes,
  fragmentHeaderBytes,
  FlushOutcome,
  FrameType,
  headWord,
  epochTagOf,
  isLegalHead,
  messageHeaderBytes,
  replyHeaderBytes,
  replyIsError,
  requestHeaderBytes,
  sequenceMask,
  slotOf,
  typeOf,
} from './frame.js';
import { byteLengthOf, gather } from './local-buffer.js';
import type { MessageOwner, ReceivedMessage } from './message.js';
import type { Quota } from './quota.js';
import { ReceivedTransaction, type ReceivedTransactionOwner } from './received-transaction.js';
import { ReceiveWindow } from './receive-window.js';
import { ReplyKind, ReplyQueue } from './reply-queue.js';

/** What a transaction slot of the responder is doing. */
const Phase = { Idle: 0, Joining: 1, Handling: 2, Flushed: 3, Answered: 4 } as const;

/** What the responder needs of its surroundings. */
export interface ResponderHost {
  readonly client: { readonly endpoint: Endpoint };
  /** Hands an item over; false if nobody listens. */
  deliverMessage(message: ReceivedMessage): boolean;
  deliverTransaction(transaction: ReceivedTransaction): boolean;
  /** Asks for `endTurn` before this turn of the domain is over. */
  endTurnSoon(): void;
  /** The client completed the last item that it held, and the epoch is over. */
  drained(): void;
}

/** Counters over all epochs. */
export interface ResponderStatistics {
  messagesReceived: number;
  messagesUnheard: number;
  transactionsReceived: number;
  transactionsUnheard: number;
  transactionsFlushed: number;
  repliesTooLarge: number;
}

const noBytes = new Uint8Array(0);
const creditFrameBytes = 12;

export class Responder implements MessageOwner, ReceivedTransactionOwner {
  readonly statistics: ResponderStatistics = {
    messagesReceived: 0,
    messagesUnheard: 0,
    transactionsReceived: 0,
    transactionsUnheard: 0,
    transactionsFlushed: 0,
    repliesTooLarge: 0,
  };
  readonly #host: ResponderHost;
  readonly #window: ReceiveWindow;
  readonly #transactions: ReceivedTransaction[] = [];
  readonly #parameters: ByteArea;
  readonly #phase: Uint8Array;
  readonly #queue: ReplyQueue;
  readonly #fragments: FragmentSender;
  /** Whose reply is sent in fragments, while `#fragments` is busy. */
  #fragmentedSlot = -1;
  readonly #joiner = new FragmentJoiner();
  #joiningMessage: ReceivedMessage | undefined = undefined;
  #joiningTransaction: ReceivedTransaction | undefined = undefined;
  #joiningTicket = 0;

  /** Set while answers can be sent. */
  #writer: EpochWriter | undefined = undefined;
  #agreed: Quota;
  /** True from `begin` to `stop`: answers of the client go to the peer. */
  #isOpen = false;
  #isAbandoned = false;
  #sequence = 0;
  #handledThrough = 0;
  #creditBatch = 1;
  #openTransactions = 0;

  constructor(host: ResponderHost, quota: Quota, frameBytesMax: number) {
    this.#host = host;
    this.#agreed = quota;
    this.#window = new ReceiveWindow(this, quota);
    const stride = (quota.parameterBytes + 7) & ~7;
    this.#parameters = ByteArea.allocate(quota.transactions * stride);
    for (let slot = 0; slot < quota.transactions; slot++) {
      const offset = slot * stride;
      const bytes = this.#parameters.bytes;
      this.#transactions.push(new ReceivedTransaction(this, bytes, offset, slot));
    }
    this.#phase = new Uint8Array(quota.transactions);
    this.#queue = new ReplyQueue(quota.transactions, quota.statusBytes);
    const needsFragments = quota.statusBytes + replyHeaderBytes > frameBytesMax;
    this.#fragments = new FragmentSender('reply', needsFragments ? quota.statusBytes : 0);
  }

  get endpoint(): Endpoint {
    return this.#host.client.endpoint;
  }

  get statusBytesMax(): number {
    return this.#agreed.statusBytes;
  }

  /** Received items that the client has not completed. */
  get openMessages(): number {
    return this.#isAbandoned ? 0 : this.#window.openCount;
  }

  get openTransactions(): number {
    return this.#isAbandoned ? 0 : this.#openTransactions;
  }

  /** The last sequence that was handed to the client in this epoch. */
  get handledThrough(): number {
    return this.#handledThrough;
  }

  begin(writer: EpochWriter, agreed: Quota): void {
    this.#writer = writer;
    this.#agreed = agreed;
    this.#isOpen = true;
    this.#sequence = 0;
    this.#handledThrough = 0;
    this.#creditBatch = Math.max(1, agreed.messages >> 2);
    this.#openTransactions = 0;
    this.#window.open(agreed.messages);
    this.#phase.fill(Phase.Idle);
    this.#queue.reset();
  }

  /**
   * This side leaves the epoch: the session hands nothing over any more, so `handledThrough` stays
   * true, and later answers go nowhere. What was answered before still goes out by `pump`.
   */
  stop(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const transaction of this.#transactions) {
      if (transaction.isOpen && !transaction.isFlushed) transaction.flush();
    }
  }

  /** The epoch's link is gone: nothing is sent any more. */
  end(): void {
    this.stop();
    this.#writer = undefined;
    this.#fragments.reset();
    // Its slot would count as a message that the client holds, and the drain would never end.
    if (this.#joiningMessage !== undefined) this.#window.giveBack(this.#joiningMessage);
    this.#forgetJoining();
  }

  /** The client had its time to drain: what it still holds counts for nothing from now on. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /** HOT: a message in one frame; `offset` is its header's. */
  takeMessage(area: ByteArea, offset: number, byteLength: number): boolean {
    const bodyBytes = byteLength - messageHeaderBytes;
    if (bodyBytes < 0 || bodyBytes > this.#agreed.messageBytes) return false;
    const sequence = area.getWord(offset + 4);
    if (!this.#takeSequence(sequence)) return false;
    const message = this.#window.take();
    if (message === undefined) return false;
    copyBytes(area, offset + messageHeaderBytes, this.#window.pool, message.offset, bodyBytes);
    this.#handMessage(message, sequence, bodyBytes);
    return true;
  }

  /** HOT: a request in one frame. */
  takeRequest(area: ByteArea, offset: number, byteLength: number): boolean {
    const bodyBytes = byteLength - requestHeaderBytes;
    if (bodyBytes < 0 || bodyBytes > this.#agreed.parameterBytes) return false;
    const sequence = area.getWord(offset + 4);
    if (!this.#takeSequence(sequence)) return false;
    const ticket = area.getWord(offset + 8);
    const transaction = this.#transactionFor(ticket);
    if (transaction === undefined) return false;
    const target = transaction.offset;
    copyBytes(area, offset + requestHeaderBytes, this.#parameters, target, bodyBytes);
    this.#handTransaction(transaction, ticket, sequence, bodyBytes);
    return true;
  }

  /** A fragment of the request stream. */
  takeFragment(area: ByteArea, offset: number, byteLength: number): boolean {
    switch (this.#joiner.take(area, offset, byteLength)) {
      case Joined.Corrupt:
        return false;
      case Joined.Partial:
        return true;
      case Joined.First:
        return this.#takeFirst(area, offset, byteLength);
      case Joined.Whole:
        return this.#takeWhole();
      case Joined.Aborted:
        return this.#takeAborted();
    }
  }

  /** The initiator gives a transaction up. */
  takeFlush(ticket: number): boolean {
    const slot = slotOf(ticket);
    const transaction = this.#transactions[slot];
    if (transaction === undefined || slot >= this.#agreed.transactions) return false;
    if (transaction.ticket !== ticket) return false;
    const phase = this.#phase[slot];
    if (phase === Phase.Handling) {
      this.#phase[slot] = Phase.Flushed;
      this.statistics.transactionsFlushed++;
      this.#sendOrQueue(ReplyKind.FlushedStarted, slot);
      transaction.flush();
      return true;
    }
    if (phase !== Phase.Answered) return false;
    this.#phase[slot] = Phase.Idle;
    this.#sendOrQueue(ReplyKind.FlushedAnswered, slot);
    return true;
  }

  /** The link takes frames again: credits, then answers in order. True if nothing is left. */
  pump(): boolean {
    const writer = this.#writer;
    if (writer === undefined) return true;
    if (!this.#sendCredit() || !this.#fragments.pump(writer)) return false;
    while (!this.#queue.isEmpty) {
      const slot = this.#queue.firstSlot;
      if (!this.#send(writer, this.#queue.firstKind, slot)) return false;
      this.#queue.shift();
      if (this.#fragments.isBusy) return false;
    }
    return true;
  }

  /** The domain's turn is over: tells the peer of what was completed in it. */
  endTurn(): void {
    this.#sendCredit();
  }

  /** HOT */
  messageCompleted(message: ReceivedMessage): void {
    if (this.#isAbandoned) return;
    this.#window.complete(message);
    if (this.#isOpen) this.#owe();
    else this.#checkDrained();
  }

  /** HOT */
  transactionCompleted(transaction: ReceivedTransaction, status: Bytes, code: number): void {
    if (this.#isAbandoned) return;
    this.#openTransactions--;
    const slot = transaction.slot;
    if (!this.#isOpen) {
      this.#checkDrained();
    } else if (this.#phase[slot] === Phase.Flushed) {
      this.#phase[slot] = Phase.Idle;
      this.#sendOrQueue(ReplyKind.Released, slot);
    } else if (byteLengthOf(status) > this.#agreed.statusBytes) {
      this.statistics.repliesTooLarge++;
      this.#answerError(slot, ErrorCode.TooLarge);
    } else {
      this.#answer(slot, 0, code, status);
    }
  }

  #takeSequence(sequence: number): boolean {
    if (sequence !== ((this.#sequence + 1) & sequenceMask) || this.#joiner.isOpen) return false;
    this.#sequence = sequence;
    return true;
  }

  /** The slot that the initiator chose, if it is free. */
  #transactionFor(ticket: number): ReceivedTransaction | undefined {
    const slot = slotOf(ticket);
    if (ticket < 0 || slot >= this.#agreed.transactions || this.#queue.isOwed(slot)) {
      return undefined;
    }
    if (this.#fragments.isBusy && slot === this.#fragmentedSlot) return undefined;
    const transaction = this.#transactions[slot];
    const phase = this.#phase[slot];
    const isFree =
      phase === Phase.Idle || (phase === Phase.Answered && transaction?.ticket !== ticket);
    return isFree ? transaction : undefined;
  }

  #handMessage(message: ReceivedMessage, sequence: number, byteLength: number): void {
    this.#window.begin(message, sequence, byteLength);
    this.#handledThrough = sequence;
    this.statistics.messagesReceived++;
    if (this.#host.deliverMessage(message)) return;
    this.statistics.messagesUnheard++;
    message.complete();
  }

  #handTransaction(
    transaction: ReceivedTransaction,
    ticket: number,
    sequence: number,
    byteLength: number,
  ): void {
    const slot = transaction.slot;
    transaction.begin(ticket, byteLength);
    this.#phase[slot] = Phase.Handling;
    this.#openTransactions++;
    this.#handledThrough = sequence;
    this.statistics.transactionsReceived++;
    if (this.#host.deliverTransaction(transaction)) return;
    this.statistics.transactionsUnheard++;
    transaction.dismiss();
    this.#openTransactions--;
    this.#answerError(slot, ErrorCode.Unsupported);
  }

  #takeFirst(area: ByteArea, offset: number, byteLength: number): boolean {
    const inner = offset + fragmentHeaderBytes;
    const innerBytes = byteLength - fragmentHeaderBytes;
    if (innerBytes < messageHeaderBytes) return false;
    const head = area.getWord(inner);
    if (!isLegalHead(head, epochTagOf(area.getWord(offset)))) return false;
    const sequence = area.getWord(inner + 4);
    if (sequence !== ((this.#sequence + 1) & sequenceMask)) return false;
    this.#sequence = sequence;
    const isMessage = typeOf(head) === FrameType.Message;
    const headerBytes = isMessage ? messageHeaderBytes : requestHeaderBytes;
    const bodyBytes = this.#joiner.totalBytes - headerBytes;
    if (innerBytes < headerBytes) return false;
    if (isMessage) {
      if (bodyBytes > this.#agreed.messageBytes) return false;
      const message = this.#window.take();
      if (message === undefined) return false;
      this.#joiningMessage = message;
      const pool = this.#window.pool;
      this.#joiner.begin(headerBytes, pool, message.offset, area, offset, byteLength);
      return true;
    }
    if (typeOf(head) !== FrameType.Request) return false;
    if (bodyBytes > this.#agreed.parameterBytes) return false;
    const ticket = area.getWord(inner + 8);
    const transaction = this.#transactionFor(ticket);
    if (transaction === undefined) return false;
    this.#joiningTransaction = transaction;
    this.#joiningTicket = ticket;
    this.#phase[transaction.slot] = Phase.Joining;
    const target = transaction.offset;
    this.#joiner.begin(headerBytes, this.#parameters, target, area, offset, byteLength);
    return true;
  }

  #takeWhole(): boolean {
    const message = this.#joiningMessage;
    const transaction = this.#joiningTransaction;
    const bodyBytes = this.#joiner.bodyBytes;
    this.#forgetJoining();
    if (message !== undefined) this.#handMessage(message, this.#sequence, bodyBytes);
    if (transaction !== undefined) {
      this.#handTransaction(transaction, this.#joiningTicket, this.#sequence, bodyBytes);
    }
    return true;
  }

  /** Only a transaction can be cancelled, so only a request is ever aborted. */
  #takeAborted(): boolean {
    const transaction = this.#joiningTransaction;
    if (transaction === undefined) return false;
    this.#phase[transaction.slot] = Phase.Idle;
    this.#forgetJoining();
    return true;
  }

  #forgetJoining(): void {
    this.#joiner.reset();
    this.#joiningMessage = undefined;
    this.#joiningTransaction = undefined;
  }

  #answerError(slot: number, code: ErrorCode): void {
    this.#answer(slot, replyIsError, errorTable[code].wire, noBytes);
  }

  /** HOT: answers at once if the link takes it, or keeps a copy in reserved memory. */
  #answer(slot: number, flags: number, code: number, status: Bytes): void {
    this.#phase[slot] = Phase.Answered;
    const writer = this.#writer;
    if (writer === undefined) return;
    const isFirst = this.#queue.isEmpty && !this.#fragments.isBusy;
    if (isFirst && this.#sendReply(writer, slot, flags, code, status, false)) return;
    this.#queue.pushReply(slot, flags, code, status);
  }

  #sendOrQueue(kind: ReplyKind, slot: number): void {
    const writer = this.#writer;
    if (writer === undefined) return;
    const isFirst = this.#queue.isEmpty && !this.#fragments.isBusy;
    if (isFirst && this.#send(writer, kind, slot)) return;
    this.#queue.push(kind, slot);
  }

  /** Sends one owed thing; false if the link does not take it now. */
  #send(writer: EpochWriter, kind: number, slot: number): boolean {
    if (kind === ReplyKind.Reply) {
      const status = this.#queue.statusOf(slot);
      const code = this.#queue.codeOf(slot);
      return this.#sendReply(writer, slot, this.#queue.flagsOf(slot), code, status, true);
    }
    const offset = writer.link.claim(controlFrameBytes);
    if (offset < 0) return false;
    const isReleased = kind === ReplyKind.Released;
    const outcome =
      kind === ReplyKind.FlushedStarted ? FlushOutcome.Started : FlushOutcome.Answered;
    const type = isReleased ? FrameType.Released : FrameType.Flushed;
    writer.area.setWord(offset, headWord(type, isReleased ? 0 : outcome, writer.epochTag));
    writer.area.setWord(offset + 4, this.#transactions[slot]?.ticket ?? 0);
    writer.link.commit();
    return true;
  }

  /** HOT */
  #sendReply(
    writer: EpochWriter,
    slot: number,
    flags: number,
    code: number,
    status: Bytes,
    isStable: boolean,
  ): boolean {
    const byteLength = byteLengthOf(status) + replyHeaderBytes;
    const head = headWord(FrameType.Reply, flags, writer.epochTag);
    const ticket = this.#transactions[slot]?.ticket ?? 0;
    if (byteLength > writer.frameBytesMax) {
      const header = [head, ticket, code] as const;
      this.#fragmentedSlot = slot;
      return this.#fragments.start(writer, header, replyHeaderBytes, status, isStable);
    }
    const offset = writer.link.claim(byteLength);
    if (offset < 0) return false;
    const area = writer.area;
    area.setWord(offset, head);
    area.setWord(offset + 4, ticket);
    area.setWord(offset + 8, code);
    gather(status, area.bytes, offset + replyHeaderBytes);
    writer.link.commit();
    return true;
  }

  /** HOT: credits go out in batches, at the latest when the turn ends. */
  #owe(): void {
    if (this.#window.owedCount >= this.#creditBatch) this.#sendCredit();
    else if (this.#window.owedCount === 1) this.#host.endTurnSoon();
  }

  #sendCredit(): boolean {
    const writer = this.#writer;
    if (writer === undefined || this.#window.owedCount === 0) return true;
    const offset = writer.link.claim(creditFrameBytes);
    if (offset < 0) return false;
    writer.area.setWord(offset, headWord(FrameType.Credit, 0, writer.epochTag));
    writer.area.setWord(offset + 4, this.#window.completedCount);
    writer.area.setWord(offset + 8, this.#window.completedThrough);
    writer.link.commit();
    this.#window.settleOwed();
    return true;
  }

  #checkDrained(): void {
    if (this.openMessages === 0 && this.openTransactions === 0) this.#host.drained();
  }
}
