/**
 * World: a dialling and a listening domain over a network of single steps. It says what may happen
 * next, makes it happen, and has the judge look.
 *
 * Every choice changes one domain only: what happens at the other is a choice of its own. So the
 * state of the world is known by what happened to each of the two, in its order; in which order the
 * two took turns makes no difference. The explorer builds on that.
 */
import { encodeChoice, indexOf, Kind, kindOf, sideOf, wordsOf, type Choice } from './choice.js';
import type { Coverage } from './coverage.js';
import { FrameType } from '../../core/frame.js';
import { Judge } from './judge.js';
import { Party } from './party.js';
import { Side, type FrameRoom } from './step-link.js';
import { StepNetwork } from './step-network.js';
import type { Item } from './watch.js';

export interface WorldOptions {
  readonly provesIdentity: boolean;
  /** Whether messages and transactions are among the choices: one of each per epoch and end. */
  readonly hasWork: boolean;
  readonly room: FrameRoom;
  readonly coverage: Coverage;
  /** Told everything in words. */
  readonly log?: (line: string) => void;
}

const sides = [Side.Dialler, Side.Listener] as const;
const frameNames = new Map<number, string>(
  Object.entries(FrameType).map(([name, type]) => [type, name]),
);

export class World {
  readonly network: StepNetwork;
  readonly judge: Judge;
  readonly parties: readonly [Party, Party];
  readonly #provesIdentity: boolean;
  readonly #hasWork: boolean;
  readonly #coverage: Coverage;
  readonly #log: ((line: string) => void) | undefined;

  constructor(options: WorldOptions) {
    const { provesIdentity, hasWork, room, coverage, log } = options;
    this.#provesIdentity = provesIdentity;
    this.#hasWork = hasWork;
    this.#coverage = coverage;
    this.#log = log;
    this.network = new StepNetwork(provesIdentity, room, coverage);
    const linkNow = (): number => this.network.currentLink;
    this.judge = new Judge(coverage, linkNow, log ?? ((): void => undefined));
    const items = new Map<number, Item>();
    this.parties = [
      new Party(Side.Dialler, this.network, this.judge, items),
      new Party(Side.Listener, this.network, this.judge, items),
    ];
    for (const party of this.parties) party.start();
  }

  /** Everything that may happen next. */
  choices(): Choice[] {
    const choices: Choice[] = [];
    const isMoving = this.#addLinks(choices);
    for (const side of sides) this.#addParty(choices, side, isMoving);
    return choices;
  }

  /** Makes it happen; what it leads to at this domain happens in the same step. */
  perform(code: number): void {
    if (this.#log !== undefined) this.#log(this.#describe(code));
    const side = sideOf(code);
    const index = indexOf(code);
    const party = this.parties[side];
    const wasDraining = party.drains.length > 0;
    switch (kindOf(code)) {
      case Kind.Arrive:
        this.network.arrive(index);
        break;
      case Kind.Deliver:
        this.#deliver(index, side, wasDraining);
        break;
      case Kind.Lose:
        this.network.lose(index, side);
        break;
      case Kind.Crash:
        party.crash();
        if (!this.parties.some(({ isAlive }) => isAlive)) this.#coverage.bothCrashed++;
        break;
      case Kind.Restart:
        party.start();
        break;
      case Kind.Wait:
        party.runtime.run(party.runtime.deadlineMs);
        break;
      case Kind.Release:
        this.#release(party, index);
        break;
      case Kind.Message:
      case Kind.Transaction:
        this.#submit(party, index, kindOf(code) === Kind.Message ? 'message' : 'transaction');
        break;
      case Kind.Complete:
        this.#complete(party, index);
        break;
    }
    party.runtime.settle();
  }

  /** True if something moves by itself while no time passes. */
  #addLinks(choices: Choice[]): boolean {
    const { network } = this;
    let isMoving = false;
    for (let number = 1; number <= network.linkCount; number++) {
      if (network.mayArrive(number)) {
        choices.push({ code: encodeChoice(Kind.Arrive, Side.Listener, number), cost: 0 });
        isMoving = true;
      }
      for (const side of sides) {
        if (network.mayDeliver(number, side)) {
          choices.push({ code: encodeChoice(Kind.Deliver, side, number), cost: 0 });
          isMoving = true;
        }
        if (!network.mayLose(number, side)) continue;
        const isLost = network.isLost(number, side);
        isMoving ||= isLost;
        choices.push({ code: encodeChoice(Kind.Lose, side, number), cost: isLost ? 0 : 1 });
      }
    }
    return isMoving;
  }

  #addParty(choices: Choice[], side: Side, isMoving: boolean): void {
    const party = this.parties[side];
    const add = (kind: Kind, index: number, cost: 0 | 1): void => {
      choices.push({ code: encodeChoice(kind, side, index), cost });
    };
    if (!party.isAlive) {
      add(Kind.Restart, 0, 0);
      return;
    }
    party.drains.forEach((_, index) => {
      add(Kind.Release, index, 0);
    });
    party.received.forEach((_, index) => {
      add(Kind.Complete, index, 0);
    });
    if (this.#hasWork) {
      party.watches.forEach((watch, index) => {
        if (watch.phase !== 'connected') return;
        if (!watch.hasSubmitted('message')) add(Kind.Message, index, 0);
        if (!watch.hasSubmitted('transaction')) add(Kind.Transaction, index, 0);
      });
    }
    if (party.runtime.deadlineMs < Infinity) add(Kind.Wait, 0, isMoving ? 1 : 0);
    add(Kind.Crash, 0, 1);
  }

  #deliver(number: number, side: Side, wasDraining: boolean): void {
    const item = this.network.end(number, side)?.nextItem;
    const isGreeting =
      typeof item === 'object' && (item[0] === FrameType.Hello || item[0] === FrameType.Welcome);
    if (isGreeting && wasDraining) this.#coverage.reconnectsWhileDraining++;
    if (isGreeting && side === Side.Listener && this.#isStrangerMet())
      this.#coverage.restartsUnnoticed++;
    this.network.deliver(number, side);
    if (isGreeting && side === Side.Listener) this.#expectEnded(number);
  }

  /** A peer that returns before its loss was noticed: the older epoch is ended first. */
  #expectEnded(number: number): void {
    const [dialler] = this.parties[Side.Dialler].watches;
    for (const { name, phase, epoch, links, endpoint } of this.parties[Side.Listener].watches) {
      const isKnown = this.#provesIdentity || endpoint.peer?.incarnation === dialler?.incarnation;
      const isOpen = phase === 'connected' && (links.get(epoch) ?? 0) < number;
      const claim = `V1 ${name}: epoch ${epoch} is still open, although its peer has returned`;
      this.judge.expect(!isKnown || !isOpen, claim);
    }
  }

  /** The listener still believes itself connected to a dialler that has started anew. */
  #isStrangerMet(): boolean {
    const [dialler] = this.parties[Side.Dialler].watches;
    return this.parties[Side.Listener].watches.some(
      ({ phase, endpoint }) =>
        phase === 'connected' &&
        dialler !== undefined &&
        endpoint.peer?.incarnation !== dialler.incarnation,
    );
  }

  #release(party: Party, index: number): void {
    const drain = party.drains[index];
    for (const { drains } of party.watches) {
      const at = drain === undefined ? -1 : drains.indexOf(drain);
      if (at >= 0) drains.splice(at, 1);
    }
    drain?.release();
  }

  #complete(party: Party, index: number): void {
    const taken = party.received[index];
    for (const { received } of party.watches) {
      const at = taken === undefined ? -1 : received.indexOf(taken);
      if (at >= 0) received.splice(at, 1);
    }
    taken?.complete();
  }

  #submit(party: Party, index: number, kind: Item['kind']): void {
    const watch = party.watches[index];
    if (watch !== undefined) party.submit(watch, kind);
  }

  #describe(code: number): string {
    if (kindOf(code) !== Kind.Deliver) return wordsOf(code);
    const item = this.network.end(indexOf(code), sideOf(code))?.nextItem;
    const what = typeof item === 'object' ? frameNames.get(item[0] ?? 0) : item;
    return `${wordsOf(code)} (${what ?? 'nothing'})`;
  }
}
