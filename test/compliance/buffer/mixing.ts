/**
 * Mixing: many transfers of all kinds at once, chosen by the seed, beside messages, unregistering,
 * aborting and breaking links; the memory is compared with a model of it.
 */
import type { Scenario } from '../endpoint/scenario.js';
import type { Stage } from '../endpoint/stage.js';
import { between, randomBytes } from '../random.js';
import { transfer } from './running.js';
import {
  areEqual,
  isFilledWith,
  lend,
  makeSides,
  pieceBytes,
  type Loan,
  type Sides,
} from './sides.js';

const stripeCount = 8;
const stripeBytes = 10 * pieceBytes;
const roundCount = 25;

type Weather = 'fair' | 'aborting' | 'severing';

/** One user of one stripe: what the owner has there is always known, or known to be unknown. */
class Striper {
  #isKnown = true;
  readonly #stage: Stage;
  readonly #sides: Sides;
  readonly #loan: Loan;
  readonly #from: number;
  readonly #weather: Weather;
  readonly #model: Uint8Array = new Uint8Array(stripeBytes);

  constructor(stage: Stage, sides: Sides, loan: Loan, from: number, weather: Weather) {
    this.#stage = stage;
    this.#sides = sides;
    this.#loan = loan;
    this.#from = from;
    this.#weather = weather;
  }

  async run(): Promise<void> {
    for (let round = 0; round < roundCount; round++) {
      if (!this.#isKnown || between(this.#stage.random, 0, 1) === 0) await this.#send();
      else await this.#receive();
    }
    while (!this.#isKnown) await this.#send();
    this.#check();
  }

  /** While nobody writes: the stripe is as the model says. */
  #check(): void {
    const { bytes } = this.#loan;
    const there = bytes.subarray(this.#from, this.#from + stripeBytes);
    this.#stage.check(areEqual(there, this.#model), `the stripe from ${this.#from} on`);
  }

  async #send(): Promise<void> {
    // What is unknown is written as a whole.
    const [at, byteLength] = this.#isKnown ? this.#range() : [0, stripeBytes];
    const local = randomBytes(this.#stage.random, byteLength);
    const sent = new Uint8Array(local);
    const outcome = await this.#transfer('send', at, local);
    this.#model.set(sent, at);
    if (outcome === 'OK') this.#isKnown = true;
    else if (outcome.endsWith('maybe')) this.#isKnown = false;
    else this.#recall(at, byteLength);
    local.fill(0xee);
    if (this.#isKnown) this.#check();
  }

  /** Nothing was written: the model takes back what it has just learnt. */
  #recall(at: number, byteLength: number): void {
    const start = this.#from + at;
    this.#model.set(this.#loan.bytes.subarray(start, start + byteLength), at);
  }

  async #receive(): Promise<void> {
    const [at, byteLength] = this.#range();
    const local = new Uint8Array(byteLength).fill(0xee);
    const outcome = await this.#transfer('receive', at, local);
    const expected = this.#model.subarray(at, at + byteLength);
    if (outcome === 'OK') this.#stage.check(areEqual(local, expected), 'received what was sent');
    const settled = new Uint8Array(local);
    await this.#stage.turns(1);
    this.#stage.check(areEqual(local, settled), 'nothing comes after the outcome');
  }

  async #transfer(direction: 'send' | 'receive', at: number, local: Uint8Array): Promise<string> {
    const { random } = this.#stage;
    const { user } = this.#sides;
    const given = new AbortController();
    const isAborted = this.#weather !== 'fair' && between(random, 0, 3) === 0;
    const offset = this.#from + at;
    const { signal } = given;
    const going = transfer(user, direction, this.#loan.reference, local, { offset, signal });
    if (isAborted) {
      await this.#stage.turns(between(random, 0, 6));
      given.abort();
    }
    const outcome = await going;
    const isExpected =
      outcome === 'OK' ||
      (isAborted && outcome.startsWith('CANCELLED')) ||
      // The link was just lost when it began.
      (this.#weather === 'severing' && outcome === 'UNREACHABLE never');
    this.#stage.check(isExpected, `${direction}: ${outcome}`);
    return outcome;
  }

  #range(): readonly [number, number] {
    const at = between(this.#stage.random, 0, stripeBytes - 1);
    return [at, between(this.#stage.random, 1, stripeBytes - at)];
  }
}

/** Breaks every link at times, until nobody is at work. */
async function severAtTimes(stage: Stage, sides: Sides, isOver: () => boolean): Promise<void> {
  for (let count = 0; count < 5 && !isOver(); count++) {
    await stage.turns(between(stage.random, 5, 40));
    await stage.until('both are there', () => {
      return isOver() || (sides.userEnd.isConnected && sides.ownerEnd.isConnected);
    });
    stage.world.sever();
  }
}

async function mix(stage: Stage, weather: Weather): Promise<void> {
  const limits = { fenceMs: 300 };
  const sides = await makeSides(stage, { owner: { limits } });
  const loan = await lend(sides, new Uint8Array(stripeCount * stripeBytes));
  let atWorkCount = stripeCount;
  const work = Array.from({ length: stripeCount }, async (_, stripe) => {
    const striper = new Striper(stage, sides, loan, stripe * stripeBytes, weather);
    await striper.run().finally(() => atWorkCount--);
  });
  if (weather === 'severing') work.push(severAtTimes(stage, sides, () => atWorkCount === 0));
  await Promise.all(work);
  await loan.buffer.unregister();
  loan.bytes.fill(0xee);
  await stage.turns(20);
  stage.check(isFilledWith(loan.bytes, 0xee), 'nothing lands after unregister');
  stage.note('the memory is as the model says');
}

export const mixingScenarios: readonly Scenario[] = [
  {
    fact: 'many transfers at once: the memory is as the model says',
    play: (stage) => mix(stage, 'fair'),
  },
  {
    fact: 'some of them aborted at any time: never means never, and the rest is right',
    play: (stage) => mix(stage, 'aborting'),
  },
  {
    fact: 'links break at any time as well',
    play: (stage) => mix(stage, 'severing'),
  },
];
