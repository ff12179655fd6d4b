/**
 * TurnLoop: drives a domain's transports. One turn delivers what came in, lets sessions finish
 * their batches, and flushes what goes out; the wait strategy says when the next one runs.
 *
 *   park      a turn only when somebody asked for one; the event loop sleeps otherwise
 *   adaptive  polls the event loop for `adaptiveMs` after the last traffic, then parks; where
 *             others want the processor it parks at once for a while
 *   spin      never sleeps
 *
 * `poll` runs one turn for a caller that owns its thread.
 */
import type { WaitStrategy } from './api.js';
import { assert } from './assert.js';
import type { Runtime } from './runtime.js';
import type { Session } from './session.js';
import type { TimerWheel } from './timer-wheel.js';
import type { TransactionSlots } from './transaction-slots.js';
import { makeTransportRuntime } from './transport-runtime.js';
import type { Transport, TransportFactory, TransportHost } from './transport.js';

/**
 * Polls between two looks at the clock, where a busy one counts once and an idle one often: reading
 * the clock takes as long as an idle poll.
 */
const pollsPerClockRead = 64;
const idlePollWeight = 8;

/**
 * The length of a turn with nothing to do, in milliseconds, that only a preempted thread has.
 * Polling on would use up its share of the processor, and answers would wait for the next one.
 */
const preemptedMs = 0.5;
const parkMsMin = 10;
const parkMsMax = 1000;

/** What a turn is at; whoever asks for a turn gets this one or the next accordingly. */
const Phase = { Idle: 0, Polling: 1, Finishing: 2, Flushing: 3 } as const;
type Phase = (typeof Phase)[keyof typeof Phase];

/** Frames delivered to one link in one turn, so that a flood delays nobody else. */
const framesPerTurnMax = 256;

export class TurnLoop {
  readonly #runtime: Runtime;
  readonly #transportRuntime: Runtime;
  readonly #wheel: TimerWheel;
  readonly #wait: WaitStrategy;
  readonly #adaptiveMs: number = 0;
  readonly #byScheme = new Map<string, Transport>();
  readonly #full: Transport[] = [];
  readonly #flush: Transport[] = [];
  readonly #unfinished: (Session | undefined)[] = [];
  #unfinishedCount = 0;
  /** Those whose time limits start when the clock is read next. */
  readonly #unstamped: TransactionSlots[] = [];
  #unclockedPolls = 0;
  readonly #deferred: (() => void)[] = [];
  #phase: Phase = Phase.Idle;
  #isScheduled = false;
  /** The transports know that nobody polls; they wake who waits. */
  #isParked = true;
  /** What sessions committed to finish their batches leaves in this turn. */
  #isFullWoken = false;
  #isStopped = false;
  #crash: Error | undefined = undefined;
  #lastTrafficMs = -Infinity;
  #parkUntilMs = -Infinity;
  #parkMs = parkMsMin;
  readonly #onTurn = (): void => {
    this.#isScheduled = false;
    this.#turn();
  };
  readonly #runDeferred = (): void => {
    for (let task = this.#deferred.shift(); task; task = this.#deferred.shift()) task();
  };

  constructor(
    runtime: Runtime,
    wheel: TimerWheel,
    factories: readonly TransportFactory[],
    wait: WaitStrategy,
    adaptiveMs: number,
  ) {
    this.#runtime = runtime;
    this.#transportRuntime = makeTransportRuntime(runtime, wheel);
    this.#wheel = wheel;
    this.#wait = wait;
    this.#adaptiveMs = adaptiveMs;
    for (const factory of factories) this.#add(factory);
  }

  get transports(): readonly Transport[] {
    return [...this.#byScheme.values()];
  }

  transportFor(scheme: string): Transport | undefined {
    return this.#byScheme.get(scheme);
  }

  /** Starts spinning, if that is the strategy; the domain has something to wait for. */
  start(): void {
    if (this.#wait === 'spin') this.#schedule();
  }

  /** No turn follows, unless a transport still asks for one to close its links. */
  stop(): void {
    this.#isStopped = true;
  }

  /** HOT: `session.endTurn()` is called before this turn is over, or in the next one. */
  endTurnSoon(session: Session): void {
    this.#unfinished[this.#unfinishedCount++] = session;
    if (this.#needsNextTurn) this.#schedule();
  }

  /**
   * HOT: `slots.stamp()` is called at the end of this turn, or of the next one. For who polls it is
   * the next look at the clock, which takes as long as a tenth of a transaction.
   */
  stampSoon(slots: TransactionSlots): void {
    this.#unstamped.push(slots);
    if (this.#needsNextTurn) this.#schedule();
  }

  /** Runs `task` right after the caller, or in the next `poll` of a thread that never yields. */
  defer(task: () => void): void {
    this.#deferred.push(task);
    this.#runtime.scheduler.next(this.#runDeferred);
  }

  /** A programmer error was reported; a loop that never yields learns of it from `poll`. */
  noteCrash(error: Error): void {
    this.#crash ??= error;
  }

  /** One turn, and whatever timer is due; answers the events handled. */
  poll(limit: number): number {
    assert(limit > 0, 'a poll may handle something', 'BAD_ARGUMENT');
    if (this.#phase !== Phase.Idle) return 0;
    // When this thread yields, that turn parks.
    if (this.#isParked) this.#schedule();
    let events = this.#run(limit);
    this.#unclockedPolls += events === 0 ? idlePollWeight : 1;
    if (this.#unclockedPolls >= pollsPerClockRead) {
      this.#unclockedPolls = 0;
      const nowMs = this.#runtime.clock.now();
      this.#stamp(nowMs);
      events += this.#wheel.run(nowMs);
    }
    if (this.#crash !== undefined) throw this.#crash;
    return events;
  }

  #add(factory: TransportFactory): void {
    let isFlush = false;
    const host: TransportHost = {
      runtime: this.#transportRuntime,
      wake: () => {
        if (this.#needsNextTurn) this.#schedule();
        // A turn that has yet to flush serves a transport that only flushes.
        else if (isFlush) return;
        else if (this.#phase === Phase.Finishing) this.#isFullWoken = true;
        else this.#schedule();
      },
    };
    assert(!this.#byScheme.has(factory.scheme), 'one transport for each scheme', 'BAD_ARGUMENT');
    const transport = factory.create(host);
    isFlush = transport.capabilities.poll === 'flush';
    (isFlush ? this.#flush : this.#full).push(transport);
    this.#byScheme.set(transport.scheme, transport);
  }

  /** No turn is under way, or it has gone too far to serve who asks for one now. */
  get #needsNextTurn(): boolean {
    return this.#phase === Phase.Idle || this.#phase === Phase.Flushing;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#runtime.scheduler.soon(this.#onTurn);
  }

  #turn(): void {
    const startMs = this.#wait === 'adaptive' ? this.#runtime.clock.now() : 0;
    const events = this.#run(framesPerTurnMax);
    if (this.#unstamped.length > 0) this.#stamp(this.#runtime.clock.now());
    if (this.#isScheduled) return;
    if (!this.#isStopped && this.#pollsOn(startMs, events)) this.#schedule();
    else this.#park();
  }

  /** The wait strategy: whether another turn follows unasked. */
  #pollsOn(startMs: number, events: number): boolean {
    if (this.#wait !== 'adaptive') return this.#wait === 'spin';
    const now = this.#runtime.clock.now();
    if (events > 0) this.#lastTrafficMs = now;
    else if (now - startMs > preemptedMs) this.#backOff(now);
    return now - this.#lastTrafficMs < this.#adaptiveMs && now >= this.#parkUntilMs;
  }

  #park(): void {
    this.#isParked = true;
    for (const transport of this.#full) if (!transport.park()) this.#schedule();
    for (const transport of this.#flush) if (!transport.park()) this.#schedule();
  }

  /** Others want the processor: parks, and longer each time that polling proves it again. */
  #backOff(now: number): void {
    const isAgain = now - this.#parkUntilMs < parkMsMax;
    this.#parkMs = isAgain ? Math.min(parkMsMax, this.#parkMs * 2) : parkMsMin;
    this.#parkUntilMs = now + this.#parkMs;
  }

  #run(limit: number): number {
    if (this.#phase !== Phase.Idle) return 0;
    this.#isParked = false;
    if (this.#deferred.length > 0) this.#runDeferred();
    let events = this.#pollFull(limit);
    if (this.#isFullWoken) events += this.#pollFull(limit);
    if (this.#isFullWoken) this.#schedule();
    this.#phase = Phase.Flushing;
    for (const transport of this.#flush) events += transport.poll(limit);
    this.#phase = Phase.Idle;
    return events;
  }

  #pollFull(limit: number): number {
    let events = 0;
    this.#isFullWoken = false;
    this.#phase = Phase.Polling;
    for (const transport of this.#full) events += transport.poll(limit);
    this.#phase = Phase.Finishing;
    this.#finish();
    return events;
  }

  #stamp(nowMs: number): void {
    for (let slots = this.#unstamped.pop(); slots; slots = this.#unstamped.pop()) {
      slots.stamp(nowMs);
    }
  }

  /** Whoever asks for another turn meanwhile has it in this one. */
  #finish(): void {
    for (let index = 0; index < this.#unfinishedCount; index++) {
      this.#unfinished[index]?.endTurn();
      // Or a destroyed endpoint's memory would stay until another session takes the place.
      this.#unfinished[index] = undefined;
    }
    this.#unfinishedCount = 0;
  }
}
