/** Both ends of a console over every transport, around a program that does what it is told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcError } from 'idc';
import { DriverError } from 'idc/drivers/kit';
import type { ConsoleServer } from 'idc/drivers/console';
import { ScriptedProgram } from './scripted-program.js';
import { eventually, listMedia, Stage } from './stage.js';

interface Play {
  readonly stage: Stage;
  readonly program: ScriptedProgram;
  readonly server: ConsoleServer;
}

const line = 'abcdefghijklmnopqrstuvwxyz0123456789 abcdefghijklmnopqrstuvwxy\r\n';
/** More than everything between a program and a front end that does not look can hold. */
const flood = line.repeat(64 * 1024);
const size = { columns: 80, rows: 24 };

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DriverError) return error.failure;
  return error instanceof IdcError ? error.code : String(error);
}

function play(label: string, body: (play: Play) => Promise<void>): void {
  for (const medium of listMedia(label.replaceAll(/[^a-z]/g, '-').slice(0, 40))) {
    it(`${medium.name}: ${label}`, async () => {
      const stage = new Stage(medium);
      const program = new ScriptedProgram();
      try {
        await body({ stage, program, server: await stage.serve({ start: program.start }) });
      } finally {
        await stage.close();
      }
    });
  }
}

describe('a console', () => {
  play('a writer sees output, types, and is told the exit', async ({ stage, program, server }) => {
    program.print('before ');
    const front = stage.attach({ size: { columns: 100, rows: 30 } });
    await front.sees('before');
    assert.deepEqual(program.sizes, [{ columns: 100, rows: 30 }]);
    const [view] = front.views;
    assert.deepEqual(
      [view?.session, view?.mode, view?.isNewSession, view?.continues],
      [server.session, 'write', true, false],
    );
    await front.attachment.write(Buffer.from('typed'));
    assert.equal(program.typed, 'typed');
    await front.attachment.endInput();
    assert(program.isInputEnded);
    program.print('after');
    await front.sees('after');
    program.print('last words');
    program.end({ code: 7, signal: 0 });
    assert.deepEqual(await front.attachment.ended, { code: 7, signal: 0 });
    assert.match(front.shown, /last words/u);
    await server.whenSeen();
    assert.equal(await failureOf(front.attachment.write(Buffer.from('x'))), 'ENDED');
  });

  play('what is typed arrives whole and in order', async ({ stage, program }) => {
    const front = stage.attach();
    const text = Array.from({ length: 20_000 }, (_, index) => `${index} `).join('');
    const writes: Promise<void>[] = [];
    for (let at = 0; at < text.length; at += 10_000) {
      writes.push(front.attachment.write(Buffer.from(text.slice(at, at + 10_000))));
    }
    await Promise.all(writes);
    assert.equal(program.typed, text);
  });

  play('there is one writer; viewers see and do not touch', async ({ stage, program }) => {
    const writer = stage.attach();
    await writer.until(({ views }) => views.length > 0);
    const viewer = stage.attach({ mode: 'view', size: { columns: 10, rows: 10 } });
    program.print('for all');
    await Promise.all([writer.sees('for all'), viewer.sees('for all')]);
    assert.deepEqual(viewer.views[0]?.size, size);
    const { attachment } = viewer;
    assert.equal(await failureOf(attachment.write(Buffer.from('x'))), 'READ_ONLY');
    assert.equal(await failureOf(attachment.resize(size)), 'READ_ONLY');
    assert.equal(await failureOf(attachment.signal('TERM')), 'READ_ONLY');
    assert.equal(await failureOf(attachment.endInput()), 'READ_ONLY');
    assert.deepEqual([program.typed, program.signals, program.isInputEnded], ['', [], false]);
    const second = stage.attach();
    assert.equal(await failureOf(second.attachment.ended), 'HELD');
    await writer.attachment.resize({ columns: 90, rows: 20 });
    await viewer.until(({ sizes }) => sizes.includes('90x20'));
    assert.equal(await failureOf(writer.attachment.resize({ columns: 0, rows: 1 })), 'BAD_SIZE');
    const heir = stage.attach({ takeOver: true });
    await writer.until(({ takenOverCount }) => takenOverCount === 1);
    assert.equal(writer.attachment.mode, 'view');
    await heir.attachment.write(Buffer.from('mine'));
    assert.equal(await failureOf(writer.attachment.write(Buffer.from('x'))), 'READ_ONLY');
    assert.equal(program.typed, 'mine');
    await heir.attachment.close();
    const next = stage.attach();
    await next.attachment.write(Buffer.from(', yours'));
    assert.equal(program.typed, 'mine, yours');
  });

  play('a viewer that does not look stops nobody', async ({ stage, program, server }) => {
    const viewer = stage.attach({ mode: 'view' });
    const writer = stage.attach();
    await Promise.all([viewer, writer].map((one) => one.until(({ views }) => views.length > 0)));
    viewer.closeEyes();
    program.print(flood);
    program.print('over');
    await writer.sees('over');
    assert(!viewer.shown.includes('over'));
    assert(!server.statistics().isPaused);
    viewer.openEyes();
    await viewer.sees('over');
    // It was shown the screen as it is, in place of what it missed.
    assert(viewer.views.length > 1);
    assert(viewer.shownBytes < writer.shownBytes / 2);
  });

  play('a writer that does not look holds the program', async ({ stage, program, server }) => {
    const writer = stage.attach();
    await writer.until(({ views }) => views.length > 0);
    writer.closeEyes();
    program.print(flood);
    await eventually(() => program.isPaused);
    const { outputBytes } = server.statistics();
    assert(outputBytes < flood.length / 4, `${outputBytes} bytes were let through`);
    program.print('over');
    writer.openEyes();
    await writer.sees('over');
    // It missed nothing, and one screen was enough.
    assert.equal(writer.views.length, 1);
    assert.equal(writer.shown.indexOf(flood) + flood.length, writer.shown.indexOf('over'));
  });

  play('a writer that goes away holds nothing any more', async ({ stage, program, server }) => {
    const writer = stage.attach();
    await writer.until(({ views }) => views.length > 0);
    writer.closeEyes();
    program.print(flood);
    await eventually(() => program.isPaused);
    program.print('over');
    await writer.domain.close({ drainMs: 0 });
    await eventually(() => server.statistics().outputBytes === flood.length + 4);
    const next = stage.attach();
    await next.sees('over');
  });

  play('what is typed and not read is bounded', async ({ stage, program }) => {
    const front = stage.attach();
    program.reads = false;
    const key = new Uint8Array(8 * 1024);
    const typed: Promise<string>[] = [];
    for (let count = 0; count < 64; count++) typed.push(failureOf(front.attachment.write(key)));
    await eventually(() => program.unreadBytes >= 16 * key.length);
    // Its place for requests is taken; a front end that comes back has another.
    await front.attachment.close();
    assert((await Promise.all(typed)).every((failure) => failure !== 'undefined'));
    const next = stage.attach();
    assert.equal(await failureOf(next.attachment.write(key)), 'BUSY');
    assert(program.unreadBytes <= 128 * 1024);
    // It was no reason not to attach, nor to end.
    program.end();
    await next.attachment.ended;
  });

  play('who comes late sees the last screen and the exit', async ({ stage, program, server }) => {
    program.print('last words');
    program.end({ code: 143, signal: 15 });
    await server.ended;
    const front = stage.attach();
    assert.deepEqual(await front.attachment.ended, { code: 143, signal: 15 });
    assert.match(front.shown, /last words/u);
    await server.whenSeen();
  });

  play('a back end that was started anew is another session', async ({ stage, program }) => {
    program.print('first run');
    const front = stage.attach();
    await front.sees('first run');
    await stage.dropBackEnd();
    const second = new ScriptedProgram();
    const server = await stage.serve({ start: second.start });
    second.print('second run');
    await front.sees('second run');
    assert.deepEqual(
      front.views.map(({ isNewSession, continues }) => [isNewSession, continues]),
      [
        [true, false],
        [true, false],
      ],
    );
    assert.equal(front.views[1]?.session, server.session);
    assert.equal(front.lostCount, 1);
    await front.attachment.write(Buffer.from('again'));
    assert.equal(second.typed, 'again');
  });

  play('closing it hangs up and gives everybody up', async ({ stage, program, server }) => {
    const front = stage.attach();
    await front.until(({ views }) => views.length > 0);
    await server.close();
    assert.deepEqual(program.signals, ['HUP']);
    assert.deepEqual(await server.ended, { code: 129, signal: 1 });
    assert.deepEqual(await front.attachment.ended, { code: 129, signal: 1 });
    await front.attachment.close();
    assert.equal(await failureOf(front.attachment.write(Buffer.from('x'))), 'DESTROYED');
  });
});
