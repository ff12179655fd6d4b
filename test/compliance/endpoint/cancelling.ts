/** Cancelling: giving a transaction up, and what is known of it then. */
import type { ReceivedTransaction, Runtime } from '../../../core/index.js';
import { StandingTime } from '../standing-time.js';
import type { Actor } from './actor.js';
import { contentOf } from './content.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

const oneSlot = { quota: { transactions: 1 } };

/** The next request that the actor is given; it keeps it. */
async function heldBy(stage: Stage, actor: Actor): Promise<ReceivedTransaction> {
  const held: ReceivedTransaction[] = [];
  actor.onTransaction = (transaction) => held.push(transaction);
  await stage.until('the handler runs', () => held.length === 1);
  const [transaction] = held;
  if (transaction === undefined) throw new Error('it is held');
  return transaction;
}

/** A pair whose front has one slot, and `runtime`. */
async function oneSlotPair(
  stage: Stage,
  runtime: Runtime,
): Promise<{ readonly front: Actor; readonly back: Actor }> {
  const service = await stage.listen(stage.domain('back'), 'service');
  const front = stage.dial(stage.domain('front', { runtime }), 'front', service.address, oneSlot);
  return { front, back: await stage.connected(front, service) };
}

/** After the flushed handler let go, the slot serves the next transaction. */
async function askWhenFree(front: Actor, back: Actor): Promise<void> {
  back.onTransaction = (transaction) => {
    transaction.complete(transaction.parameters);
  };
  await front.endpoint.whenWritable({ kind: 'transaction', byteLength: 8 });
  await front.askAloud('asked again', contentOf(8, 8));
}

export const cancellingScenarios: readonly Scenario[] = [
  {
    fact: 'a signal that has fired already: CANCELLED never, nothing is submitted',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      await front.askAloud('asked', contentOf(1, 1), { signal: AbortSignal.abort() });
      await front.askAloud('asked', contentOf(2, 2));
      stage.equal(back.requestCount, 1, 'requests');
      stage.equal(front.endpoint.statistics().transactionsSubmitted, 1, 'submitted');
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: asked: CANCELLED never',
      'front: asked: OK, 2 bytes d1e0b2a5',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 2 bytes d1e0b2a5',
    ],
  },
  {
    fact: 'cancelled while the handler runs: its signal fires, maybe; the slot waits for it',
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: oneSlot });
      const abort = new AbortController();
      const asked = front.askAloud('asked', contentOf(1, 1), { signal: abort.signal });
      const held = await heldBy(stage, back);
      stage.check(!held.signal.aborted, 'nobody gave up yet');
      held.signal.addEventListener('abort', () => {
        back.note('the signal fires');
      });
      abort.abort();
      await asked;
      await front.askAloud('while the handler runs', contentOf(2, 2));
      held.complete(contentOf(3, 3));
      back.note('let go');
      await askWhenFree(front, back);
      stage.equal(back.endpoint.statistics().transactionsFlushed, 1, 'flushed');
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: asked: CANCELLED maybe',
      'front: while the handler runs: QUOTA never',
      'front: asked again: OK, 8 bytes 61db609f',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: the signal fires',
      'service<0: let go',
      'service<0: request, 8 bytes 61db609f',
    ],
  },
  {
    fact: 'the hot form: cancel answers whether it was pending; settles once',
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: oneSlot });
      const started = front.start(contentOf(1, 1));
      const held = await heldBy(stage, back);
      front.note(`cancel ${front.endpoint.cancel(started.ticket)}`);
      front.note(`cancel again ${front.endpoint.cancel(started.ticket)}`);
      front.note(await started.settled.opened);
      front.note(`cancel afterwards ${front.endpoint.cancel(started.ticket)}`);
      held.complete();
      const next = await front.begin(contentOf(2, 2));
      const heldNext = await heldBy(stage, back);
      front.note(`cancel of an old ticket ${front.endpoint.cancel(started.ticket)}`);
      heldNext.complete(contentOf(4, 4));
      front.note(await next.settled.opened);
      await askWhenFree(front, back);
      front.note(`cancel of an old ticket ${front.endpoint.cancel(started.ticket)}`);
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: cancel true',
      'front: cancel again false',
      'front: CANCELLED maybe',
      'front: cancel afterwards false',
      'front: cancel of an old ticket false',
      'front: OK done, 4 bytes 9fb6d3f7',
      'front: asked again: OK, 8 bytes 61db609f',
      'front: cancel of an old ticket false',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 2 bytes d1e0b2a5',
      'service<0: request, 8 bytes 61db609f',
    ],
  },
  {
    fact: 'a reply that was there first stands',
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: oneSlot });
      const started = front.start(contentOf(1, 1));
      front.note(`cancel ${front.endpoint.cancel(started.ticket)}`);
      front.note(await started.settled.opened);
      await askWhenFree(front, back);
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: cancel true',
      'front: OK done, 1 bytes c20bf3a6',
      'front: asked again: OK, 8 bytes 61db609f',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 8 bytes 61db609f',
    ],
  },
  {
    fact: 'an abort after the answer changes nothing',
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: oneSlot });
      const abort = new AbortController();
      await front.askAloud('asked', contentOf(1, 1), { signal: abort.signal });
      abort.abort();
      await askWhenFree(front, back);
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: asked: OK, 1 bytes c20bf3a6',
      'front: asked again: OK, 8 bytes 61db609f',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 8 bytes 61db609f',
    ],
  },
  {
    fact: 'cancelled when only partly sent: never, and no handler sees it',
    play: async (stage) => {
      const quota = { transactions: 1, parameterBytes: 8 * 2 ** 20, statusBytes: 64 };
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      for (let round = 0; round < 3; round++) {
        const started = front.start(contentOf(round, quota.parameterBytes));
        if (round > 0) await stage.turns(round);
        front.note(`cancel ${front.endpoint.cancel(started.ticket)}`);
        front.note(await started.settled.opened);
        await front.endpoint.whenWritable({
          kind: 'transaction',
          byteLength: quota.parameterBytes,
        });
      }
      back.onTransaction = (transaction) => {
        transaction.complete();
      };
      await front.askAloud('asked', contentOf(1, 5));
      stage.equal(back.requestCount, 1, 'requests');
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: cancel true',
      'front: CANCELLED never',
      'front: cancel true',
      'front: CANCELLED never',
      'front: cancel true',
      'front: CANCELLED never',
      'front: asked: OK, 0 bytes 811c9dc5',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 5 bytes d5d98ef6',
    ],
  },
  {
    fact: 'a time limit: TIMEOUT maybe while the handler runs',
    play: async (stage) => {
      const time = new StandingTime();
      const { front, back } = await oneSlotPair(stage, time.runtime);
      time.stop();
      const asked = front.askAloud('asked', contentOf(1, 1), { timeoutMs: 10 });
      const held = await heldBy(stage, back);
      time.goOn();
      await asked;
      stage.check(held.signal.aborted, 'the handler is told');
      held.complete();
      await askWhenFree(front, back);
      time.stop();
      const started = front.start(contentOf(2, 2), 10);
      const heldAgain = await heldBy(stage, back);
      time.goOn();
      front.note(await started.settled.opened);
      heldAgain.complete();
      await askWhenFree(front, back);
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: asked: TIMEOUT maybe',
      'front: asked again: OK, 8 bytes 61db609f',
      'front: TIMEOUT maybe',
      'front: asked again: OK, 8 bytes 61db609f',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 8 bytes 61db609f',
      'service<0: request, 2 bytes d1e0b2a5',
      'service<0: request, 8 bytes 61db609f',
    ],
  },
  {
    fact: 'an answer within the time limit, and no limit by choice',
    play: async (stage) => {
      const { front } = await stage.pair();
      await front.askAloud('a long limit', contentOf(1, 1), { timeoutMs: 15_000 });
      await front.askAloud('no limit', contentOf(2, 2), { timeoutMs: Infinity });
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: a long limit: OK, 1 bytes c20bf3a6',
      'front: no limit: OK, 2 bytes d1e0b2a5',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 2 bytes d1e0b2a5',
    ],
  },
  {
    fact: 'given up, then the epoch ends: settled once, and the handler still holds the drain',
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: oneSlot });
      const started = front.start(contentOf(1, 1));
      const held = await heldBy(stage, back);
      front.endpoint.cancel(started.ticket);
      front.note(await started.settled.opened);
      stage.world.sever();
      await stage.until('the back lost it', () => back.disconnects.length === 1);
      held.complete();
      await stage.seen(front, 'connect 2');
      await stage.seen(back, 'connect 2');
      await askWhenFree(front, back);
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: CANCELLED maybe',
      'front: disconnect 1 DISCONNECTED submitted 1 handled 1 never 2',
      'front: connect 2',
      'front: asked again: OK, 8 bytes 61db609f',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: disconnect 1 DISCONNECTED submitted 0 handled 0 never 1',
      'service<0: connect 2',
      'service<0: request, 8 bytes 61db609f',
    ],
  },
];
