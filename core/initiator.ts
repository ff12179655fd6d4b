/**
 * Initiator: the half of an endpoint that submits. It owns the sequence of requests, the credits
 * for messages and the slots of transactions, allocated with the endpoint and used for each epoch.
 *
 * The endpoint calls what submits; the session calls what takes the peer's answers. A `take…` that
 * answers false saw what no legal peer sends (V12).
 */
import { Refusal, type Bytes, type Completion, type WritableRequest } from './api.js';
import { assert } from './assert.js';
import { ByteArea, copyBytes } from './byte-area.js';
import type { EpochWriter } from './epoch-writer.js';
import { ErrorCode, IdcError } from './errors.js';
import { FragmentSender } from './fragment-sender.js';
import {
  controlFrameBytes,
  flagsOf,
  FlushOutcome,
  FrameType,
  headWord,
  isBefore,
  messageHeaderBytes,
  replyHeaderBytes,
  requestHeaderBytes,
  sequenceMask,
  slotOf,
} from './frame.js';
import { byteLengthOf, gather } from './local-buffer.js';
import type { Quota } from './quota.js';
import { TransactionSlots, type SlotOwner, type TransactionHost } from './transaction-slots.js';
import { ClaimRefusal } from './transport.js';
import { WritableWaiters } from './writable-waiters.js';

/** Counters over all epochs. */
export interface InitiatorStatistics {
  messagesSubmitted: number;
  messagesCompleted: number;
  refusals: number;
}

export class Initiator implements SlotOwner {
  readonly statistics: InitiatorStatistics = {
    messagesSubmitted: 0,
    messagesCompleted: 0,
    refusals: 0,
  };
  readonly transactions: TransactionSlots;
  readonly #waiters: WritableWaiters;
  readonly #fragments: FragmentSender;
  /** A status that came in one frame, out of the peer's reach while the client looks at it. */
  #status: ByteArea;
  /** Tickets whose flush the link did not take yet. */
  readonly #flushQueue: number[] = [];
  /** The slot whose request is being sent in fragments, or -1. */
  #fragmentedSlot = -1;

  /** Set while an epoch takes submissions. */
  #writer: EpochWriter | undefined = undefined;
  /** Set from `begin` to `end`: what was submitted may still be answered. */
  #epochWriter: EpochWriter | undefined = undefined;
  #agreed: Quota;
  #closedRefusal: Refusal = Refusal.NotConnected;
  #messageHead = 0;
  #requestHead = 0;
  #sequence = 0;
  #sequenceWraps = 0;
  /** The last sequence that the peer is known to have handed to a handler. */
  #handledThrough = 0;
  /** The first request of the ended epoch that is known never to have been handled. */
  #neverFrom = 1;
  #messageCredit = 0;
  /** Requests of this epoch that were taken back before the peer had them whole. */
  #takenBackCount = 0;
  /** The last run of them, as counts of submissions; 0 if there was none. */
  #takenBackFrom = 0;
  #takenBackThrough = 0;
  /** Messages, 31 bits: submitted so far, completed in any order, and completed without a gap. */
  #messageOrdinal = 0;
  #completedCount = 0;
  #completedThrough = 0;

  constructor(host: TransactionHost, quota: Quota, frameBytesMax: number) {
    this.#agreed = quota;
    const longest = Math.max(quota.messageBytes, quota.parameterBytes);
    const needsFragments = longest + requestHeaderBytes > frameBytesMax;
    this.#fragments = new FragmentSender('request', needsFragments ? longest : 0);
    this.#status = ByteArea.allocate(Math.min(quota.statusBytes, frameBytesMax));
    this.#waiters = new WritableWaiters(host.runtime, (request) => this.#isWritable(request));
    this.transactions = new TransactionSlots(host, this, quota.transactions);
  }

  /** Messages that the peer has not completed. */
  get uncompletedMessages(): number {
    return this.#agreed.messages - this.#messageCredit;
  }

  /** True if something submitted waits for the peer. */
  get isWaiting(): boolean {
    return (
      this.#epochWriter !== undefined &&
      (this.transactions.unsettledCount > 0 || this.uncompletedMessages > 0)
    );
  }

  get waiterCount(): number {
    return this.#waiters.count;
  }

  /** Requests submitted in this epoch, or in the last one. */
  get submittedThrough(): number {
    return this.#sequenceWraps * 2 ** 31 + this.#sequence;
  }

  /** The last of them that is known to have been given to a handler of the peer. */
  get handledThrough(): number {
    return this.submittedThrough - ((this.#sequence - this.#handledThrough) & sequenceMask);
  }

  /** After `end`: this request and all above it were never given to a handler. */
  get neverFrom(): number {
    return this.#neverFrom;
  }

  /** Opens an epoch. */
  begin(writer: EpochWriter, agreed: Quota): void {
    assert(this.#epochWriter === undefined, 'the previous epoch has ended');
    this.#writer = writer;
    this.#epochWriter = writer;
    this.#agreed = agreed;
    this.#messageHead = headWord(FrameType.Message, 0, writer.epochTag);
    this.#requestHead = headWord(FrameType.Request, 0, writer.epochTag);
    this.#sequence = 0;
    this.#sequenceWraps = 0;
    this.#handledThrough = 0;
    this.#messageCredit = agreed.messages;
    this.#takenBackCount = 0;
    this.#takenBackFrom = 0;
    this.#takenBackThrough = 0;
    this.#messageOrdinal = 0;
    this.#completedCount = 0;
    this.#completedThrough = 0;
    this.transactions.open(agreed.transactions);
  }

  /** No further submissions in this epoch; `refusal` is what they are told. Answers still count. */
  stop(refusal: Refusal = this.#closedRefusal): void {
    this.#writer = undefined;
    this.#closedRefusal = refusal;
  }

  /**
   * The peer left, and said the last sequence that it gave to a handler: what settles from now on
   * without an answer knows it. Answers false if that is no evidence.
   */
  hearGoodbye(handledThrough: number | undefined): boolean {
    this.#noteCompleted();
    if (!this.#isPlausible(handledThrough)) return false;
    // What the peer says last cannot take back what its answers have shown.
    this.#noteHandled(handledThrough);
    this.transactions.hearHandled(this.#handledThrough);
    return true;
  }

  /**
   * The epoch is over: settles everything. `handledThrough` is the last sequence that the peer gave
   * to a handler, if it said so.
   */
  end(handledThrough: number | undefined): void {
    if (this.#epochWriter === undefined) return;
    this.#writer = undefined;
    this.#epochWriter = undefined;
    const isEvident = this.hearGoodbye(handledThrough);
    const isLastPartial = this.#fragments.isBusy;
    this.#neverFrom = isEvident ? this.handledThrough + 1 : this.#firstUnsent(isLastPartial);
    const partialSlot = this.#fragmentedSlot;
    this.#fragmentedSlot = -1;
    this.#fragments.reset();
    this.#flushQueue.length = 0;
    this.transactions.close(partialSlot);
    this.#waiters.rejectAll(ErrorCode.Disconnected);
  }

  /** HOT: answers the message's sequence or a refusal; never queues. */
  submitMessage(body: Bytes): number {
    const writer = this.#writer;
    if (writer === undefined) return this.#refuse(this.#closedRefusal);
    const byteLength = byteLengthOf(body);
    if (byteLength > this.#agreed.messageBytes) return this.#refuse(Refusal.TooLarge);
    if (this.#messageCredit === 0) return this.#refuse(Refusal.Quota);
    if (this.#fragments.isBusy) return this.#refuse(Refusal.BackPressured);
    const sequence = (this.#sequence + 1) & sequenceMask;
    if (byteLength + messageHeaderBytes <= writer.frameBytesMax) {
      const offset = writer.link.claim(byteLength + messageHeaderBytes);
      if (offset < 0) return this.#refuse(refusalOf(offset));
      const area = writer.area;
      area.setWord(offset, this.#messageHead);
      area.setWord(offset + 4, sequence);
      gather(body, area.bytes, offset + messageHeaderBytes);
      writer.link.commit();
    } else if (!this.#startFragments(writer, this.#messageHead, sequence, -1, body)) {
      return this.#refuse(Refusal.BackPressured);
    }
    if (!writer.isUsed) writer.use();
    this.#messageCredit--;
    this.#messageOrdinal = (this.#messageOrdinal + 1) & sequenceMask;
    this.statistics.messagesSubmitted++;
    this.#countSequence(sequence);
    return sequence;
  }

  /** HOT: answers a ticket or a refusal. The time limit starts at the end of the domain's turn. */
  transact<C>(parameters: Bytes, completion: Completion<C>, context: C, timeoutMs: number): number {
    assert(timeoutMs >= 0, 'a time limit is a number from 0 on', 'BAD_ARGUMENT');
    const writer = this.#writer;
    if (writer === undefined) return this.#refuse(this.#closedRefusal);
    const byteLength = byteLengthOf(parameters);
    if (byteLength > this.#agreed.parameterBytes) return this.#refuse(Refusal.TooLarge);
    if (!this.transactions.hasFree) return this.#refuse(Refusal.Quota);
    if (this.#fragments.isBusy) return this.#refuse(Refusal.BackPressured);
    const sequence = (this.#sequence + 1) & sequenceMask;
    const ticket = this.transactions.nextTicket();
    if (byteLength + requestHeaderBytes <= writer.frameBytesMax) {
      const offset = writer.link.claim(byteLength + requestHeaderBytes);
      if (offset < 0) return this.#refuse(refusalOf(offset));
      const area = writer.area;
      area.setWord(offset, this.#requestHead);
      area.setWord(offset + 4, sequence);
      area.setWord(offset + 8, ticket);
      gather(parameters, area.bytes, offset + requestHeaderBytes);
      writer.link.commit();
    } else if (!this.#startFragments(writer, this.#requestHead, sequence, ticket, parameters)) {
      return this.#refuse(Refusal.BackPressured);
    }
    if (!writer.isUsed) writer.use();
    this.transactions.occupy(sequence, completion, context, timeoutMs);
    this.#countSequence(sequence);
    return ticket;
  }

  /** Resolves when `request` can be submitted; in order; rejects when the epoch ends. */
  whenWritable(request: WritableRequest): Promise<void> {
    if (this.#writer === undefined) return Promise.reject(this.#closedError());
    const isMessage = request.kind === 'message';
    const most = isMessage ? this.#agreed.messageBytes : this.#agreed.parameterBytes;
    if (request.byteLength > most) {
      return Promise.reject(new IdcError(ErrorCode.TooLarge, 'never'));
    }
    return this.#waiters.waitWritable(request);
  }

  /** Resolves when every message submitted so far is completed; rejects when the epoch ends. */
  whenFlushed(): Promise<void> {
    if (this.#writer === undefined) return Promise.reject(this.#closedError());
    return this.#waiters.waitFlushed(this.#messageOrdinal, this.#completedThrough);
  }

  /** HOT: a reply in one frame; `offset` is its header's. */
  takeReply(area: ByteArea, offset: number, byteLength: number): boolean {
    const statusBytes = byteLength - replyHeaderBytes;
    if (statusBytes < 0 || statusBytes > this.#agreed.statusBytes) return false;
    // The peer's frames may be longer than ours: what we would cut comes whole.
    if (statusBytes > this.#status.bytes.length) {
      this.#status = ByteArea.allocate(this.#agreed.statusBytes);
    }
    const status = this.#status;
    copyBytes(area, offset + replyHeaderBytes, status, 0, statusBytes);
    return this.takeWholeReply(
      flagsOf(area.getWord(offset)),
      area.getWord(offset + 4),
      area.getWord(offset + 8),
      status.bytes,
      0,
      statusBytes,
    );
  }

  /** HOT: a reply whose status lies in one piece at `offset`. */
  takeWholeReply(
    flags: number,
    ticket: number,
    code: number,
    bytes: Uint8Array,
    offset: number,
    byteLength: number,
  ): boolean {
    if (byteLength > this.#agreed.statusBytes) return false;
    if (slotOf(ticket) === this.#fragmentedSlot) return false;
    const sequence = this.transactions.sequenceOf(ticket);
    if (sequence < 0) return false;
    this.#noteHandled(sequence);
    return this.transactions.reply(flags, ticket, code, bytes, offset, byteLength);
  }

  /** The peer's answer to a flush; that its handler had started is evidence, too. */
  takeFlushed(ticket: number, outcome: number): boolean {
    const sequence = this.transactions.sequenceOf(ticket);
    if (!this.transactions.flushed(ticket, outcome)) return false;
    if (outcome !== FlushOutcome.NeverStarted) this.#noteHandled(sequence);
    return true;
  }

  /**
   * HOT: the peer completed `completedCount` messages since the epoch began, and all of them
   * through ordinal `completedThrough`.
   */
  takeCredit(completedCount: number, completedThrough: number): boolean {
    const count = (completedCount - this.#completedCount) & sequenceMask;
    const credit = this.#messageCredit + count;
    if (completedCount < 0 || count === 0 || credit > this.#agreed.messages) return false;
    // However far the peer got without a gap, those that it has yet to complete lie beyond.
    const advance = (completedThrough - this.#completedThrough) & sequenceMask;
    const submitted = (this.#messageOrdinal - this.#completedThrough) & sequenceMask;
    const open = this.#agreed.messages - credit;
    if (completedThrough < 0 || advance > submitted - open) return false;
    // With nothing open there is no gap left, or `whenFlushed` would wait for nothing.
    if (open === 0 && advance !== submitted) return false;
    this.#messageCredit = credit;
    this.#completedCount = completedCount;
    this.#completedThrough = completedThrough;
    this.statistics.messagesCompleted += count;
    this.#noteCompleted();
    this.#waiters.serveFlushed(this.#completedThrough);
    this.#waiters.serve();
    return true;
  }

  /** The link takes frames again. */
  pump(): void {
    const writer = this.#epochWriter;
    if (writer === undefined) return;
    for (let ticket = this.#flushQueue[0]; ticket !== undefined; ticket = this.#flushQueue[0]) {
      if (!writeFlush(writer, ticket)) return;
      this.#flushQueue.shift();
    }
    if (!this.#fragments.pump(writer)) return;
    this.#fragmentedSlot = -1;
    this.#waiters.serve();
  }

  sendFlush(ticket: number): void {
    const writer = this.#epochWriter;
    // A completion cancelled it while the end of the epoch settles everything: so it does this one.
    if (writer === undefined) return;
    if (this.#flushQueue.length > 0 || !writeFlush(writer, ticket)) this.#flushQueue.push(ticket);
  }

  takeBack(slot: number): boolean {
    const writer = this.#epochWriter;
    if (slot !== this.#fragmentedSlot || writer === undefined) return false;
    this.#fragmentedSlot = -1;
    this.#takenBackCount++;
    // Nothing follows an item that is being sent, so it is the last one.
    const last = this.submittedThrough;
    const isRun = this.#takenBackThrough > 0 && this.#takenBackThrough === last - 1;
    if (!isRun) this.#takenBackFrom = last;
    this.#takenBackThrough = last;
    this.#fragments.abort(writer);
    return true;
  }

  slotFreed(): void {
    if (this.#waiters.count > 0) this.#waiters.serve();
  }

  #startFragments(
    writer: EpochWriter,
    head: number,
    sequence: number,
    ticket: number,
    body: Bytes,
  ): boolean {
    const headerBytes = ticket < 0 ? messageHeaderBytes : requestHeaderBytes;
    if (!this.#fragments.start(writer, [head, sequence, ticket], headerBytes, body, false)) {
      return false;
    }
    this.#fragmentedSlot = ticket >= 0 && this.#fragments.isBusy ? slotOf(ticket) : -1;
    return true;
  }

  /** Asks the link itself, so that who is told "writable" finds it so. */
  #isWritable(request: WritableRequest): boolean {
    const writer = this.#writer;
    if (writer === undefined || this.#fragments.isBusy) return false;
    const isMessage = request.kind === 'message';
    if (isMessage ? this.#messageCredit === 0 : !this.transactions.hasFree) return false;
    const headerBytes = isMessage ? messageHeaderBytes : requestHeaderBytes;
    const byteLength = Math.min(request.byteLength + headerBytes, writer.frameBytesMax);
    if (writer.link.claim(byteLength) < 0) return false;
    writer.link.abort();
    return true;
  }

  #countSequence(sequence: number): void {
    this.#sequence = sequence;
    if (sequence === 0) this.#sequenceWraps++;
  }

  /** The first of the last requests that the peer cannot have whole. */
  #firstUnsent(isLastPartial: boolean): number {
    const first = this.submittedThrough + (isLastPartial ? 0 : 1);
    const isTakenBack = this.#takenBackThrough > 0 && this.#takenBackThrough >= first - 1;
    return isTakenBack ? this.#takenBackFrom : first;
  }

  /** A goodbye may only speak of requests that can still be open; another one is no evidence. */
  #isPlausible(handledThrough: number | undefined): handledThrough is number {
    if (handledThrough === undefined) return false;
    if (this.#sequenceWraps === 0 && handledThrough > this.#sequence) return false;
    const open = this.#agreed.messages + this.#agreed.transactions + 1 + this.#takenBackCount;
    const unhandled = (this.#sequence - handledThrough) & sequenceMask;
    // The second limit: in a young epoch a number beyond its end looks like one before its start.
    return unhandled <= open && unhandled <= this.submittedThrough;
  }

  /**
   * Handlers are given requests in order, so as many as are completed were handed over at least;
   * those that were taken back count as if they were still open.
   */
  #noteCompleted(): void {
    const { occupiedCount } = this.transactions;
    const open = this.uncompletedMessages + occupiedCount + this.#takenBackCount;
    this.#noteHandled((this.#sequence - open) & sequenceMask);
  }

  #noteHandled(sequence: number): void {
    if (isBefore(this.#handledThrough, sequence)) this.#handledThrough = sequence;
  }

  #refuse(refusal: Refusal): Refusal {
    this.statistics.refusals++;
    return refusal;
  }

  #closedError(): IdcError {
    const isDestroyed = this.#closedRefusal === Refusal.Destroyed;
    return new IdcError(isDestroyed ? ErrorCode.Destroyed : ErrorCode.NotConnected, 'never');
  }
}

function refusalOf(claim: number): Refusal {
  return claim === ClaimRefusal.BackPressured ? Refusal.BackPressured : Refusal.NotConnected;
}

function writeFlush(writer: EpochWriter, ticket: number): boolean {
  const offset = writer.link.claim(controlFrameBytes);
  if (offset < 0) return false;
  writer.area.setWord(offset, headWord(FrameType.Flush, 0, writer.epochTag));
  writer.area.setWord(offset + 4, ticket);
  writer.link.commit();
  return true;
}
