/**
 * EndpointCore: joins an endpoint's lifecycle table, its sessions, its two halves and its client.
 *
 * It turns what sessions report into events of the table and performs the table's notices. At any
 * time it has one session whose epoch is open or ending (`current`) and one that shakes hands for
 * the next (`candidate`). The next epoch opens only when the previous one is drained on both sides.
 */
import { Refusal, type Peer } from './api.js';
import { assert } from './assert.js';
import { ClientDrain } from './client-drain.js';
import type { Client } from './client.js';
import { DestroyPromise } from './destroy-promise.js';
import type { DomainServices } from './domain-services.js';
import type { EndpointRole, EndpointSettings } from './endpoint-role.js';
import { isDraining, step, type EndpointEvent, type EndpointState } from './endpoint-machine.js';
import { ErrorCode } from './errors.js';
import { epochLeapMax, epochMax, featureTransfers } from './frame.js';
import { noToken, type Greeting } from './greeting.js';
import { Initiator } from './initiator.js';
import type { ReceivedMessage } from './message.js';
import { agreeQuota, type Quota } from './quota.js';
import type { ReceivedTransaction } from './received-transaction.js';
import { Responder } from './responder.js';
import type { SessionEnd } from './session-end.js';
import type { SessionOwner } from './session-owner.js';
import type { Session } from './session.js';
import { WheelTimer } from './timer-wheel.js';
import type { Fault } from './transport.js';

type Notice = 'appear' | 'connect' | 'disconnect' | 'disappear' | 'destroyed';

export class EndpointCore implements SessionOwner {
  readonly settings: EndpointSettings;
  readonly initiator: Initiator;
  readonly responder: Responder;
  readonly client: Client;
  readonly #services: DomainServices;
  #role: EndpointRole | undefined = undefined;

  #state: EndpointState = 'absent';
  #epoch = 0;
  #lastFinished = 0;
  #lastProposed = 0;
  #halfEpochs = 0;
  #epochCount = 0;
  #current: Session | undefined = undefined;
  #candidate: Session | undefined = undefined;
  #candidateGreeting: Greeting | undefined = undefined;
  /** Sessions whose links are not closed yet. */
  readonly #links = new Set<Session>();
  #peer: Peer | undefined = undefined;
  #peerToken: string = noToken;
  #peerFeatures = 0;
  #agreed: Quota;
  #lastFault: Fault | ErrorCode | undefined = undefined;
  #end: SessionEnd | undefined = undefined;
  #isFinal = false;

  readonly #notices: Notice[] = [];
  #isPerforming = false;
  /** False from the disconnect notice on, until the epoch's submissions are settled. */
  #isSettled = true;
  readonly #drain: ClientDrain;
  #isAbandoned = false;
  #destroyPromise: DestroyPromise | undefined = undefined;
  #resolveDestroy: () => void = () => undefined;
  #isDestroyTold = false;
  readonly #lingerTimer = new WheelTimer(() => {
    this.#step('lost');
  });
  readonly #drainTimer = new WheelTimer(() => {
    this.#abandon();
  });

  constructor(services: DomainServices, settings: EndpointSettings, client: Client) {
    this.#services = services;
    this.settings = settings;
    this.client = client;
    this.#agreed = settings.quota;
    this.#drain = new ClientDrain(services.runtime, () => {
      this.#checkDrained();
    });
    const endTurnSoon = (): void => {
      if (this.#current !== undefined) services.endTurnSoon(this.#current);
    };
    const host = {
      runtime: services.runtime,
      wheel: services.wheel,
      flushMs: settings.limits.flushMs,
      stampSoon: services.stampSoon,
    };
    this.initiator = new Initiator(host, settings.quota, settings.frameBytesMax);
    this.responder = new Responder(
      {
        client,
        deliverMessage: (message: ReceivedMessage) => client.deliverMessage(message),
        deliverTransaction: (item: ReceivedTransaction) => client.deliverTransaction(item),
        endTurnSoon,
        drained: () => {
          this.#checkDrained();
        },
      },
      settings.quota,
      settings.frameBytesMax,
    );
  }

  /** Set once, right after creation. */
  set role(role: EndpointRole) {
    this.#role = role;
  }

  get state(): EndpointState {
    return this.#state;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get peer(): Peer | undefined {
    return this.#peer;
  }

  get quota(): Quota {
    return this.#agreed;
  }

  get lastFault(): Fault | ErrorCode | undefined {
    return this.#lastFault;
  }

  get halfEpochs(): number {
    return this.#halfEpochs;
  }

  get epochCount(): number {
    return this.#epochCount;
  }

  get current(): Session | undefined {
    return this.#current;
  }

  get candidate(): Session | undefined {
    return this.#candidate;
  }

  /** Promises of the client that hold the drain. */
  get heldCount(): number {
    return this.#drain.heldCount;
  }

  /** Whether it waits for a link, so that another attempt makes sense. */
  get wantsLink(): boolean {
    return this.#candidate === undefined && !this.#isDestroying;
  }

  /** The re-attach token that the peer gave this side; all zero if none. */
  get peerToken(): string {
    return this.#peerToken;
  }

  /** True if the peer, which has dialled, can be asked for a channel. */
  get canSummon(): boolean {
    const isAccepted = this.#current?.role === 'accept' && this.#current.phase === 'open';
    return isAccepted && (this.#peerFeatures & featureTransfers) !== 0;
  }

  /** Asks the peer for a channel of the name that follows from `nonce`. */
  summon(nonce: number): void {
    this.#current?.summon(nonce);
  }

  /** Milliseconds to the peer's session and back; undefined if it never answers. */
  ping(onAnswer: (roundTripMs: number | undefined) => void): void {
    const { clock } = this.#services.runtime;
    const startMs = clock.now();
    if (this.#current === undefined) onAnswer(undefined);
    else {
      this.#current.askAlive((isAnswered) => {
        onAnswer(isAnswered ? clock.now() - startMs : undefined);
      });
    }
  }

  /** A reference of the domain `ownerId` came from the peer. */
  learn(ownerId: string): void {
    if (this.#peer !== undefined) this.#services.learn(ownerId, this.#peer.domainId);
  }

  /** Dialling is of no use: the address can lead nowhere. */
  reject(code: ErrorCode): void {
    this.#lastFault = code;
    this.client.notify({ type: 'attempt', fault: code, nextInMs: Infinity });
  }

  /** Dialling: a new link is being opened. */
  dialled(session: Session): void {
    this.#candidate = session;
    this.#links.add(session);
  }

  /** Accepting: the peer came, or came back, over `session`. An older epoch is ended first. */
  adopt(session: Session, greeting: Greeting, peer: Peer, welcome: Greeting): void {
    const older = this.#candidate;
    this.#candidate = session;
    this.#links.add(session);
    session.owner = this;
    older?.fail(ErrorCode.Superseded);
    this.#current?.fail(ErrorCode.Superseded);
    session.sendWelcome(welcome);
    this.#greeted(session, greeting, peer);
    this.#proceed();
  }

  /** Legal anywhere; a second call answers the same promise. Calls nobody before it returns. */
  destroy(drainMs: number): DestroyPromise {
    if (this.#destroyPromise !== undefined) return this.#destroyPromise;
    this.#destroyPromise = DestroyPromise.make(
      (resolve) => {
        this.#resolveDestroy = resolve;
      },
      () => {
        this.checkNotAwaited();
      },
    );
    this.initiator.stop(Refusal.Destroyed);
    this.#role?.leaving();
    this.#services.wheel.arm(this.#drainTimer, drainMs);
    this.#services.wheel.disarm(this.#lingerTimer);
    this.#services.defer(() => {
      this.#step('destroy');
      this.#candidate?.leave(ErrorCode.Destroyed, true, 0);
      this.#checkDestroyed();
    });
    return this.#destroyPromise;
  }

  /** Somebody waits for the destruction: its `disconnect` handler must not. */
  checkNotAwaited(): void {
    this.#drain.checkNotAwaited();
  }

  sessionUp(session: Session): void {
    session.limitGreeting(this.settings.limits.handshakeMs);
    const { name, service, quota } = this.settings;
    session.sendHello(this.#services.greet(quota, name, service, this.#peerToken));
    this.#proceed();
  }

  sessionGreeted(session: Session, greeting: Greeting): void {
    if (greeting.token !== noToken) this.#peerToken = greeting.token;
    const peer = this.#services.describePeer(session.identity, greeting);
    this.#greeted(session, greeting, peer);
    this.#proceed();
  }

  sessionReady(session: Session): void {
    if (this.#lastProposed > this.#lastFinished && session.peerLastFinished >= this.#lastProposed) {
      this.#halfEpochs++;
    }
    this.#proceed();
  }

  sessionAccepted(session: Session, epoch: number): void {
    if (this.#leaveEarly(session)) return;
    const leap = epoch - this.#lastFinished;
    const isLegal = leap > 0 && leap <= epochLeapMax;
    if (session !== this.#candidate || this.#state !== 'appeared' || !isLegal) {
      session.fail(ErrorCode.Corrupt);
      return;
    }
    if (session.confirm(epoch)) this.#connect(session, epoch);
  }

  sessionConfirmed(session: Session): void {
    if (this.#leaveEarly(session)) return;
    if (session !== this.#candidate || this.#state !== 'appeared') {
      session.fail(ErrorCode.Corrupt);
      return;
    }
    this.#connect(session, session.proposedEpoch);
  }

  sessionSummoned(_session: Session, nonce: number): void {
    this.#services.summoned(this, nonce);
  }

  sessionEnded(session: Session, end: SessionEnd): void {
    this.#services.keepAlive.leave(session);
    this.#lastFault = end.fault ?? end.reason;
    if (session === this.#candidate) this.#candidateEnded(end);
    else if (session === this.#current) this.#currentEnded(end);
  }

  sessionClosed(session: Session): void {
    this.#links.delete(session);
    this.#checkDestroyed();
  }

  get #isDestroying(): boolean {
    return this.#destroyPromise !== undefined;
  }

  /** Once `destroy` was called no epoch opens any more; true if that is so. */
  #leaveEarly(session: Session): boolean {
    if (this.#isDestroying) session.leave(ErrorCode.Destroyed, true, 0);
    return this.#isDestroying;
  }

  #greeted(session: Session, greeting: Greeting, peer: Peer): void {
    this.#candidateGreeting = greeting;
    this.#peer = peer;
    this.#isFinal = false;
    this.#services.wheel.disarm(this.#lingerTimer);
    const peerKey = `${this.settings.scheme} ${peer.domainId} ${peer.incarnation}`;
    this.#services.keepAlive.join(session, peerKey, this.settings.limits.keepAliveMs);
    this.#role?.becamePresent();
    this.#step('found');
  }

  /** Moves the candidate on as far as both sides' drains allow. */
  #proceed(): void {
    const session = this.#candidate;
    if (session === undefined || isDraining(this.#state) || this.#isDestroying) return;
    const isUp = session.phase === 'greeting' || session.phase === 'greeted';
    if (session.role === 'dial') {
      if (isUp && !session.isReadySent) session.sendReady(this.#lastFinished);
      return;
    }
    const isReady = session.phase === 'greeted' && session.peerLastFinished >= 0;
    if (!isReady || session.proposedEpoch !== 0 || this.#state !== 'appeared') return;
    const finished = Math.max(this.#lastFinished, session.peerLastFinished);
    // A proposal further on than a dialler may leap came of a word that was changed on its way.
    // Nobody has accepted it, and to go on from there would lock the dialler out for ever.
    const isFar = this.#lastProposed - finished >= epochLeapMax;
    const last = isFar ? finished : Math.max(finished, this.#lastProposed);
    if (last >= epochMax) {
      session.fail(ErrorCode.Corrupt);
      return;
    }
    this.#lastProposed = last + 1;
    session.sendAccept(last + 1);
  }

  #connect(session: Session, epoch: number): void {
    const greeting = this.#candidateGreeting;
    assert(greeting !== undefined && this.#current === undefined, 'greeted, and drained before');
    this.#candidate = undefined;
    this.#current = session;
    this.#end = undefined;
    this.#epoch = epoch;
    this.#epochCount++;
    this.#agreed = agreeQuota(this.settings.quota, greeting.quota);
    this.#peerFeatures = greeting.features;
    this.#services.epochOpened(this);
    const { flushMs } = this.settings.limits;
    session.open(epoch, this.#agreed, this.initiator, this.responder, flushMs);
    this.#step('agreed');
  }

  #candidateEnded(end: SessionEnd): void {
    this.#candidate = undefined;
    if (this.#isDestroying) return;
    if (end.isFinal) this.#lose();
    else this.#linger();
    this.#retry(end);
  }

  /** The epoch is over. If this side left it, its disconnect has been waiting for this. */
  #currentEnded(end: SessionEnd): void {
    this.#end = end;
    if (this.#isSettled) {
      if (end.isFinal) this.#lose();
      else this.#step('ended');
    } else {
      this.#settle(end);
    }
    if (this.#isDestroying) return;
    if (!end.isFinal && this.#candidate === undefined) this.#linger();
    this.#retry(end);
  }

  #lose(): void {
    this.#isFinal = true;
    this.#step('lost');
  }

  /** Without a link: whoever does not come back within `lingerMs` is lost. */
  #linger(): void {
    if (this.#state === 'absent' || this.#lingerTimer.isArmed) return;
    this.#services.wheel.arm(this.#lingerTimer, this.settings.limits.lingerMs);
  }

  #retry(end: SessionEnd): void {
    const isSlow = end.isFinal || end.reason === ErrorCode.Corrupt;
    const nextInMs = this.#role?.retry(isSlow);
    if (nextInMs === undefined) return;
    this.client.notify({ type: 'attempt', fault: end.fault ?? end.reason, nextInMs });
  }

  #step(event: EndpointEvent): void {
    const transition = step(this.#state, event);
    if (transition === undefined) return;
    this.#state = transition.next;
    if (transition.notice !== undefined) this.#notices.push(transition.notice);
    if (transition.next === 'destroyed') this.#notices.push('destroyed');
    this.#perform();
  }

  /** Performs notices one after the other; one that is raised meanwhile waits its turn. */
  #perform(): void {
    if (this.#isPerforming) return;
    this.#isPerforming = true;
    for (let notice = this.#notices.shift(); notice; notice = this.#notices.shift()) {
      this.#performOne(notice);
    }
    this.#isPerforming = false;
  }

  #performOne(notice: Notice): void {
    switch (notice) {
      case 'appear':
        this.client.appear();
        break;
      case 'connect':
        this.#role?.connected();
        this.client.connect(this.#epoch);
        break;
      case 'disconnect':
        this.#isSettled = false;
        if (this.#end !== undefined) this.#settle(this.#end);
        else this.#current?.leave(ErrorCode.Destroyed, true, this.settings.limits.flushMs);
        break;
      case 'disappear':
        this.client.disappear();
        this.#role?.becameAbsent(this.#isFinal);
        break;
      case 'destroyed':
        this.#isDestroyTold = true;
        break;
    }
  }

  /** Settles everything submitted, then tells the client, then waits for its drain. */
  #settle(end: SessionEnd): void {
    this.#current = undefined;
    const closed: Refusal = this.#isDestroying ? Refusal.Destroyed : Refusal.NotConnected;
    this.initiator.stop(closed);
    this.initiator.end(end.handledThrough);
    this.responder.end();
    this.#isSettled = true;
    this.#services.epochEnded(this);
    const counts = {
      epoch: this.#epoch,
      reason: end.reason,
      submittedThrough: this.initiator.submittedThrough,
      handledThrough: this.initiator.handledThrough,
      neverFrom: this.initiator.neverFrom,
    };
    this.#drain.start(
      () => this.client.disconnect(counts),
      () => this.#destroyPromise,
    );
  }

  #checkDrained(): void {
    if (!isDraining(this.#state) || !this.#isSettled || this.#drain.isPending) return;
    const isOpen = this.responder.openMessages + this.responder.openTransactions > 0;
    if (isOpen) return;
    this.#lastFinished = this.#epoch;
    this.#step('drained');
    this.#proceed();
    this.#checkDestroyed();
  }

  /** The client had its time: the drain is over without it. */
  #abandon(): void {
    this.#current?.fail(ErrorCode.Destroyed);
    if (!isDraining(this.#state)) return;
    this.#isAbandoned = true;
    this.client.silence();
    this.responder.abandon();
    this.#drain.abandon();
    this.#checkDrained();
  }

  #checkDestroyed(): void {
    if (!this.#isDestroyTold || this.#links.size > 0 || this.#candidate !== undefined) return;
    this.#isDestroyTold = false;
    this.#services.wheel.disarm(this.#drainTimer);
    this.#services.wheel.disarm(this.#lingerTimer);
    this.client.notify({ type: 'destroyed', abandoned: this.#isAbandoned });
    this.client.end();
    this.#role?.ended();
    this.#resolveDestroy();
  }
}
