/** Real commands in a real pseudo-terminal, and on pipes, behind a real transport. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { ConsoleServerOptions } from 'idc/drivers/console';
import { eventually, listMedia, Stage, type Onlooker } from './stage.js';

const stages: Stage[] = [];

after(async () => {
  await Promise.all(stages.map((stage) => stage.close()));
});

/** Over rings: the quickest that is no mere memory. */
async function serve(options: ConsoleServerOptions) {
  const medium = listMedia(`terminal-${stages.length}`).find(({ name }) => name === 'ring');
  assert(medium !== undefined);
  const stage = new Stage(medium);
  stages.push(stage);
  return { stage, server: await stage.serve(options) };
}

const bash = {
  command: 'bash',
  words: ['--norc', '--noprofile'],
  environment: { ...process.env, PS1: '$ ' },
};

const controls = /\u001B\[[^@-~]*[@-~]/gu;

/** The shell waits for what is typed; it may drop what came before. */
function prompts(front: Onlooker): Promise<void> {
  return front.until(({ shown }) => shown.replaceAll(controls, '').trimEnd().endsWith('$'));
}

describe('a command in a pseudo-terminal', () => {
  it('has a terminal of the size of its writer, and follows it', async () => {
    const { stage, server } = await serve(bash);
    assert(server.hasTerminal);
    assert.equal(server.screen, 'model');
    assert.deepEqual(server.problems, []);
    const front = stage.attach({ size: { columns: 93, rows: 31 } });
    await front.attachment.write(Buffer.from('stty size; tty\r'));
    await front.sees('31 93');
    await front.sees('/dev/pts/');
    await front.attachment.resize({ columns: 120, rows: 40 });
    await front.attachment.write(Buffer.from('stty size\r'));
    await front.sees('40 120');
    await front.attachment.write(Buffer.from('exit 42\r'));
    assert.deepEqual(await front.attachment.ended, { code: 42, signal: 0 });
  });

  it('Ctrl-C interrupts what runs in it, not itself', async () => {
    const { stage } = await serve(bash);
    const front = stage.attach();
    await prompts(front);
    // What prints it has the terminal by then, and the words as they are typed are others.
    const command = 'sh -c "echo now\\$((1+1)); exec sleep 1000"\r';
    await front.attachment.write(Buffer.from(command));
    await front.sees('now2');
    await front.attachment.write(Uint8Array.of(3));
    await prompts(front);
    await front.attachment.write(Buffer.from('echo $? after\r'));
    await front.sees('130 after');
    await front.attachment.endInput();
    assert.equal((await front.attachment.ended).code, 0);
  });

  it('a signal ends it, and is told', async () => {
    const { stage } = await serve({ command: 'sleep', words: ['1000'] });
    const front = stage.attach();
    await front.attachment.signal('TERM');
    assert.deepEqual(await front.attachment.ended, { code: 143, signal: 15 });
  });

  it('what does not exist ends at once, and says why', async () => {
    for (const terminal of ['auto', 'never'] as const) {
      const { stage } = await serve({ command: 'no-such-command-here', terminal });
      const front = stage.attach();
      assert.notEqual((await front.attachment.ended).code, 0);
      assert.match(front.shown.slice(-1_000), /ENOENT|No such file/u);
    }
  });

  it('yes is held by a writer that does not look, and Ctrl-C reaches it', async () => {
    const { stage, server } = await serve(bash);
    const front = stage.attach();
    await front.until(({ views }) => views.length > 0);
    await front.attachment.write(Buffer.from('yes\r'));
    await front.sees('y\r\ny\r\n');
    front.closeEyes();
    await eventually(() => server.statistics().isPaused);
    const { outputBytes } = server.statistics();
    await front.attachment.write(Uint8Array.of(3));
    // What was under way when it was held: one read, and no more.
    assert(server.statistics().outputBytes - outputBytes <= 128 * 1024);
    front.openEyes();
    await prompts(front);
    await front.attachment.write(Buffer.from('echo over $((6*7))\r'));
    await front.sees('over 42');
    assert.equal(front.views.length, 1);
  });

  it('runs on while nobody looks, or somebody does not', async () => {
    const words = ['-c', 'head -c 20000000 /dev/zero | tr "\\0" x | fold -w 79; echo; echo over'];
    const { stage, server } = await serve({ command: 'bash', words });
    const viewer = stage.attach({ mode: 'view' });
    await viewer.until(({ views }) => views.length > 0);
    viewer.closeEyes();
    const { code } = await server.ended;
    assert.equal(code, 0);
    assert(server.statistics().outputBytes >= 20_000_000);
    viewer.openEyes();
    await viewer.attachment.ended;
    assert.match(viewer.shown, /over/u);
    assert(viewer.shownBytes < 2_000_000);
  });

  for (const [label, end] of [
    ['ends', 'exit 3'],
    ['is killed', 'kill -9 $$'],
  ] as const) {
    it(`nothing of the output is lost when a command ${label} behind it`, async () => {
      for (const isHeld of [false, true, false, true]) {
        // The last of it is still in the kernel by then.
        const script = `read; head -c 400000 /dev/zero | tr '\\0' x; printf '%2000s' last; ${end}`;
        const { stage, server } = await serve({ command: 'bash', words: ['-c', script] });
        const front = stage.attach();
        await front.until(({ views }) => views.length > 0);
        if (isHeld) front.closeEyes();
        await front.attachment.write(Buffer.from('\r'));
        if (isHeld) await eventually(() => server.statistics().isPaused);
        front.openEyes();
        const { code } = await front.attachment.ended;
        assert.equal(code, label === 'ends' ? 3 : 137);
        assert.equal(front.shown.length, '\r\n'.length + 402_000);
        assert(front.shown.endsWith(' last'));
      }
    });
  }

  it('a command that is killed while it is held ends with all that it wrote', async () => {
    const { stage, server } = await serve({ command: 'yes', words: ['0123456'] });
    const front = stage.attach();
    await front.sees('0123456');
    front.closeEyes();
    await eventually(() => server.statistics().isPaused);
    await front.attachment.signal('KILL');
    await server.ended;
    front.openEyes();
    assert.deepEqual(await front.attachment.ended, { code: 137, signal: 9 });
    assert.match(front.shown.slice(-9), /^\d*\r?\n?\d*\r?\n?$/u);
  });

  it('a terminal answers what a program asks while nobody is there', async () => {
    const words = ['-c', 'stty raw -echo; printf "\\033[6n"; dd bs=1 count=6 2>/dev/null | od -c'];
    const { stage, server } = await serve({ command: 'bash', words });
    await server.ended;
    const front = stage.attach({ mode: 'view' });
    await front.attachment.ended;
    assert.match(front.shown.slice(-1_000), /033\s+\[\s+1\s+;\s+1\s+R/u);
  });
});

describe('a command on pipes', () => {
  it('is talked to, without what a terminal does', async () => {
    const { stage, server } = await serve({ ...bash, terminal: 'never' });
    assert(!server.hasTerminal);
    const front = stage.attach();
    await front.attachment.write(Buffer.from('tty; echo 3 >&2; exit 5\n'));
    assert.deepEqual(await front.attachment.ended, { code: 5, signal: 0 });
    assert.match(front.shown.slice(-1_000), /not a tty/u);
    assert.match(front.shown.slice(-1_000), /3/u);
  });

  it('ends at the end of what is typed, or by a signal', async () => {
    const cat = await serve({ command: 'cat', terminal: 'never' });
    const front = cat.stage.attach();
    await front.attachment.write(Buffer.from('through'));
    await front.sees('through');
    await front.attachment.endInput();
    assert.deepEqual(await front.attachment.ended, { code: 0, signal: 0 });
    const sleep = await serve({ command: 'sleep', words: ['1000'], terminal: 'never' });
    const second = sleep.stage.attach();
    await second.attachment.signal('INT');
    assert.deepEqual(await second.attachment.ended, { code: 130, signal: 2 });
  });

  it('waits while its writer does not look', async () => {
    const { stage, server } = await serve({ command: 'yes', terminal: 'never' });
    const front = stage.attach();
    await front.until(({ shownBytes }) => shownBytes > 1000);
    front.closeEyes();
    await eventually(() => server.statistics().isPaused);
    front.openEyes();
    await front.attachment.signal('KILL');
    assert.deepEqual(await front.attachment.ended, { code: 137, signal: 9 });
  });

  it('loses nothing of the output when the command ends while it is held', async () => {
    const words = ['-c', "read; head -c 400000 /dev/zero | tr '\\0' x; echo last >&2; exit 3"];
    const { stage, server } = await serve({ command: 'bash', words, terminal: 'never' });
    const front = stage.attach();
    await front.until(({ views }) => views.length > 0);
    front.closeEyes();
    await front.attachment.write(Buffer.from('\n'));
    await eventually(() => server.statistics().isPaused);
    front.openEyes();
    assert.equal((await front.attachment.ended).code, 3);
    assert.equal(front.shown.length, 400_000 + 'last\n'.length);
  });
});
