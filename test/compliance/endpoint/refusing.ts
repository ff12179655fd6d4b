/** Refusing: who is turned away is told why, keeps trying, and is let in when that changes. */
import type { OfferRefusalCode } from '../../../core/index.js';
import { contentOf } from './content.js';
import type { Scenario } from './scenario.js';

/** The address of another service behind the same listener. */
export function besides(address: string, service: string): string {
  return address.replace(/[^/]*$/u, service);
}

function refusedBy(code: OfferRefusalCode): Scenario {
  return {
    fact: `offer.refuse(${code}) is an attempt event; accepted when the policy changes`,
    play: async (stage) => {
      let answer: OfferRefusalCode | undefined = code;
      const service = await stage.listen(stage.domain('back'), 'service', {
        cast: () => answer,
      });
      const front = stage.dial(stage.domain('front'), 'front', service.address);
      await stage.until('refused twice', () => front.attempts.length >= 2);
      stage.equal([...new Set(front.attempts)], [code], 'faults');
      stage.equal(front.endpoint.lastFault, code, 'last fault');
      stage.equal(front.lines, [], 'nothing else was told');
      answer = undefined;
      await stage.connected(front, service);
    },
  };
}

export const refusingScenarios: readonly Scenario[] = [
  refusedBy('REFUSED'),
  refusedBy('ACCESS_DENIED'),
  refusedBy('EXHAUSTED'),
  {
    fact: 'a service that nobody offers is REFUSED until somebody does',
    play: async (stage) => {
      const domain = stage.domain('back');
      const early = await stage.listen(domain, 'early');
      const address = besides(early.address, 'late');
      const front = stage.dial(stage.domain('front'), 'front', address);
      await stage.until('refused', () => front.attempts.includes('REFUSED'));
      front.note(`attempts end ${[...new Set(front.attempts)].join()}`);
      const late = await stage.listen(domain, 'late', { address });
      await stage.connected(front, late);
      stage.equal(early.actors.length, 0, 'endpoints of the other service');
    },
  },
  {
    fact: 'authorise decides before the listener sees the peer: ACCESS_DENIED, then let in',
    play: async (stage) => {
      let isWelcome = false;
      const asked = new Set<string>();
      const backDomain = stage.domain('back', {
        authorise: (peer, service, action) => {
          asked.add(`${peer.domainName} ${peer.endpointName} ${service} ${action}`);
          return isWelcome;
        },
      });
      let offers = 0;
      const service = await stage.listen(backDomain, 'service', {
        cast: () => {
          offers++;
          return undefined;
        },
      });
      const front = stage.dial(stage.domain('front'), 'front', service.address);
      await stage.until('denied', () => front.attempts.includes('ACCESS_DENIED'));
      stage.equal(offers, 0, 'offers');
      isWelcome = true;
      await stage.connected(front, service);
      stage.equal(offers, 1, 'offers');
      front.note(`asked about ${[...asked].join('; ')}`);
    },
  },
  {
    fact: 'denied on return: disappear; let in again on the same endpoint',
    play: async (stage) => {
      let isWelcome = true;
      const backDomain = stage.domain('back', { authorise: () => isWelcome });
      const service = await stage.listen(backDomain, 'service', { limits: { lingerMs: 20 } });
      const front = stage.dial(stage.domain('front'), 'front', service.address);
      const back = await stage.connected(front, service);
      isWelcome = false;
      stage.world.sever();
      await stage.seen(front, 'disappear');
      await stage.seen(back, 'disappear');
      isWelcome = true;
      await stage.seen(front, 'connect 2');
      await stage.seen(back, 'connect 2');
      stage.equal(service.actors.length, 1, 'endpoints of the listener');
    },
  },
  {
    fact: 'a refusal retries at the slow end of the back-off',
    play: async (stage) => {
      const service = await stage.listen(stage.domain('back'), 'service', {
        cast: () => 'REFUSED',
      });
      const domain = stage.domain('front', { limits: { dialMinMs: 1, dialMaxMs: 1000 } });
      const front = stage.dial(domain, 'front', service.address);
      const delays: number[] = [];
      front.endpoint.lifecycle$.subscribe((event) => {
        if (event.type === 'attempt') delays.push(event.nextInMs);
      });
      await stage.until('refused', () => delays.length === 1);
      stage.check((delays[0] ?? 0) >= 500 && (delays[0] ?? 0) <= 1000, 'half of it is jitter');
      front.note(`last fault ${front.endpoint.lastFault ?? ''}`);
    },
  },
  {
    fact: 'an address that leads nowhere is BAD_ADDRESS and not tried again',
    play: async (stage) => {
      const domain = stage.domain('front');
      for (const address of ['no address', 'pigeon://loft/disk', '']) {
        const front = stage.dial(domain, `front at '${address}'`, address);
        const delays: number[] = [];
        front.endpoint.lifecycle$.subscribe((event) => {
          if (event.type === 'attempt') delays.push(event.nextInMs);
        });
        await stage.until('told', () => delays.length === 1);
        stage.check(delays[0] === Infinity, 'never again');
        front.note(`attempts ${front.attempts.join()}`);
        stage.equal(front.send(contentOf(1, 1)), -1, 'not connected');
        await front.endpoint.destroy();
      }
    },
  },
];
