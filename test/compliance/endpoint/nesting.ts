/** Nesting: drivers that ask each other, in pairs and in chains; nobody hangs (V8, V15). */
import { ErrorCode, IdcError, type ReceivedTransaction } from '../../../core/index.js';
import type { Actor } from './actor.js';
import { contentOf, decodeNumber, encodeNumber } from './content.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

const one = { transactions: 1, messages: 1 };

/** Answers a request that still has hops to go with the answer of the next hop plus one. */
function relay(actor: Actor, next: (hops: number) => Actor): void {
  actor.isVerbose = false;
  actor.onTransaction = (transaction) => {
    const hops = decodeNumber(transaction.parameters);
    if (hops === 0) transaction.complete(encodeNumber(0));
    else void pass(transaction, next(hops), hops - 1);
  };
}

async function pass(transaction: ReceivedTransaction, to: Actor, hops: number): Promise<void> {
  try {
    const status = await to.endpoint.submitTransaction(encodeNumber(hops));
    transaction.complete(encodeNumber(decodeNumber(status) + 1));
  } catch (error) {
    // Without a slot the relay says so, with a code of its own; nobody waits for one.
    const isQuota = error instanceof IdcError && error.code === ErrorCode.Quota;
    const inner = error instanceof IdcError ? (error.remoteCode ?? -1) : -1;
    transaction.complete(new Uint8Array(0), isQuota ? 1 : inner);
  }
}

/** Domains in a ring, each with an endpoint to the next one, by number; with `lanes` of them. */
async function makeRing(stage: Stage, count: number, lanes: number): Promise<Actor[][]> {
  const domains = Array.from({ length: count }, (_none, index) => stage.domain(`d${index}`));
  const toNext: Actor[][] = [];
  for (const [index, domain] of domains.entries()) {
    const next = (index + 1) % count;
    const target = domains[next];
    if (target === undefined) throw new Error('the ring has a next one');
    const fronts: Actor[] = [];
    for (let lane = 0; lane < lanes; lane++) {
      const service = await stage.listen(target, `hop${index}-${lane}`, {
        quota: one,
        cast: (actor) => {
          relay(actor, (hops) => toNext[next]?.[Math.min(hops, lanes) - 1] ?? actor);
          return undefined;
        },
      });
      const front = stage.dial(domain, `d${index}-${lane}`, service.address, { quota: one });
      await stage.connected(front, service);
      fronts.push(front);
    }
    toNext.push(fronts);
  }
  return toNext;
}

/** Every domain of the ring starts a chain at once. */
function askAll(ring: Actor[][], lane: number, hops: number): Promise<string[]> {
  const starters = ring.flatMap((lanes) => lanes.slice(lane, lane + 1));
  return Promise.all(starters.map((front) => front.ask(encodeNumber(hops))));
}

export const nestingScenarios: readonly Scenario[] = [
  {
    fact: 'symmetric drivers across one interface, quota 1: each asks back while it is asked',
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: { quota: one }, back: { quota: one } });
      for (const [actor, other] of [
        [front, back],
        [back, front],
      ] as const) {
        relay(actor, () => actor);
        for (let round = 0; round < 20; round++) {
          const both = [front.ask(encodeNumber(0)), back.ask(encodeNumber(0))];
          stage.equal(new Set(await Promise.all(both)).size, 1, 'both are answered');
        }
        // The answer needs a question back to the asker, whose only slot is in use the other way.
        await actor.askAloud('nested', encodeNumber(1));
        stage.equal(other.requestCount > 0, true, 'the other one was asked');
      }
    },
  },
  {
    fact: 'both ends ask at once, each answer needs a question back: QUOTA at once, all ends',
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: { quota: one }, back: { quota: one } });
      for (const actor of [front, back]) relay(actor, () => actor);
      const outcomes = await Promise.all([front.ask(encodeNumber(1)), back.ask(encodeNumber(1))]);
      stage.equal(
        outcomes.every((outcome) => /^(OK|REMOTE)/u.test(outcome)),
        true,
        outcomes.join(),
      );
      await front.askAloud('afterwards', encodeNumber(0));
      await back.askAloud('afterwards', encodeNumber(0));
    },
  },
  {
    fact: 'a ring of 4 domains, an endpoint per hop, quota 1: every chain completes',
    play: async (stage) => {
      const hops = 4;
      const ring = await makeRing(stage, 4, hops);
      for (let round = 0; round < 10; round++) {
        const outcomes = await askAll(ring, hops - 1, hops - 1);
        stage.equal(new Set(outcomes).size, 1, 'every chain has the same answer');
        if (round === 0) stage.note(outcomes.join(', '));
      }
    },
  },
  {
    fact: 'a ring of 4 domains, one endpoint per pair, quota 1: QUOTA answers, and all ends',
    play: async (stage) => {
      const ring = await makeRing(stage, 4, 1);
      for (let round = 0; round < 10; round++) {
        const outcomes = await askAll(ring, 0, 6);
        for (const outcome of outcomes) {
          stage.check(/^(OK|REMOTE 1|QUOTA)/u.test(outcome), outcome);
        }
      }
      const [first] = ring;
      await first?.[0]?.askAloud('alone', encodeNumber(2));
    },
  },
  {
    fact: 'two endpoints to one peer are independent: one is stuck, the other goes on',
    play: async (stage) => {
      const service = await stage.listen(stage.domain('back'), 'service');
      const domain = stage.domain('front');
      const stuck = stage.dial(domain, 'stuck', service.address, { quota: one });
      const stuckBack = await stage.connected(stuck, service);
      const free = stage.dial(domain, 'free', service.address, { quota: one });
      await stage.until('it has its own', () => service.actors.length === 2);
      await stage.connected(free, service);
      const held: { complete(): void }[] = [];
      stuckBack.onMessage = (message) => held.push(message);
      stuckBack.onTransaction = (transaction) => held.push(transaction);
      stuck.send(contentOf(1, 1));
      stuck.send(contentOf(2, 2));
      const asked = stuck.askAloud('asked', contentOf(3, 3));
      for (let index = 0; index < 50; index++) {
        await free.post(contentOf(index, index));
        await free.endpoint.whenFlushed();
        await free.askAloud('asked', contentOf(index, index));
      }
      stage.equal(held.length, 2, 'what is stuck');
      for (const item of held) item.complete();
      await asked;
    },
  },
];
