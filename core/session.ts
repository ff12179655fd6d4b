/**
 * Session: what core runs over one link. It is the only owner of the link, carries the handshake
 * and then one epoch, and ends with it: a reconnect takes a new link and a new session, so nothing
 * of an old epoch can arrive in a new one (V2).
 *
 *   dialling side        accepting side
 *   Hello, Ready    ->                      Ready once the previous epoch is drained
 *                   <-   Welcome, Accept    Accept once Ready is there and this side is drained
 *   Confirm         ->
 *
 * Its owner decides; the session speaks, listens, and reports its end exactly once. A frame that
 * no legal peer sends in this phase ends it as CORRUPT (V12).
 */
import { assert } from './assert.js';
import { AreaCache, type ByteArea } from './byte-area.js';
import { ControlSender } from './control-sender.js';
import { EpochWriter } from './epoch-writer.js';
import { ErrorCode, errorFromWire, errorTable } from './errors.js';
import {
  controlFrameBytes,
  epochMax,
  flagsOf,
  fragmentOfReply,
  FrameType,
  goodbyeFinal,
  goodbyeFrameBytes,
  headWord,
  isLegalHead,
  makeEpochTag,
  typeOf,
} from './frame.js';
import { decodeGreeting, encodeGreeting, type Greeting } from './greeting.js';
import type { Initiator } from './initiator.js';
import type { Watcher } from './keep-alive.js';
import { PingQueue } from './ping-queue.js';
import type { Quota } from './quota.js';
import { ReplyJoiner } from './reply-joiner.js';
import type { Responder } from './responder.js';
import { reasonOfDial, reasonOfLoss, type SessionEnd } from './session-end.js';
import type { SessionOwner } from './session-owner.js';
import { WheelTimer, type TimerWheel } from './timer-wheel.js';
import type { Fault, Link, LinkSink, PeerIdentity } from './transport.js';

export type SessionPhase = 'opening' | 'greeting' | 'greeted' | 'open' | 'leaving' | 'ended';

export class Session implements LinkSink {
  readonly role: 'dial' | 'accept';
  /** Of a channel for transfers. */
  isBulk = false;
  /** Of the keep-alive that it has joined; told when it hears, asks or waits again. */
  watcher: Watcher | undefined = undefined;
  readonly #wheel: TimerWheel;
  readonly #frameBytesMax: number = 0;
  readonly #timer = new WheelTimer(() => {
    this.#timeOut();
  });
  #owner: SessionOwner;
  #out: ControlSender | undefined = undefined;
  readonly #in = new AreaCache();
  #phase: SessionPhase = 'opening';
  /** Frames have come in since `takeHeard`. */
  #isHeard = false;
  #identity: PeerIdentity | undefined = undefined;
  #isGreetingTaken = false;
  #isReadySent = false;
  #peerLastFinished = -1;
  #proposedEpoch = 0;
  /** The epoch that the peer accepted while the link was too full to confirm it; 0 if none. */
  #unconfirmedEpoch = 0;

  #initiator: Initiator | undefined = undefined;
  #responder: Responder | undefined = undefined;
  #epochTag = 0;
  #writer: EpochWriter | undefined = undefined;
  readonly #replies = new ReplyJoiner();

  readonly #pings = new PingQueue();
  #isGoodbyeOwed = false;
  #goodbyeFlags = 0;
  #goodbyeReason: ErrorCode = ErrorCode.Ok;
  #goodbyeMs = 0;
  /** What the peer's goodbye said, while this side's answers and goodbye wait for the link. */
  #farewell: SessionEnd | undefined = undefined;

  constructor(
    role: 'dial' | 'accept',
    owner: SessionOwner,
    wheel: TimerWheel,
    frameBytesMax: number,
  ) {
    this.role = role;
    this.#owner = owner;
    this.#wheel = wheel;
    this.#frameBytesMax = frameBytesMax;
  }

  set owner(owner: SessionOwner) {
    this.#owner = owner;
  }

  get identity(): PeerIdentity {
    assert(this.#identity !== undefined, 'the link is up');
    return this.#identity;
  }

  get phase(): SessionPhase {
    return this.#phase;
  }

  get isReadySent(): boolean {
    return this.#isReadySent;
  }

  /** The peer's last finished epoch; -1 until it said that it is ready. */
  get peerLastFinished(): number {
    return this.#peerLastFinished;
  }

  /** The epoch that this side proposed by `sendAccept`; 0 if none. */
  get proposedEpoch(): number {
    return this.#proposedEpoch;
  }

  /** A ping waits for its pong. */
  get isPingOut(): boolean {
    return this.#pings.isOut;
  }

  /** True if something submitted over this session waits for the peer. */
  get isWaiting(): boolean {
    if (this.#phase === 'open') return this.#initiator?.isWaiting ?? false;
    return this.#phase === 'greeted' || this.#phase === 'leaving';
  }

  /** Hands the link over, right after it was opened or accepted. */
  attach(link: Link): void {
    this.#out = new ControlSender(link);
  }

  /** Ends the session as TIMEOUT unless the greeting is over by then. */
  limitGreeting(delayMs: number): void {
    this.#wheel.arm(this.#timer, delayMs);
  }

  sendHello(greeting: Greeting): void {
    this.#out?.sendFrame(encodeGreeting(headWord(FrameType.Hello, 0, 0), greeting));
  }

  sendWelcome(greeting: Greeting): void {
    this.#endGreeting();
    this.#out?.sendFrame(encodeGreeting(headWord(FrameType.Welcome, 0, 0), greeting));
  }

  /** This side has drained its previous epoch. */
  sendReady(lastFinished: number): void {
    this.#isReadySent = true;
    this.#out?.handshake(FrameType.Ready, lastFinished);
  }

  sendAccept(epoch: number): void {
    this.#proposedEpoch = epoch;
    this.#out?.handshake(FrameType.Accept, epoch);
  }

  /** Turns the peer away; across the wire goes only the code. */
  refuse(code: ErrorCode): void {
    this.#out?.sendWord(FrameType.Refuse, errorTable[code].wire);
    this.#turnedAway(code);
  }

  /**
   * Confirms the peer's epoch. False if the link is full: then the owner is asked again when it is
   * not, for the first requests may follow the confirmation only.
   */
  confirm(epoch: number): boolean {
    const isSaid = this.#out?.sendWord(FrameType.Confirm, epoch) ?? false;
    this.#unconfirmedEpoch = isSaid ? 0 : epoch;
    return isSaid;
  }

  /**
   * Opens the epoch. The dialling side has confirmed it, so its first requests may follow at once.
   * `goodbyeMs` bounds how long the peer's goodbye waits for the link to take what is answered.
   */
  open(
    epoch: number,
    agreed: Quota,
    initiator: Initiator,
    responder: Responder,
    goodbyeMs: number,
  ): void {
    const out = this.#out;
    assert(out !== undefined, 'the link is attached');
    this.#epochTag = makeEpochTag(epoch);
    const writer = new EpochWriter(out.link, out.area, this.#frameBytesMax, this.#epochTag, () =>
      this.watcher?.woken(),
    );
    this.#writer = writer;
    this.#phase = 'open';
    this.#goodbyeMs = goodbyeMs;
    this.#initiator = initiator;
    this.#responder = responder;
    this.#replies.open(agreed.statusBytes, this.#frameBytesMax);
    initiator.begin(writer, agreed);
    responder.begin(writer, agreed);
  }

  /**
   * Ends the epoch in good order: says how far this side handled, and waits up to `waitMs` for the
   * peer to say the same. Without an open epoch it ends at once.
   */
  leave(reason: ErrorCode, isFinal: boolean, waitMs: number): void {
    if (this.#phase === 'ended' || this.#phase === 'leaving') return;
    this.#goodbyeFlags = isFinal ? goodbyeFinal : 0;
    if (this.#phase !== 'open') {
      this.fail(reason);
      return;
    }
    this.#phase = 'leaving';
    this.#goodbyeReason = reason;
    this.watcher?.woken();
    this.#responder?.stop();
    this.#isGoodbyeOwed = true;
    this.#wheel.arm(this.#timer, waitMs);
    this.#pump();
  }

  /** Ends the epoch at once; the peer is told how far this side handled, if the link takes it. */
  fail(reason: ErrorCode): void {
    if (this.#phase === 'ended') return;
    this.#responder?.stop();
    this.#goodbyeReason = reason;
    if (this.#phase !== 'opening') this.#sendGoodbye();
    this.#end({ reason, fault: undefined, isFinal: false, handledThrough: undefined });
  }

  /** True if frames have come in since it was asked last. */
  takeHeard(): boolean {
    const isHeard = this.#isHeard;
    this.#isHeard = false;
    return isHeard;
  }

  /** It has nothing to be watched for, until it tells its watcher. */
  rest(): void {
    this.#writer?.rest();
  }

  /** Asks the peer for a sign of life; one question at a time. */
  ping(): void {
    if (this.#pings.isOut || this.#phase === 'ended') return;
    this.watcher?.woken();
    this.#out?.ping(this.#pings.send());
  }

  /** Asks the peer for a sign of life; `onAnswer` is told of it, or that there will be none. */
  askAlive(onAnswer: (isAnswered: boolean) => void): void {
    if (this.#phase !== 'open') onAnswer(false);
    else if (this.#pings.add(onAnswer)) this.ping();
  }

  /** Asks the peer, which has dialled, to dial a channel for transfers; only in an open epoch. */
  summon(nonce: number): void {
    if (this.#phase === 'open') this.#out?.summon(nonce);
  }

  /** The domain's turn is over. */
  endTurn(): void {
    if (this.#phase === 'open') this.#responder?.endTurn();
  }

  linkUp(identity: PeerIdentity): void {
    if (this.#phase !== 'opening') return;
    this.#identity = identity;
    this.#phase = 'greeting';
    this.#owner.sessionUp(this);
  }

  linkDown(fault: Fault): void {
    let reason = this.#identity === undefined ? reasonOfDial(fault) : reasonOfLoss(fault);
    if (this.#phase === 'leaving') reason = this.#goodbyeReason;
    this.#end({ reason, fault, isFinal: false, handledThrough: undefined });
  }

  closed(): void {
    this.#owner.sessionClosed(this);
  }

  writable(): void {
    this.#pump();
  }

  /** HOT */
  frame(bytes: Uint8Array, offset: number, byteLength: number): void {
    if (!this.#isHeard) {
      this.#isHeard = true;
      this.watcher?.woken();
    }
    const area = this.#in.areaOf(bytes);
    if (byteLength < controlFrameBytes || !this.#take(area, offset, byteLength)) {
      this.fail(ErrorCode.Corrupt);
    }
  }

  /** HOT: false if no legal peer sends this now. */
  #take(area: ByteArea, offset: number, byteLength: number): boolean {
    const head = area.getWord(offset);
    const type = typeOf(head);
    if (type < FrameType.Message) return this.#takeControl(head, area, offset, byteLength);
    const phase = this.#phase;
    if (phase === 'ended') return true;
    const initiator = this.#initiator;
    const responder = this.#responder;
    if (initiator === undefined || responder === undefined) return false;
    if (!isLegalHead(head, this.#epochTag)) return false;
    const isLeaving = phase === 'leaving';
    switch (type) {
      case FrameType.Message:
        return isLeaving || responder.takeMessage(area, offset, byteLength);
      case FrameType.Request:
        return isLeaving || responder.takeRequest(area, offset, byteLength);
      case FrameType.Reply:
        return !this.#replies.isOpen && initiator.takeReply(area, offset, byteLength);
      case FrameType.Credit:
        return (
          byteLength === 12 &&
          initiator.takeCredit(area.getWord(offset + 4), area.getWord(offset + 8))
        );
      case FrameType.Fragment:
        if ((flagsOf(head) & fragmentOfReply) !== 0) {
          return this.#replies.take(area, offset, byteLength, initiator);
        }
        return isLeaving || responder.takeFragment(area, offset, byteLength);
      case FrameType.Flush:
        if (byteLength !== controlFrameBytes) return false;
        return isLeaving || responder.takeFlush(area.getWord(offset + 4));
      case FrameType.Flushed:
        if (byteLength !== controlFrameBytes) return false;
        return initiator.takeFlushed(area.getWord(offset + 4), flagsOf(head));
      case FrameType.Released:
        if (byteLength !== controlFrameBytes) return false;
        return initiator.transactions.released(area.getWord(offset + 4));
      default:
        return false;
    }
  }

  #takeControl(head: number, area: ByteArea, offset: number, byteLength: number): boolean {
    if (this.#phase === 'ended') return true;
    const type = typeOf(head);
    switch (type) {
      case FrameType.Hello:
      case FrameType.Welcome:
        return this.#takeGreeting(type, area, offset, byteLength);
      case FrameType.Goodbye:
        if (byteLength !== goodbyeFrameBytes || !isLegalHead(head, 0)) return false;
        this.#takeGoodbye(flagsOf(head), area.getWord(offset + 4), area, offset);
        return true;
      default:
        if (byteLength !== controlFrameBytes || !isLegalHead(head, 0)) return false;
        return this.#takeWord(type, area.getWord(offset + 4));
    }
  }

  #takeGreeting(type: number, area: ByteArea, offset: number, byteLength: number): boolean {
    const expected = this.role === 'dial' ? FrameType.Welcome : FrameType.Hello;
    if (type !== expected || this.#phase !== 'greeting' || this.#isGreetingTaken) return false;
    const greeting = decodeGreeting(area, offset, byteLength);
    if (greeting === 'corrupt') return false;
    if (greeting === 'wrongVersion') {
      this.refuse(ErrorCode.WrongVersion);
      return true;
    }
    this.#isGreetingTaken = true;
    if (this.role === 'dial') this.#endGreeting();
    this.#owner.sessionGreeted(this, greeting);
    return true;
  }

  #takeWord(type: number, word: number): boolean {
    const isHandshake = this.#phase === 'greeted' || this.#phase === 'greeting';
    switch (type) {
      case FrameType.Ready:
        if (this.role !== 'accept' || !isHandshake || !this.#isGreetingTaken) return false;
        if (this.#peerLastFinished >= 0 || word < 0 || word >= epochMax) return false;
        this.#peerLastFinished = word;
        // It may come while the greeting waits for a former endpoint's end; `adopt` looks at it.
        if (this.#phase === 'greeted') this.#owner.sessionReady(this);
        return true;
      case FrameType.Accept:
        if (this.role !== 'dial' || this.#phase !== 'greeted' || !this.#isReadySent) return false;
        if (word <= 0 || word > epochMax) return false;
        this.#owner.sessionAccepted(this, word);
        return true;
      case FrameType.Confirm:
        if (this.role !== 'accept' || this.#phase !== 'greeted') return false;
        if (this.#proposedEpoch === 0 || word !== this.#proposedEpoch) return false;
        this.#owner.sessionConfirmed(this);
        return true;
      case FrameType.Refuse:
        // Each side may turn the other away once: as answer to what it was greeted with.
        if (this.#phase !== (this.role === 'dial' ? 'greeting' : 'greeted')) return false;
        if (word === errorTable.OK.wire) return false;
        this.#turnedAway(errorFromWire(word));
        return true;
      case FrameType.Ping:
        this.#out?.pong(word);
        return true;
      case FrameType.Pong:
        if (!this.#pings.isAnswer(word)) return false;
        if (this.#pings.answered()) this.ping();
        return true;
      case FrameType.Summon:
        return this.#takeSummon(word);
      default:
        return false;
    }
  }

  #takeSummon(nonce: number): boolean {
    const isEpoch = this.#phase === 'open' || this.#phase === 'leaving';
    if (this.role !== 'dial' || !isEpoch || nonce < 0) return false;
    if (this.#phase === 'open') this.#owner.sessionSummoned(this, nonce);
    return true;
  }

  #takeGoodbye(flags: number, handledThrough: number, area: ByteArea, offset: number): void {
    const wasOpen = this.#phase === 'open';
    const isEpoch = wasOpen || this.#phase === 'leaving';
    const peerReason = errorFromWire(area.getWord(offset + 8));
    const reason = this.#phase === 'leaving' ? this.#goodbyeReason : peerReason;
    this.#responder?.stop();
    this.#farewell = {
      reason: reason === ErrorCode.Ok ? ErrorCode.Disconnected : reason,
      fault: undefined,
      isFinal: (flags & goodbyeFinal) !== 0,
      handledThrough: isEpoch && handledThrough >= 0 ? handledThrough : undefined,
    };
    if (isEpoch) this.#initiator?.hearGoodbye(this.#farewell.handledThrough);
    if (wasOpen) {
      // What was answered is evidence: it goes out first, or the peer would be told `maybe`.
      this.#phase = 'leaving';
      this.#goodbyeReason = ErrorCode.Disconnected;
      this.#isGoodbyeOwed = true;
      this.#initiator?.stop();
      this.#wheel.arm(this.#timer, this.#goodbyeMs);
    }
    this.#pump();
  }

  /** Everything that waits for the link, most urgent first. */
  #pump(): void {
    if (this.#phase === 'ended') return;
    this.#out?.pump();
    if (this.#unconfirmedEpoch > 0) this.#owner.sessionAccepted(this, this.#unconfirmedEpoch);
    const isReplied = this.#responder?.pump() ?? true;
    if (this.#isGoodbyeOwed && isReplied) this.#isGoodbyeOwed = !this.#sendGoodbye();
    if (this.#phase === 'open') this.#initiator?.pump();
    else if (this.#farewell !== undefined && !this.#isGoodbyeOwed) this.#end(this.#farewell);
  }

  #sendGoodbye(): boolean {
    const handledThrough = this.#responder?.handledThrough ?? 0;
    return this.#out?.sendGoodbye(this.#goodbyeFlags, handledThrough, this.#goodbyeReason) ?? false;
  }

  #endGreeting(): void {
    this.#phase = 'greeted';
    this.#wheel.disarm(this.#timer);
  }

  #timeOut(): void {
    const reason = this.#phase === 'leaving' ? this.#goodbyeReason : ErrorCode.Timeout;
    this.#end({ reason, fault: undefined, isFinal: false, handledThrough: undefined });
  }

  #turnedAway(reason: ErrorCode): void {
    this.#end({ reason, fault: undefined, isFinal: true, handledThrough: undefined });
  }

  #end(end: SessionEnd): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#wheel.disarm(this.#timer);
    this.#replies.reset();
    this.#pings.end();
    this.#out?.link.close();
    this.#owner.sessionEnded(this, this.#farewell ?? end);
  }
}
