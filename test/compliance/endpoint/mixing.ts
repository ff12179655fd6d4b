/** Mixing: seeded traffic of all kinds and sizes, both ways at once, with and without breaks. */
import type { Endpoint, ReceivedMessage, ReceivedTransaction } from '../../../core/index.js';
import { IdcError } from '../../../core/index.js';
import { between } from '../random.js';
import type { Actor } from './actor.js';
import { contentOf, describeBytes } from './content.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

const bytesMax = 200_000;
const quota = {
  messages: 8,
  messageBytes: bytesMax,
  transactions: 8,
  parameterBytes: bytesMax,
  statusBytes: bytesMax,
};
const headBytes = 12;

/** Mostly small, sometimes longer than any frame. */
function pickLength(stage: Stage): number {
  const most = [64, 64, 4096, 70_000, bytesMax - headBytes][between(stage.random, 0, 4)] ?? 0;
  return between(stage.random, 0, most);
}

/** Says in which epoch it was submitted and as which request, and then carries its content. */
function stamp(endpoint: Endpoint, order: number, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(headBytes + byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, endpoint.epoch);
  view.setUint32(4, order);
  view.setUint32(8, byteLength);
  bytes.set(contentOf(order, byteLength), headBytes);
  return bytes;
}

/** One end: submits a number of items, and completes what it hears in any order. */
class Party {
  readonly actor: Actor;
  settledCount = 0;
  startedCount = 0;
  readonly #stage: Stage;
  readonly #held: (ReceivedMessage | ReceivedTransaction)[] = [];
  #epoch = 0;
  #heardThrough = 0;
  #isFinishing = false;

  constructor(stage: Stage, actor: Actor) {
    this.#stage = stage;
    this.actor = actor;
    actor.isVerbose = false;
    actor.onMessage = (message) => {
      this.#hear(message, message.body);
    };
    actor.onTransaction = (transaction) => {
      this.#hear(transaction, transaction.parameters);
    };
    actor.onDisconnect = () => {
      this.#letGo(0);
    };
  }

  async submit(count: number): Promise<void> {
    let epoch = 0;
    let order = 0;
    for (let index = 0; index < count; index++) {
      const { endpoint } = this.actor;
      await this.#stage.until('connected', () => this.actor.isConnected);
      if (endpoint.epoch !== epoch) order = 0;
      epoch = endpoint.epoch;
      const body = stamp(endpoint, order + 1, pickLength(this.#stage));
      if (await this.#submitOne(body)) order++;
    }
  }

  /** Completes what is held until everything submitted by the other end has settled. */
  async finish(isSettled: () => boolean): Promise<void> {
    this.#isFinishing = true;
    await this.#stage.until('everything settles', () => {
      this.#letGo(0);
      return isSettled();
    });
  }

  async #submitOne(body: Uint8Array): Promise<boolean> {
    const { actor } = this;
    const kind = between(this.#stage.random, 0, 1) === 0 ? 'message' : 'transaction';
    const { epoch } = actor.endpoint;
    const isWritable = await actor.endpoint.whenWritable({ kind, byteLength: body.length }).then(
      () => true,
      (error: unknown) => !(error instanceof IdcError),
    );
    if (!isWritable || !actor.isConnected || actor.endpoint.epoch !== epoch) return false;
    if (kind === 'message') return actor.send(body) >= 0;
    const started = actor.start(body);
    if (started.ticket < 0) return false;
    this.startedCount++;
    started.onSettled = (outcome) => {
      this.settledCount++;
      const isEcho = outcome === `OK done, ${describeBytes(body)}`;
      const isLost = /^(DISCONNECTED|CANCELLED) (never|maybe)$/u.test(outcome);
      if (!isEcho && !isLost) this.#stage.violate(`${actor.label}: ${outcome}`);
    };
    // The completion of a cancelled one comes later: at once is never.
    if (between(this.#stage.random, 0, 9) === 0) {
      setImmediate(() => actor.endpoint.cancel(started.ticket));
    }
    return true;
  }

  #hear(item: ReceivedMessage | ReceivedTransaction, bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const [epoch, order] = [view.getUint32(0), view.getUint32(4)];
    if (epoch !== this.#epoch) this.#heardThrough = 0;
    this.#epoch = epoch;
    const { label, endpoint } = this.actor;
    if (epoch !== endpoint.epoch) this.#stage.violate(`${label}: of epoch ${epoch}`);
    // A request that was cancelled before it was sent whole leaves a gap.
    if (order <= this.#heardThrough) this.#stage.violate(`${label}: ${order} out of order`);
    this.#heardThrough = order;
    const content = bytes.subarray(headBytes);
    const isRight = describeBytes(content) === describeBytes(contentOf(order, view.getUint32(8)));
    if (!isRight) this.#stage.violate(`${label}: request ${order} is damaged`);
    this.#held.push(item);
    this.#letGo(this.#isFinishing ? 0 : between(this.#stage.random, 0, 5));
  }

  /** Completes held items, in any order, until `count` are left. */
  #letGo(count: number): void {
    while (this.#held.length > count) {
      const index = between(this.#stage.random, 0, this.#held.length - 1);
      const [item] = this.#held.splice(index, 1);
      if (item !== undefined && 'parameters' in item) item.complete(item.parameters);
      else item?.complete();
    }
  }
}

function mix(fact: string, count: number, severs: number): Scenario {
  return {
    fact,
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      const parties = [new Party(stage, front), new Party(stage, back)] as const;
      const submitted = Promise.all(parties.map((party) => party.submit(count)));
      for (let round = 0; round < severs; round++) {
        const heard = front.messageCount + back.messageCount;
        await stage.until('traffic', () => front.messageCount + back.messageCount > heard + 3);
        stage.world.sever();
      }
      const isDone = submitted.then(() => true);
      let isSubmitted = false;
      void isDone.then(() => (isSubmitted = true));
      const isSettled = (): boolean =>
        isSubmitted && parties.every((party) => party.settledCount === party.startedCount);
      await Promise.all(parties.map((party) => party.finish(isSettled)));
      await isDone;
      await Promise.all(parties.map(({ actor }) => actor.endpoint.whenFlushed().catch(() => null)));
      for (const { actor } of parties) {
        const counts = actor.endpoint.statistics();
        stage.equal(counts.transactionsSubmitted, counts.transactionsSettled, 'settled');
      }
      stage.mute();
      stage.note('everything settled once');
    },
  };
}

export const mixingScenarios: readonly Scenario[] = [
  mix('mixed traffic both ways: in submit order, whole, and settled once', 150, 0),
  mix('mixed traffic over severed links: nothing stale, nothing twice, nothing lost', 200, 5),
];
