/**
 * Client: a seeded user of one endpoint. It submits, receives, delays and gives up as its profile
 * says, and enters everything into the books.
 */
import {
  IdcError,
  Refusal,
  type Endpoint,
  type EndpointHandlers,
  type ErrorCode,
  type Execution,
  type ReceivedMessage,
  type ReceivedTransaction,
} from '../../core/index.js';
import type { Runtime } from '../../core/runtime.js';
import { bodyHeaderBytes, makeBody } from './body.js';
import type { Item, Ledger } from './ledger.js';
import type { Place } from './place.js';
import type { Random } from './prng.js';
import type { Profile } from './profile.js';
import type { Watch } from './watch.js';
import type { World } from './world.js';

/** What the clients of one run have in common. */
export interface ClientHost {
  readonly world: World;
  readonly ledger: Ledger;
  /** False once clients submit nothing new. */
  readonly isBusy: boolean;
  /** False once clients hold nothing back. */
  readonly isPatient: boolean;
  /** Destroys the endpoint of a client, which may be in one of its handlers. */
  giveUp(client: Client, random: Random): void;
  /** Another client of the same domain, to pass a request on through. */
  relayFrom(client: Client): Client | undefined;
}

/** How long beyond its limit a transaction may take: the default of `flushMs`, and a second. */
const flushMs = 2_000;
const statusHeaderBytes = 4;
const calmPace = 30;

export class Client {
  readonly place: Place;
  readonly handlers: EndpointHandlers;
  readonly #host: ClientHost;
  readonly #profile: Profile;
  readonly #random: Random;
  readonly #runtime: Runtime;
  readonly #tickets: number[] = [];
  #endpoint: Endpoint | undefined = undefined;
  #watch: Watch | undefined = undefined;
  #isWaiting = false;
  #isEndless = false;

  constructor(host: ClientHost, place: Place, profile: Profile, random: Random) {
    this.#host = host;
    this.place = place;
    this.#profile = profile;
    this.#random = random;
    this.#runtime = place.runtime;
    this.handlers = {
      appear: (endpoint) => {
        this.attach(endpoint);
        this.#misbehave();
      },
      connect: () => {
        this.#host.ledger.tally.connects += 1;
        this.#think();
        this.#misbehave();
      },
      disappear: () => {
        this.#misbehave();
      },
      disconnect: () => this.#disconnect(),
      message: (message, endpoint) => {
        this.#takeMessage(message, endpoint);
        this.#misbehave();
      },
      transaction: (transaction, endpoint) => {
        this.#takeTransaction(transaction, endpoint);
        this.#misbehave();
      },
    };
  }

  get watch(): Watch | undefined {
    return this.#watch;
  }

  get endpoint(): Endpoint | undefined {
    return this.#endpoint;
  }

  /** True once it holds something that it will never let go of. */
  get isEndless(): boolean {
    return this.#isEndless;
  }

  attach(endpoint: Endpoint): void {
    this.#endpoint = endpoint;
    this.#watch = this.#host.world.watchRoom.watchOf(endpoint);
    this.#watch.isBooked = true;
  }

  /** A transaction as a promise, entered into the books; undefined if it was refused. */
  transact(hops: number, byteLength: number): Promise<boolean> | undefined {
    const { ledger } = this.#host;
    const endpoint = this.#endpoint;
    const watch = this.#watch;
    if (endpoint === undefined || watch === undefined) return undefined;
    const timeoutMs = this.#drawTimeout();
    const abort = this.#random.chance(this.#profile.cancels) ? new AbortController() : undefined;
    const signal = abort === undefined ? {} : { signal: abort.signal };
    const id = ledger.nextId;
    const parameters = makeBody({ id, epoch: watch.epoch, hops }, byteLength);
    const isFree = watch.isConnected && byteLength <= endpoint.quota.parameterBytes;
    const takenBefore = endpoint.statistics().transactionsSubmitted;
    const settled = endpoint.submitTransaction(this.#scatter(parameters), { timeoutMs, ...signal });
    if (endpoint.statistics().transactionsSubmitted === takenBefore) {
      const askedMs = this.#host.world.nowMs;
      settled.catch((error: unknown) => {
        this.#expectRefusal(error, isFree);
        this.#host.world.expect(this.#host.world.nowMs === askedMs, 'V8 it is refused at once');
      });
      return undefined;
    }
    const item = ledger.submitted(watch, 'transaction', byteLength, false, timeoutMs + flushMs);
    if (abort !== undefined)
      this.#after(this.#drawDelay(this.#profile.slowMs), () => abort.abort());
    return this.#book(item, settled);
  }

  #book(item: Item, settled: Promise<Uint8Array>): Promise<boolean> {
    const { ledger } = this.#host;
    return settled.then(
      (status) => {
        ledger.settled(item, 'OK', 'done', status.length);
        return true;
      },
      (error: unknown) => {
        if (!(error instanceof IdcError)) throw error;
        ledger.settled(item, error.code, error.execution, error.status?.length ?? 0);
        return false;
      },
    );
  }

  #expectRefusal(error: unknown, isFree: boolean): void {
    const isRight = error instanceof IdcError && error.execution === 'never';
    const isSized = isRight && isFree && error.code === 'TOO_LARGE';
    this.#host.world.expect(isRight && !isSized, `a refusal, not ${String(error)}`);
  }

  /** V11: nothing was lost of the quota, so it can be used up; unless the link is full. */
  fillQuota(): void {
    const endpoint = this.#endpoint;
    const watch = this.#watch;
    if (endpoint === undefined || watch?.isConnected !== true) return;
    const { messages, transactions } = endpoint.quota;
    let taken = 0;
    const answers = [0, 0];
    while (taken <= messages && (answers[0] = this.#message(bodyHeaderBytes)) > 0) taken += 1;
    this.#expectFull(answers[0] ?? 0, taken, messages);
    taken = 0;
    while (taken <= transactions && (answers[1] = this.#hot(bodyHeaderBytes)) >= 0) taken += 1;
    this.#expectFull(answers[1] ?? 0, taken, transactions);
  }

  #expectFull(answer: number, taken: number, quota: number): void {
    const isMisled = this.#host.world.network.hasForgedFor(this.place.name);
    const isFull = answer === Refusal.Quota && taken === quota;
    const claim = `V11 all of a quota of ${quota} is free, not ${taken}, refused by ${answer}`;
    // Its listener may be about to close, and its destruction not told yet.
    const isOver = answer === Refusal.Destroyed;
    const isExcused = answer === Refusal.BackPressured || isOver || isMisled;
    this.#host.world.expect(isFull || isExcused, claim, this.#watch?.name);
  }

  /** What a client had better not do in a handler, and may. */
  #misbehave(): void {
    const { eager, quits } = this.#profile;
    if (eager + quits === 0 || !this.#host.isPatient) return;
    if (this.#random.chance(eager)) this.#act();
    if (this.#random.chance(quits)) this.#host.giveUp(this, this.#random);
  }

  /** Does something now and then, as long as the epoch lasts. */
  #think(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const [least, most] = this.#profile.thinkMs;
    // Once the faults have stopped, what is left to do is more important than more to do.
    const pace = this.#host.isPatient ? 1 : calmPace;
    this.#after(pace * (least + (most - least) * this.#random.fraction()), () => {
      this.#isWaiting = false;
      if (this.#watch?.isConnected !== true || !this.#host.isBusy) return;
      const burstMax = this.#host.isPatient ? this.#profile.burstMax : 1;
      const count = this.#random.between(1, burstMax);
      for (let index = 0; index < count; index++) this.#act();
      this.#think();
    });
  }

  #act(): void {
    const { messages, hotTransactions, waits, cancels } = this.#profile;
    let draw = this.#random.fraction();
    if (draw < waits) {
      this.#wait();
      return;
    }
    if (this.#random.chance(cancels)) this.#cancel();
    draw = this.#random.fraction();
    if (draw < messages) this.#message();
    else if (this.#random.chance(hotTransactions)) this.#hot(this.#drawParameterBytes());
    else void this.transact(this.#drawHops(), this.#drawParameterBytes());
  }

  #message(byteLength = this.#drawBytes(this.#endpoint?.quota.messageBytes ?? 0, 8)): number {
    const endpoint = this.#endpoint;
    const watch = this.#watch;
    if (endpoint === undefined || watch === undefined) return Refusal.NotConnected;
    const { ledger } = this.#host;
    const id = ledger.nextId;
    const body = makeBody({ id, epoch: watch.epoch, hops: 0 }, byteLength);
    const answer = endpoint.submitMessage(this.#scatter(body));
    if (answer < 0) {
      this.#checkRefusal(answer, byteLength <= endpoint.quota.messageBytes);
      return answer;
    }
    const item = ledger.submitted(watch, 'message', byteLength, true, Infinity);
    const isNumbered = answer === item.ordinal;
    this.#host.world.expect(isNumbered, `message ${item.ordinal} was numbered ${answer}`);
    return answer;
  }

  #hot(byteLength: number): number {
    const endpoint = this.#endpoint;
    const watch = this.#watch;
    if (endpoint === undefined || watch === undefined) return Refusal.NotConnected;
    const { ledger } = this.#host;
    const id = ledger.nextId;
    const parameters = makeBody({ id, epoch: watch.epoch, hops: this.#drawHops() }, byteLength);
    const context: { item: Item | undefined } = { item: undefined };
    const timeoutMs = this.#drawTimeout();
    const ticket = endpoint.transact(this.#scatter(parameters), this.#settle, context, timeoutMs);
    if (ticket < 0) {
      this.#checkRefusal(ticket, byteLength <= endpoint.quota.parameterBytes);
      return ticket;
    }
    context.item = ledger.submitted(watch, 'transaction', byteLength, true, timeoutMs + flushMs);
    this.#tickets.push(ticket);
    if (this.#tickets.length > 32) this.#tickets.shift();
    return ticket;
  }

  readonly #settle = (
    context: { item: Item | undefined },
    code: ErrorCode,
    execution: Execution,
    _bytes: Uint8Array,
    _offset: number,
    byteLength: number,
  ): void => {
    const { item } = context;
    if (item === undefined)
      this.#host.world.fail('a completion was called before transact returned');
    else this.#host.ledger.settled(item, code, execution, byteLength);
    this.#misbehave();
  };

  /** Cancels one of the last transactions, which may have settled long ago, or any at all. */
  #cancel(): void {
    const isStray = this.#random.chance(0.1);
    const ticket = isStray ? this.#random.next() >>> 1 : this.#tickets.pop();
    if (ticket !== undefined) this.#endpoint?.cancel(ticket);
  }

  /** Waits for room and uses it, or until everything that it sent is completed. */
  #wait(): void {
    const endpoint = this.#endpoint;
    const watch = this.#watch;
    if (endpoint === undefined || watch === undefined) return;
    const { epoch } = watch;
    const throughId = this.#host.ledger.nextId - 1;
    const isFlush = this.#random.chance(0.5);
    const kind = this.#random.chance(0.5) ? 'message' : 'transaction';
    const work = isFlush
      ? endpoint.whenFlushed()
      : endpoint.whenWritable({ kind, byteLength: bodyHeaderBytes });
    work.then(
      () => {
        if (isFlush) this.#host.ledger.flushed(watch, epoch, throughId);
        else if (this.#host.isBusy && kind === 'message') this.#message();
      },
      (error: unknown) => {
        const code = error instanceof IdcError ? error.code : 'a stranger';
        const isOver = !watch.isConnected || watch.epoch > epoch;
        const isRight = code === 'DISCONNECTED' ? isOver : code !== 'a stranger';
        this.#host.world.expect(isRight, `${watch.name}: waited, ${String(error)}`);
      },
    );
  }

  #checkRefusal(refusal: number, isSmall: boolean): void {
    const isRight = (refusal === Refusal.TooLarge) !== isSmall || refusal === Refusal.NotConnected;
    const isLegal = refusal === Refusal.Destroyed || isRight;
    if (!isLegal) this.#host.world.fail(`refused with ${refusal}, small: ${String(isSmall)}`);
  }

  #takeMessage(message: ReceivedMessage, endpoint: Endpoint): void {
    const watch = this.#watch;
    if (watch === undefined) return;
    const { bytes, offset, byteLength } = message;
    const { ledger } = this.#host;
    const entry = ledger.handled(watch, endpoint, 'message', bytes, offset, byteLength);
    if (entry === undefined) return;
    this.#completeSometime(() => {
      ledger.completed(watch, entry.item, undefined);
      message.complete();
    });
  }

  #takeTransaction(transaction: ReceivedTransaction, endpoint: Endpoint): void {
    const watch = this.#watch;
    if (watch === undefined) return;
    const { bytes, offset, byteLength } = transaction;
    const { ledger } = this.#host;
    const entry = ledger.handled(watch, endpoint, 'transaction', bytes, offset, byteLength);
    if (entry === undefined) return;
    const { statusBytes } = endpoint.quota;
    const finish = (code: number): void => {
      const length = Math.max(statusHeaderBytes, this.#drawBytes(statusBytes, 12));
      const answer = { code, byteLength: length };
      ledger.completed(watch, entry.item, answer);
      transaction.complete(new Uint8Array(length).fill(entry.item.id), code);
    };
    const relay = entry.hops > 0 ? this.#host.relayFrom(this) : undefined;
    const nested = relay?.transact(entry.hops - 1, bodyHeaderBytes);
    if (nested !== undefined) {
      void nested.then((isDone) => {
        finish(isDone ? 0 : 7);
      });
      return;
    }
    this.#completeSometime(() => {
      finish(this.#random.chance(0.2) ? this.#random.between(1, 1_000) : 0);
    });
  }

  #completeSometime(complete: () => void): void {
    const { slow, slowMs, late, lateMs, isStuck, hoards } = this.#profile;
    if (hoards > 0 && this.#host.isPatient && this.#random.chance(hoards)) {
      this.#isEndless = true;
      return;
    }
    if (isStuck && this.#host.isPatient) {
      this.#holdWhile(() => this.#host.isPatient, 50, complete);
    } else if (this.#random.chance(late) && this.#host.isPatient) {
      const isHeld = (): boolean => this.#host.isPatient && this.#watch?.isConnected === true;
      this.#holdWhile(isHeld, this.#drawDelay(lateMs), complete);
    } else if (this.#random.chance(slow)) {
      this.#after(this.#drawDelay(slowMs), complete);
    } else {
      complete();
    }
  }

  #holdWhile(isHeld: () => boolean, delayMs: number, complete: () => void): void {
    this.#after(Math.max(1, delayMs), () => {
      if (isHeld()) this.#holdWhile(isHeld, delayMs, complete);
      else complete();
    });
  }

  #disconnect(): Promise<void> | undefined {
    this.#tickets.length = 0;
    const { drainMs, endless } = this.#profile;
    const watch = this.#watch;
    this.#misbehave();
    if (drainMs + endless === 0 || !this.#host.isPatient || watch === undefined) return undefined;
    watch.drainCount += 1;
    if (endless > 0 && this.#random.chance(endless)) {
      this.#isEndless = true;
      return new Promise(() => undefined);
    }
    return new Promise((resolve) => {
      this.#after(this.#drawDelay(drainMs), () => {
        watch.drainCount -= 1;
        resolve();
      });
    });
  }

  #scatter(bytes: Uint8Array): Uint8Array | readonly Uint8Array[] {
    if (!this.#random.chance(0.1)) return bytes;
    const at = this.#random.between(0, bytes.length);
    return [bytes.subarray(0, at), bytes.subarray(at)];
  }

  #drawHops(): number {
    const { relays, hopsMax } = this.#profile;
    return this.#random.chance(relays) ? this.#random.between(1, hopsMax) : 0;
  }

  #drawTimeout(): number {
    const { oddLimits, timeoutMs } = this.#profile;
    const [least, most] = timeoutMs;
    if (this.#random.chance(oddLimits)) return this.#random.pick([0, 1, Infinity]);
    return this.#random.between(least, most);
  }

  #drawDelay(mostMs: number): number {
    return mostMs * this.#random.fraction();
  }

  #drawParameterBytes(): number {
    return this.#drawBytes(this.#endpoint?.quota.parameterBytes ?? 0, 12);
  }

  /** Mostly short; sometimes around the border of a fragment, the limit, or one byte beyond it. */
  #drawBytes(most: number, headerBytes: number): number {
    const draw = this.#random.fraction();
    const random = this.#random;
    let byteLength = random.between(bodyHeaderBytes, 96);
    if (draw < 0.02) return most + 1;
    if (draw < 0.1) byteLength = this.place.frameBytesMax - headerBytes + random.between(-2, 2);
    else if (draw < 0.2) byteLength = random.between(bodyHeaderBytes, most);
    else if (draw < 0.25) byteLength = most;
    return Math.max(bodyHeaderBytes, Math.min(byteLength, most));
  }

  #after(delayMs: number, task: () => void): void {
    this.#runtime.scheduler.after(delayMs, task);
  }
}
