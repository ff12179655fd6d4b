/** Leaving: the goodbye says how far its sender handled; `maybe` is rare and never wrong. */
import type { ReceivedTransaction } from '../../../core/index.js';
import type { Actor } from './actor.js';
import { contentOf, decodeNumber, encodeNumber } from './content.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';
import type { Started } from './started.js';

const bigRequest = 30_000;
const quota = { transactions: 64, parameterBytes: bigRequest };

/** Requests of the front, numbered from 1 as the epoch numbers them. */
async function submitMany(front: Actor, count: number): Promise<Started[]> {
  const started: Started[] = [];
  const parameters = new Uint8Array(bigRequest);
  for (let number = 1; number <= count && front.isConnected; number++) {
    parameters.set(encodeNumber(number));
    try {
      started.push(await front.begin(parameters));
    } catch {
      break; // The epoch ended while it waited for room.
    }
  }
  return started.filter(({ ticket }) => ticket >= 0);
}

/** The outcome of each request against the receiver's own log. */
function compare(stage: Stage, started: readonly Started[], log: readonly number[]): void {
  for (const [index, { outcome }] of started.entries()) {
    const isHandled = log.includes(index + 1);
    const isNever = outcome === 'DISCONNECTED never' || outcome === 'DESTROYED never';
    const what = `request ${index + 1}: ${outcome}`;
    stage.check(isHandled ? !isNever : isNever, `${what}, handled: ${isHandled}`);
  }
}

/** One side leaves in the middle of the front's traffic; the counts must be exact at the front. */
function leaves(who: 'front' | 'back'): Scenario {
  return {
    fact: `the ${who} leaves in the middle of traffic: never above what was handled, exactly`,
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      stage.tap.cut('front');
      back.isVerbose = false;
      const log: number[] = [];
      back.onTransaction = (transaction) => {
        log.push(decodeNumber(transaction.parameters));
        transaction.complete();
        if (log.length === 7) void (who === 'front' ? front : back).endpoint.destroy();
      };
      const started = await submitMany(front, 60);
      await stage.until('the front lost it', () => front.disconnects.length === 1);
      await stage.until('the back lost it', () => back.disconnects.length === 1);
      compare(stage, started, log);
      const [event] = front.disconnects;
      stage.equal(event?.submittedThrough, started.length, 'submittedThrough');
      stage.equal(event?.handledThrough, log.length, 'handledThrough');
      stage.equal(event?.neverFrom, log.length + 1, 'neverFrom');
      const { never, done } = front.endpoint.statistics().outcomes;
      stage.equal(never + done, started.length, 'no outcome is maybe');
      stage.mute();
      stage.note('the counts are exact');
      const actor = who === 'front' ? front : back;
      await stage.until('it has left', () => actor.isDestroyed);
    },
  };
}

export const leavingScenarios: readonly Scenario[] = [
  leaves('front'),
  leaves('back'),
  {
    fact: 'what is under way to a peer that leaves is never, what it holds is maybe',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      stage.tap.cut('front'); // It is not to come back.
      const held: ReceivedTransaction[] = [];
      for (let index = 0; index < 3; index++) await front.askAloud('done', contentOf(index, 1));
      back.onTransaction = (transaction) => held.push(transaction);
      const started: Started[] = [];
      for (let index = 0; index < 2; index++) started.push(await front.begin(contentOf(index, 2)));
      await stage.until('both are held', () => held.length === 2);
      // The back has left before its domain's next turn, so it hears none of what follows.
      for (let index = 0; index < 2; index++) front.send(contentOf(index, 3));
      for (let index = 0; index < 3; index++) started.push(front.start(contentOf(index, 4)));
      const destroyed = back.endpoint.destroy();
      for (const { settled } of started) front.note(await settled.opened);
      await stage.until('the back lost it', () => back.disconnects.length === 1);
      for (const transaction of held) transaction.complete();
      await destroyed;
      await stage.seen(front, 'disappear');
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: done: OK, 1 bytes c70bfb85',
      'front: done: OK, 1 bytes c20bf3a6',
      'front: done: OK, 1 bytes c80bfd18',
      'front: disconnect 1 DESTROYED submitted 10 handled 5 never 6',
      'front: disappear',
      'front: DISCONNECTED maybe',
      'front: DISCONNECTED maybe',
      'front: DISCONNECTED never',
      'front: DISCONNECTED never',
      'front: DISCONNECTED never',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c70bfb85',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 1 bytes c80bfd18',
      'service<0: request, 2 bytes 01dd2c9e',
      'service<0: request, 2 bytes 29d09fa3',
      'service<0: disconnect 1 DESTROYED submitted 0 handled 0 never 1',
      'service<0: disappear',
      'service<0: destroyed',
    ],
  },
  {
    fact: 'who leaves right after submitting still hears the answers',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      const started = [1, 2, 3].map((index) => front.start(contentOf(index, index)));
      front.send(contentOf(4, 4));
      await front.endpoint.destroy();
      // An answer may come before the goodbye or together with it: it is noted afterwards.
      for (const { settled } of started) front.note(await settled.opened);
      await stage.seen(back, 'destroyed');
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: disconnect 1 DESTROYED submitted 4 handled 4 never 5',
      'front: disappear',
      'front: destroyed',
      'front: OK done, 1 bytes c20bf3a6',
      'front: OK done, 2 bytes d1e0b2a5',
      'front: OK done, 3 bytes bd481eab',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 2 bytes d1e0b2a5',
      'service<0: request, 3 bytes bd481eab',
      'service<0: message 4, 4 bytes 9fb6d3f7',
      'service<0: disconnect 1 DESTROYED submitted 0 handled 0 never 1',
      'service<0: disappear',
      'service<0: destroyed',
    ],
  },
  {
    fact: 'the counts of the disconnect event, at both ends',
    play: async (stage) => {
      const { front, back, service } = await stage.pair();
      for (let index = 0; index < 3; index++) await front.post(contentOf(index, 1));
      await front.endpoint.whenFlushed();
      await front.askAloud('asked', contentOf(1, 1));
      await back.askAloud('asked', contentOf(1, 1));
      await service.listener.close();
      await stage.seen(front, 'disappear');
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: asked: OK, 1 bytes c20bf3a6',
      'front: request, 1 bytes c20bf3a6',
      'front: disconnect 1 DESTROYED submitted 4 handled 4 never 5',
      'front: disappear',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: message 1, 1 bytes c70bfb85',
      'service<0: message 2, 1 bytes c20bf3a6',
      'service<0: message 3, 1 bytes c80bfd18',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: asked: OK, 1 bytes c20bf3a6',
      'service<0: disconnect 1 DESTROYED submitted 1 handled 1 never 2',
      'service<0: disappear',
      'service<0: destroyed',
    ],
  },
  {
    fact: 'held requests end maybe when the holder leaves: their handler had started',
    play: async (stage) => {
      const { front, back } = await stage.pair();
      stage.tap.cut('front');
      back.onTransaction = (transaction) => {
        if (back.requestCount === 3) void back.endpoint.destroy();
        back.onDisconnect = () => {
          for (const complete of completions) complete();
        };
        completions.push(() => {
          transaction.complete();
        });
      };
      const completions: (() => void)[] = [];
      const asked = [1, 2, 3].map((index) => front.ask(contentOf(index, index)));
      for (const answer of asked) front.note(await answer);
      await stage.seen(back, 'destroyed');
      await stage.seen(front, 'disappear');
    },
    told: [
      'front: appear',
      'front: connect 1',
      'front: disconnect 1 DESTROYED submitted 3 handled 3 never 4',
      'front: disappear',
      'front: DISCONNECTED maybe',
      'front: DISCONNECTED maybe',
      'front: DISCONNECTED maybe',
      'service<0: appear',
      'service<0: connect 1',
      'service<0: request, 1 bytes c20bf3a6',
      'service<0: request, 2 bytes d1e0b2a5',
      'service<0: request, 3 bytes bd481eab',
      'service<0: disconnect 1 DESTROYED submitted 0 handled 0 never 1',
      'service<0: disappear',
      'service<0: destroyed',
    ],
  },
  {
    fact: 'a severed link: what was answered is done, and nothing handled is never',
    play: async (stage) => {
      const { front, back } = await stage.pair({ front: { quota }, back: { quota } });
      back.isVerbose = false;
      const log: number[] = [];
      back.onTransaction = (transaction) => {
        log.push(decodeNumber(transaction.parameters));
        transaction.complete();
        if (log.length === 7) stage.world.sever();
      };
      const started = await submitMany(front, 60);
      await stage.until('the front lost it', () => front.disconnects.length === 1);
      await stage.until('the back lost it', () => back.disconnects.length === 1);
      for (const [index, { outcome }] of started.entries()) {
        const isHandled = log.includes(index + 1);
        if (outcome.startsWith('OK')) stage.check(isHandled, `${index + 1} is done`);
        if (outcome.endsWith('never')) stage.check(!isHandled, `${index + 1} was never handled`);
      }
      const [event] = front.disconnects;
      stage.check((event?.neverFrom ?? 0) > log.length, 'neverFrom lies above what was handled');
      stage.check((event?.handledThrough ?? 0) <= log.length, 'handledThrough is not above it');
      await stage.until('both are back', () => front.isConnected && back.isConnected);
      stage.mute();
      stage.note('no outcome is wrong');
    },
  },
];
