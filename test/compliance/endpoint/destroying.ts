/** Destroying: in every state and from every handler, with and without the client's help. */
import type { ReceivedMessage, ReceivedTransaction } from '../../../core/index.js';
import type { Actor } from './actor.js';
import { contentOf } from './content.js';
import { Gate } from './gate.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

type Place = 'appear' | 'connect' | 'disconnect' | 'disappear' | 'message' | 'transaction';

/** Plays until the front's handler at `place` was called; the listener goes for the last two. */
async function provoke(stage: Stage, place: Place, front: Actor): Promise<void> {
  const service = await stage.listen(stage.domain('back'), 'service', {
    cast: (back) => {
      back.onConnect = () => {
        back.send(contentOf(1, 1));
        void back.ask(contentOf(2, 2)).then((outcome) => {
          back.note(`asked: ${outcome}`);
        });
      };
      return undefined;
    },
  });
  const domain = stage.domain('front');
  front.attach(domain.createEndpoint(service.address, front.handlers()));
  if (place !== 'disconnect' && place !== 'disappear') return;
  await stage.until('both asked', () => front.requestCount === 1);
  await stage.until('answered', () => service.actors[0]?.lines.length === 3);
  await service.listener.close();
}

function destroysIn(place: Place): Scenario {
  return {
    fact: `destroy in the ${place} handler`,
    play: async (stage) => {
      const front = stage.actor('front');
      let destroyed: Promise<void> | undefined;
      const act = (): void => {
        destroyed = front.endpoint.destroy();
      };
      if (place === 'appear') front.onAppear = act;
      if (place === 'connect') front.onConnect = act;
      if (place === 'disconnect') front.onDisconnect = act;
      if (place === 'disappear') front.onDisappear = act;
      front.onMessage = (message) => {
        if (place === 'message') act();
        message.complete();
      };
      front.onTransaction = (transaction) => {
        if (place === 'transaction') act();
        transaction.complete();
      };
      await provoke(stage, place, front);
      await stage.until('destroy was called', () => destroyed !== undefined);
      await destroyed;
      stage.equal(front.endpoint.state, 'destroyed', 'state');
      stage.check(front.isDestroyed, 'destroy resolves last');
      // What still arrived before, and how far the back came, depends on time.
      if (place !== 'disconnect' && place !== 'disappear') stage.mute();
      stage.note('destroyed');
    },
  };
}

export const destroyingScenarios: readonly Scenario[] = [
  destroysIn('appear'),
  destroysIn('connect'),
  destroysIn('disconnect'),
  destroysIn('disappear'),
  destroysIn('message'),
  destroysIn('transaction'),
  {
    fact: 'absent: destroyed, and nothing else',
    play: async (stage) => {
      const front = stage.dial(
        stage.domain('front'),
        'front',
        await stage.world.vacantAddress('service'),
      );
      await front.endpoint.destroy();
      const tried = stage.dial(
        stage.domain('front'),
        'tried',
        await stage.world.vacantAddress('service'),
      );
      await stage.until('it tried', () => tried.attempts.length >= 2);
      await tried.endpoint.destroy();
    },
  },
  {
    fact: 'appeared, while the peer drains: disappear, destroyed; the peer is told at once',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const held: ReceivedMessage[] = [];
      back.onMessage = (message) => held.push(message);
      front.send(contentOf(1, 1));
      await stage.until('it is held', () => held.length === 1);
      stage.world.sever();
      await stage.until('the front waits', () => {
        return front.endpoint.explain().includes('the peer to drain');
      });
      await front.endpoint.destroy();
      stage.check(!back.isDestroyed, 'the back still drains');
      held[0]?.complete();
      await stage.seen(back, 'destroyed');
    },
  },
  {
    fact: 'draining: waits for its own client, then disappear, destroyed',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const held: ReceivedMessage[] = [];
      back.onMessage = (message) => held.push(message);
      front.send(contentOf(1, 1));
      await stage.until('it is held', () => held.length === 1);
      stage.tap.cut('front');
      stage.world.sever();
      await stage.until('the back lost it', () => back.endpoint.state === 'draining');
      const destroyed = back.endpoint.destroy();
      await stage.turns(5);
      stage.equal(back.endpoint.state, 'drainingFinal', 'it waits for its client');
      back.note('lets go');
      held[0]?.complete();
      await destroyed;
      await stage.until('the front lost it', () => front.disconnects.length === 1);
    },
  },
  {
    fact: 'drainMs: a client that never completes is abandoned, and nothing is called later',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const messages: ReceivedMessage[] = [];
      const requests: ReceivedTransaction[] = [];
      back.onMessage = (message) => messages.push(message);
      back.onTransaction = (transaction) => requests.push(transaction);
      const gate = new Gate();
      back.onDisconnect = () => gate.opened;
      front.send(contentOf(1, 1));
      const asked = front.askAloud('asked', contentOf(2, 2));
      await stage.until('both are held', () => messages.length + requests.length === 2);
      stage.tap.cut('front');
      await back.endpoint.destroy({ drainMs: 10 });
      await asked;
      messages[0]?.complete();
      requests[0]?.complete(contentOf(3, 3));
      gate.open();
      await stage.seen(front, 'disappear');
      await stage.turns(5);
    },
  },
  {
    fact: 'a second destroy answers the same promise',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const first = front.endpoint.destroy();
      stage.check(front.endpoint.destroy({ drainMs: 1 }) === first, 'the same one');
      await first;
      stage.check(front.endpoint.destroy() === first, 'the same one afterwards');
      await stage.seen(back, 'destroyed');
    },
  },
  {
    fact: 'submit before connect is NOT_CONNECTED, after destroy DESTROYED; both never',
    play: async (stage) => {
      const service = await stage.listen(stage.domain('back'), 'service');
      const front = stage.dial(stage.domain('front'), 'front', service.address);
      const submit = async (when: string): Promise<void> => {
        front.note(when);
        front.send(contentOf(1, 1));
        front.start(contentOf(1, 1));
        await front.askAloud('asked', contentOf(1, 1));
      };
      const before = submit('before connect');
      await before;
      const back = await stage.connected(front, service);
      const destroyed = front.endpoint.destroy();
      await submit('destroy was called');
      await destroyed;
      await submit('after destroy');
      await stage.seen(back, 'destroyed');
      front.lines.sort();
    },
  },
  {
    fact: 'destroyed at any moment of the handshake, nothing is left',
    play: async (stage) => {
      const service = await stage.listen(stage.domain('back'), 'service');
      const domain = stage.domain('front');
      for (let turns = 0; turns < 40; turns++) {
        const front = stage.dial(domain, `front ${turns}`, service.address);
        await stage.turns(turns);
        await front.endpoint.destroy();
      }
      await stage.until('the back let go of all', () => service.listener.endpoints.length === 0);
      stage.mute();
      const last = stage.dial(domain, 'last', service.address);
      await stage.connected(last, service);
    },
  },
  {
    fact: 'domain.close with everything open leaves nothing',
    play: async (stage) => {
      const { front, back, frontDomain, backDomain } = await stage.pair();
      const held: ReceivedMessage[] = [];
      back.onMessage = (message) => held.push(message);
      front.send(contentOf(1, 1));
      await stage.until('it is held', () => held.length === 1);
      const lost = stage.dial(backDomain, 'lost', await stage.world.vacantAddress('nobody'));
      const closing = backDomain.close({ drainMs: 10 });
      stage.check(backDomain.close() === closing, 'a second close answers the same promise');
      await closing;
      stage.check(back.isDestroyed && lost.isDestroyed, 'all its endpoints are destroyed');
      await stage.seen(front, 'disappear');
      await frontDomain.close();
      stage.check(front.isDestroyed, 'the front, too');
    },
  },
];
