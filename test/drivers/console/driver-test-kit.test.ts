/**
 * The console by the driver test kit: every transport, the fuzzer, and the simulation with crashes
 * of either end. Whatever happens, nobody is shown a byte twice, in the wrong place, or not at all.
 */
import assert from 'node:assert/strict';
import {
  attachConsole,
  consoleProtocol,
  serveConsole,
  type ConsoleSchema,
} from 'idc/drivers/console';
import type { FrontEndControl } from 'idc/drivers/kit';
import { testDriver } from 'idc/drivers/kit/testing';
import { ScriptedProgram } from './scripted-program.js';

/** The program of the latest back end, and what all of them printed. */
interface Kept {
  program: ScriptedProgram | undefined;
  /** By session. */
  readonly printed: Map<string, string>;
  session: string;
}

interface Reader extends FrontEndControl {
  /** Since the screen was last drawn. */
  readonly shown: () => string;
  readonly isOver: () => boolean;
}

testDriver<ConsoleSchema, Reader, Kept>({
  name: 'console',
  protocol: consoleProtocol,
  makeMedium: () => ({ program: undefined, printed: new Map<string, string>(), session: '' }),
  startBackEnd: ({ domain, address, medium, runtime }) => {
    const program = new ScriptedProgram();
    const { start } = program;
    // A model of a screen takes time of its own, which a simulation does not know of.
    const options = { command: 'scripted', start, runtime, screen: 'tail' } as const;
    const server = serveConsole(domain, address, options);
    medium.program = program;
    medium.session = server.session;
    medium.printed.set(server.session, '');
    return server;
  },
  startFrontEnd: ({ domain, address, runtime }) => {
    let shown = '';
    const attachment = attachConsole(domain, address, {
      // So each is the writer for a while.
      takeOver: true,
      runtime,
      began: ({ continues }) => {
        if (!continues) shown = '';
      },
      output: (bytes) => {
        shown += Buffer.from(bytes).toString();
      },
    });
    let isOver = false;
    attachment.ended.catch(() => {
      isOver = true;
    });
    return Object.assign(attachment.frontEnd, { shown: () => shown, isOver: () => isOver });
  },
  work: async (reader, { medium, frontEnd, step, pause, fraction }) => {
    const { session, program } = medium;
    assert(program !== undefined);
    const before = medium.printed.get(session) ?? '';
    // Each mark comes once, so that a gap or a repetition shows.
    const mark = `${frontEnd}:${before.length}:${step}${'.'.repeat(fraction() * 500)}\n`;
    medium.printed.set(session, before + mark);
    program.print(mark);
    while (medium.session === session && !reader.shown().includes(mark)) {
      if (reader.isOver()) throw new Error('its domain was closed');
      await pause(1);
    }
    if (medium.session !== session) return;
    const shown = reader.shown();
    const printed = medium.printed.get(session) ?? '';
    assert(printed.includes(shown), `not a part of what was printed: ${shown.slice(-200)}`);
  },
  frontEnds: 3,
  steps: 100,
  seeds: 10,
});
