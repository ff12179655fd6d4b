/** Listening: listeners that come late, go, come back, and share an address. */
import { createRuntime, type IdcError } from '../../../core/index.js';
import { contentOf } from './content.js';
import { besides } from './refusing.js';
import type { Scenario } from './scenario.js';

export const listeningScenarios: readonly Scenario[] = [
  {
    fact: 'a listener that starts later than the dialler is found',
    play: async (stage) => {
      const address = await stage.world.vacantAddress('service');
      const front = stage.dial(stage.domain('front'), 'front', address);
      await stage.until('it tried', () => front.attempts.length >= 2);
      stage.equal(front.endpoint.state, 'absent', 'state');
      const service = await stage.listen(stage.domain('back'), 'service', { address });
      await stage.connected(front, service);
    },
  },
  {
    fact: 'a listener that closes says goodbye for good; opened again, it is found again',
    play: async (stage) => {
      const address = await stage.world.vacantAddress('service');
      const domain = stage.domain('back');
      const first = await stage.listen(domain, 'service', { address });
      const front = stage.dial(stage.domain('front'), 'front', address);
      const firstBack = await stage.connected(front, first);
      await first.listener.close();
      await stage.seen(front, 'disappear');
      stage.check(firstBack.isDestroyed, 'its endpoint is destroyed');
      const second = await stage.listen(domain, 'service', { address });
      await stage.seen(front, 'connect 2');
      await stage.connected(front, second);
    },
  },
  {
    fact: 'several services share one listening address',
    play: async (stage) => {
      const backDomain = stage.domain('back');
      const disk = await stage.listen(backDomain, 'disk');
      const address = besides(disk.address, 'console');
      const console = await stage.listen(backDomain, 'console', { address });
      const frontDomain = stage.domain('front');
      const diskFront = stage.dial(frontDomain, 'disk', disk.address, { name: 'same' });
      await stage.connected(diskFront, disk);
      const consoleFront = stage.dial(frontDomain, 'console', address, { name: 'same' });
      await stage.connected(consoleFront, console);
      await diskFront.askAloud('asked', contentOf(1, 1));
      await disk.listener.close();
      await stage.seen(diskFront, 'disappear');
      await consoleFront.askAloud('asked', contentOf(2, 2));
      stage.equal(console.actors.length, 1, 'endpoints of the console');
    },
  },
  {
    fact: 'a listener keeps a local endpoint for every remote one',
    play: async (stage) => {
      const service = await stage.listen(stage.domain('back'), 'service');
      for (let index = 0; index < 5; index++) {
        const front = stage.dial(stage.domain(`front ${index}`), `front ${index}`, service.address);
        await stage.until('another one', () => service.actors.length === index + 1);
        await stage.connected(front, service);
        front.send(contentOf(index, index));
        await front.endpoint.whenFlushed();
      }
      stage.equal(service.listener.endpoints.length, 5, 'endpoints');
    },
  },
  {
    fact: 'an address in use: ready says so, and trying goes on until it is free',
    play: async (stage) => {
      const first = await stage.listen(stage.domain('first'), 'service');
      const second = stage.offer(stage.domain('second'), 'service', { address: first.address });
      const cause = await second.listener.ready.then(
        () => 'none',
        (error: unknown) => (error as IdcError).code, // It is documented to be one.
      );
      stage.equal(cause, 'ADDRESS_IN_USE', 'cause');
      const front = stage.dial(stage.domain('front'), 'front', first.address);
      await stage.connected(front, first);
      await first.listener.close();
      await stage.seen(front, 'connect 2');
      await stage.connected(front, second);
    },
  },
  {
    fact: 'a timer of the platform that fires early loses no time limit',
    play: async (stage) => {
      const real = createRuntime();
      const { scheduler } = real;
      const hasty = {
        ...real,
        scheduler: {
          soon: scheduler.soon.bind(scheduler),
          next: scheduler.next.bind(scheduler),
          after: (delayMs: number, task: () => void) => scheduler.after(delayMs / 2, task),
        },
      };
      const backDomain = stage.domain('back', { runtime: hasty });
      const service = await stage.listen(backDomain, 'service');
      const front = stage.dial(stage.domain('front', { runtime: hasty }), 'front', service.address);
      await stage.connected(front, service);
    },
  },
  {
    fact: 'loopback: one domain is both ends',
    play: async (stage) => {
      const domain = stage.domain('both');
      const service = await stage.listen(domain, 'service');
      const front = stage.dial(domain, 'front', service.address);
      const back = await stage.connected(front, service);
      await front.askAloud('asked', contentOf(1, 5));
      await back.askAloud('asked', contentOf(2, 6));
      stage.equal(front.endpoint.peer?.domainId, domain.id, 'the peer is itself');
      stage.world.sever();
      await stage.seen(front, 'connect 2');
      await stage.seen(back, 'connect 2');
    },
  },
];
