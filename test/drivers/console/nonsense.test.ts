/** Back ends that no legal one is like: their front ends end with CORRUPT, and throw nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcError } from 'idc';
import { attachConsole, consoleProtocol, type ConsoleSchema } from 'idc/drivers/console';
import { createBackEnd, type FrontEndPeer } from 'idc/drivers/kit';
import { listMedia, Stage } from './stage.js';

const began = {
  session: '0123456789abcdef',
  position: 10,
  screenBytes: 0,
  continues: false,
  hasTerminal: true,
  mode: 'view',
  columns: 80,
  rows: 24,
} as const;
const bytes = new Uint8Array(8);

type Speech = (peer: FrontEndPeer<ConsoleSchema>) => Promise<unknown>;

const speeches: Readonly<Record<string, Speech>> = {
  'output before anything has begun': (peer) => peer.output({ bytes }),
  'a screen that nobody announced': (peer) => peer.screen({ bytes }),
  'a session without a name': (peer) => peer.began({ ...began, session: '' }),
  'a session of other digits': (peer) => peer.began({ ...began, session: 'x'.repeat(16) }),
  'a screen without a size': (peer) => peer.began({ ...began, rows: 0 }),
  'a screen that is too large': (peer) => peer.began({ ...began, columns: 10_000 }),
  'going on where nobody was': (peer) => peer.began({ ...began, continues: true }),
  'more of a screen than was announced': async (peer) => {
    await peer.began({ ...began, screenBytes: 7 });
    await peer.screen({ bytes });
  },
  'output in the middle of a screen': async (peer) => {
    await peer.began({ ...began, screenBytes: 9 });
    await peer.screen({ bytes });
    await peer.output({ bytes });
  },
};

describe('attachConsole gives up a back end that sends', () => {
  for (const [label, speech] of Object.entries(speeches)) {
    it(label, async () => {
      const [medium] = listMedia('nonsense');
      assert(medium !== undefined);
      const stage = new Stage(medium);
      const nothing = (): void => undefined;
      createBackEnd(stage.makeDomain('back'), medium.address, consoleProtocol, {
        attach: (_parameters, { frontEnd }) => {
          void speech(frontEnd);
        },
        input: nothing,
        endInput: nothing,
        resize: nothing,
        signal: nothing,
      });
      const { ended } = attachConsole(stage.makeDomain('front'), medium.address);
      await assert.rejects(ended, (error) => error instanceof IdcError && error.code === 'CORRUPT');
      await stage.close();
    });
  }
});
