/** Draining: what a client still holds of an ended epoch delays its own next connect, only that. */
import type { ReceivedMessage, ReceivedTransaction } from '../../../core/index.js';
import type { Actor } from './actor.js';
import { contentOf } from './content.js';
import { Gate } from './gate.js';
import type { Scenario } from './scenario.js';
import type { Pair, Stage } from './stage.js';

/** A second connection between the same domains; its return shows that time has passed. */
async function addWitness(stage: Stage, pair: Pair): Promise<() => Promise<void>> {
  const service = await stage.listen(pair.backDomain, 'witness');
  const front = stage.dial(pair.frontDomain, 'witness', service.address);
  const back = await stage.connected(front, service);
  return async () => {
    const next = front.endpoint.epoch + 1;
    stage.world.sever();
    await stage.seen(front, `connect ${next}`);
    await stage.seen(back, `connect ${next}`);
    await front.askAloud('the witness goes on', contentOf(next, 3));
  };
}

/** Whoever holds something through a severed link connects only after letting go. */
function holds(who: 'front' | 'back', what: 'message' | 'transaction'): Scenario {
  return {
    fact: `a ${what} held through a severed link holds back the next connect (${who} end)`,
    play: async (stage) => {
      const pair = await stage.pair();
      const [holder, other] = who === 'front' ? [pair.front, pair.back] : [pair.back, pair.front];
      const severAndReturn = await addWitness(stage, pair);
      const held: (ReceivedMessage | ReceivedTransaction)[] = [];
      holder.onMessage = (message) => held.push(message);
      holder.onTransaction = (transaction) => held.push(transaction);
      const asked = what === 'message' ? undefined : other.askAloud('asked', contentOf(1, 4));
      if (asked === undefined) other.send(contentOf(1, 4));
      await stage.until('it is held', () => held.length === 1);
      await severAndReturn();
      await stage.until('the other one is back, too', () => other.endpoint.state === 'appeared');
      await asked;
      stage.equal(holder.endpoint.state, 'draining', 'the holder');
      const explained = holder.endpoint.explain();
      stage.check(explained.includes(`1 received ${what}(s) to be completed here`), explained);
      await stage.until('the other one says what it waits for', () => {
        return other.endpoint.explain().includes('the peer to drain');
      });
      holder.note('lets go');
      held[0]?.complete();
      await stage.seen(holder, 'connect 2');
      await stage.seen(other, 'connect 2');
      holder.onTransaction = (transaction) => {
        transaction.complete(contentOf(3, 6));
      };
      await other.askAloud('asked again', contentOf(2, 5));
    },
  };
}

function delays(who: 'handler' | 'observer'): Scenario {
  return {
    fact: `a promise of the disconnect ${who} delays the next connect`,
    play: async (stage) => {
      const pair = await stage.pair();
      const { front, back } = pair;
      const severAndReturn = await addWitness(stage, pair);
      const gates = new Map<Actor, Gate>();
      for (const actor of [front, back]) {
        const gate = new Gate();
        gates.set(actor, gate);
        if (who === 'handler') {
          actor.onDisconnect = () => gate.opened;
        } else {
          actor.endpoint.lifecycle$.subscribe((event) => {
            if (event.type === 'disconnect') event.waitUntil(gate.opened);
          });
        }
      }
      await severAndReturn();
      await severAndReturn();
      for (const actor of [front, back]) {
        stage.equal(actor.endpoint.state, 'draining', actor.label);
        const explained = actor.endpoint.explain();
        stage.check(explained.includes('1 disconnect handler(s)'), explained);
        actor.note('done');
        gates.get(actor)?.open();
      }
      await stage.seen(front, 'connect 2');
      await stage.seen(back, 'connect 2');
    },
  };
}

export const drainingScenarios: readonly Scenario[] = [
  holds('back', 'message'),
  holds('back', 'transaction'),
  holds('front', 'message'),
  holds('front', 'transaction'),
  delays('handler'),
  delays('observer'),
  {
    fact: 'the end of an epoch fires the signal of a held transaction; its answer goes nowhere',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const held: ReceivedTransaction[] = [];
      back.onTransaction = (transaction) => held.push(transaction);
      const asked = front.askAloud('asked', contentOf(1, 1));
      await stage.until('it is held', () => held.length === 1);
      const [transaction] = held;
      transaction?.signal.addEventListener('abort', () => {
        back.note('the signal fires');
      });
      stage.world.sever();
      await asked;
      await stage.until('the back lost it', () => back.disconnects.length === 1);
      stage.equal(transaction?.signal.aborted, true, 'aborted');
      transaction?.complete(contentOf(2, 2));
      await stage.seen(front, 'connect 2');
      await stage.seen(back, 'connect 2');
      back.onTransaction = (next) => {
        next.complete(contentOf(3, 3));
      };
      await front.askAloud('asked again', contentOf(1, 1));
    },
  },
  {
    fact: 'the peer of a slow drain can be destroyed, and the drain then ends alone',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const held: ReceivedMessage[] = [];
      back.onMessage = (message) => held.push(message);
      front.send(contentOf(1, 1));
      await stage.until('it is held', () => held.length === 1);
      await front.endpoint.destroy();
      await stage.until('the back lost it', () => back.disconnects.length === 1);
      stage.check(!back.isDestroyed, 'the back still drains');
      back.note('lets go');
      held[0]?.complete();
      await stage.seen(back, 'destroyed');
    },
  },
  {
    fact: 'disconnect is told after everything submitted has settled',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const held: ReceivedTransaction[] = [];
      back.onTransaction = (transaction) => held.push(transaction);
      const started = await front.begin(contentOf(1, 1));
      started.onSettled = (outcome) => {
        front.note(outcome);
      };
      front.onDisconnect = () => {
        stage.equal(started.settledCount, 1, 'settled before disconnect');
      };
      await stage.until('it is held', () => held.length === 1);
      stage.world.sever();
      await stage.until('the back lost it', () => back.disconnects.length === 1);
      held[0]?.complete();
      await stage.seen(front, 'connect 2');
      await stage.seen(back, 'connect 2');
    },
  },
];
