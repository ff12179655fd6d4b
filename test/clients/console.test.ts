/** `idc console` as a person uses it: in terminals of `tmux`, with what shells really do. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run, Running } from '../cli/idc.js';
import { Tmux, type Pane } from './tmux.js';

const shell = ['--', 'env', 'PS1=$ ', 'bash', '--norc', '--noprofile'];
/** The last line, and nothing typed there. */
const prompt = /(^|\n)\$ ?$/u;
const anyPort = 'tcp://127.0.0.1:0/console';

describe('idc console in a terminal', () => {
  const tmux = new Tmux('console');
  const running: Running[] = [];

  after(async () => {
    await tmux.close();
    for (const { child } of running) child.kill('SIGTERM');
    await Promise.all(running.map((one) => one.end()));
  });

  async function serve(...words: string[]): Promise<{ server: Running; address: string }> {
    const server = run('console', 'serve', ...words);
    running.push(server);
    return { server, address: await server.listens() };
  }

  it('a shell is used through it, sees the size, and its exit code arrives', async () => {
    const { server, address } = await serve(anyPort, ...shell);
    const pane = await tmux.open(['console', 'attach', address], 100, 30);
    await tmux.sees(pane, prompt);
    await tmux.type(pane, 'stty size');
    await tmux.press(pane, 'Enter');
    await tmux.sees(pane, /^30 100$/mu);
    await tmux.resize(pane, 73, 21);
    // The shell is told before it reads the next line.
    await tmux.type(pane, 'until [ "$(stty size)" = "21 73" ]; do :; done; echo "it $((0+1))s so"');
    await tmux.press(pane, 'Enter');
    await tmux.sees(pane, /^it 1s so$/mu);
    // What prints it has the terminal by then.
    await tmux.type(pane, 'sh -c "echo up \\$((0+2)); exec sleep 1000"');
    await tmux.press(pane, 'Enter');
    await tmux.sees(pane, /^up 2$/mu);
    await tmux.press(pane, 'C-c');
    // A shell may drop what was typed before it is back.
    await tmux.sees(pane, prompt);
    await tmux.type(pane, 'echo "code $?"');
    await tmux.press(pane, 'Enter');
    await tmux.sees(pane, /^code 130$/mu);
    await tmux.type(pane, 'exit 42');
    await tmux.press(pane, 'Enter');
    await tmux.sees(pane, /^\[exit 42\]$/mu);
    assert.equal(await server.end(), 42);
  });

  it('what was on the screen is there again after SIGKILL, and goes on', async () => {
    const { address } = await serve(`ring://idc-console-test-${process.pid}/console`, ...shell);
    const first = await tmux.open(['console', 'attach', address], 80, 24);
    await tmux.sees(first, prompt);
    await tmux.type(first, 'clear; printf "\\033[31mred\\033[0m\\033[10;20Hthere\\033[15;1H"');
    await tmux.press(first, 'Enter');
    const before = await tmux.sees(first, /^ {19}there$/mu);
    process.kill(await tmux.processOf(first), 'SIGKILL');
    await tmux.sees(first, /\[exit 137\]/u);
    const second = await tmux.open(['console', 'attach', address], 80, 24);
    assert.equal(await tmux.sees(second, /there/u), before);
    await tmux.type(second, 'echo "still $((40+2))"');
    await tmux.press(second, 'Enter');
    await tmux.sees(second, /^still 42$/mu);
    await tmux.press(second, 'C-]');
    await tmux.sees(second, /\[idc: detached\]\n\[exit 0\]$/u);
    // A program that has the whole screen, and what was there before it.
    const third = await tmux.open(['console', 'attach', address], 80, 24);
    await tmux.sees(third, /^still 42$/mu);
    await tmux.type(
      third,
      'printf "\\033[?1049h\\033[2J\\033[5;5Hwhole"; read; printf "\\033[?1049l"',
    );
    await tmux.press(third, 'Enter');
    await tmux.until(third, (screen) => /^ {4}whole$/mu.test(screen) && !/still/u.test(screen));
    await tmux.press(third, 'C-]');
    await tmux.until(third, (screen) => /detached/u.test(screen) && !/^ {4}whole$/mu.test(screen));
    const fourth = await tmux.open(['console', 'attach', address], 80, 24);
    await tmux.until(fourth, (screen) => /^ {4}whole$/mu.test(screen) && !/still/u.test(screen));
    await tmux.press(fourth, 'Enter');
    await tmux.sees(fourth, /^still 42$/mu);
  });

  it('one writes and others look; a second writer is told what to do', async () => {
    const { address } = await serve(anyPort, ...shell);
    const writer = await tmux.open(['console', 'attach', address], 80, 24);
    await tmux.sees(writer, prompt);
    const viewer = await tmux.open(['console', 'attach', address, '--view'], 80, 24);
    await tmux.type(viewer, 'not seen');
    await tmux.type(writer, 'echo "seen $((6*7))"');
    await tmux.press(writer, 'Enter');
    for (const pane of [writer, viewer]) {
      assert.doesNotMatch(await tmux.sees(pane, /^seen 42$/mu), /not seen/u);
    }
    const second = run('console', 'attach', address);
    assert.equal(await second.end(), 1);
    assert.match(
      second.errors,
      /^idc: tcp:.*: somebody writes there; use --view, or --take-over\n$/u,
    );
    const heir = await tmux.open(['console', 'attach', address, '--take-over'], 80, 24);
    await tmux.sees(writer, /\[idc: somebody else writes now; here one can only look\]/u);
    await tmux.type(heir, 'echo "heir $((1+1))"; exit 3');
    await tmux.press(heir, 'Enter');
    for (const pane of [writer, viewer, heir])
      await tmux.sees(pane, /^heir 2\n(.*\n)*\[exit 3\]/mu);
  });

  it('a flood is shown at the pace of the terminal, and Ctrl-C ends it', async () => {
    const { address } = await serve(anyPort, ...shell);
    const pane = await tmux.open(['console', 'attach', address], 80, 24);
    await tmux.sees(pane, prompt);
    await tmux.type(pane, 'yes');
    await tmux.press(pane, 'Enter');
    await tmux.sees(pane, /^(y\n){20}/mu);
    await tmux.press(pane, 'C-c');
    await tmux.sees(pane, prompt);
    await tmux.type(pane, 'clear; echo "over $((6*7))"');
    await tmux.press(pane, 'Enter');
    await tmux.sees(pane, /^over 42$/mu);
  });

  it('a new back end is told of, and one that stays away ends it', async () => {
    const place = `ring://idc-console-anew-${process.pid}/console`;
    const { server } = await serve(place, ...shell);
    // Until the next one is there, however long that takes to start.
    const pane: Pane = await tmux.open(['console', 'attach', place, '-t', '600000'], 160, 24);
    await tmux.type(pane, 'echo "first $((6*7))"');
    await tmux.press(pane, 'Enter');
    await tmux.sees(pane, /^first 42$/mu);
    server.child.kill('SIGKILL');
    await server.end();
    const next = await serve(place, '--', 'bash', '-c', 'echo second; read; exit 4');
    await tmux.until(pane, (screen) => /^second$/mu.test(screen) && !/first/u.test(screen));
    const words = ['console', 'attach', place, '--view', '-t', '3000'];
    const hasty = await tmux.open(words, 160, 24);
    await tmux.sees(hasty, /^second$/mu);
    next.server.child.kill('SIGKILL');
    await next.server.end();
    await tmux.sees(hasty, /^idc: ring:.* for 3000 ms; is it served there\?\n\[exit 3\]$/mu);
  });
});

describe('idc console in a program', () => {
  let server: Running;
  let address: string;

  before(async () => {
    server = run('console', 'serve', anyPort, '--json', '--', 'bash', '--norc');
    const line = await server.prints(/^(\{.*\})\n/u);
    const event = JSON.parse(line) as Record<string, unknown>; // Its values are compared below.
    assert.deepEqual(
      [event['event'], event['hasTerminal'], event['screen']],
      ['listening', true, 'model'],
    );
    address = String(event['address']);
  });

  it('takes what it is given, ends with the exit code, and says so', async () => {
    const attached = run('console', 'attach', address);
    attached.child.stdin?.end('echo "got $((40+2))"\nexit 9\n');
    assert.equal(await attached.end(), 9);
    assert.match(attached.output, /^got 42\r$/mu);
    assert.equal(await server.end(), 9);
    assert.match(server.output, /\n\{"event":"ended","code":9,"signal":0\}\n$/u);
  });

  it('serve ends its command at SIGTERM, and tells who is attached', async () => {
    const words = ['bash', '-c', 'echo up; exec sleep 1000'];
    const second = run('console', 'serve', anyPort, '--', ...words);
    const attached = run('console', 'attach', await second.listens(), '--view');
    await attached.prints(/(up)/u);
    second.child.kill('SIGTERM');
    assert.equal(await second.end(), 129);
    assert.equal(await attached.end(), 129);
  });

  it('runs on pipes when it is told to', async () => {
    const pipes = run('console', 'serve', anyPort, '--no-terminal', '--', 'cat');
    const attached = run('console', 'attach', await pipes.listens());
    attached.child.stdin?.end('through and back');
    assert.equal(await attached.end(), 0);
    assert.equal(attached.output, 'through and back');
    assert.equal(await pipes.end(), 0);
  });

  it('without the optional packages it says what is missing, and works', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'idc-bare-'));
    const hook = path.join(folder, 'bare.cjs');
    writeFileSync(
      hook,
      `const { Module } = require('node:module');
      const load = Module._load;
      Module._load = (name, ...rest) => {
        if (/^@(lydell|xterm)/.test(name)) throw new Error('not installed: ' + name);
        return load(name, ...rest);
      };`,
    );
    const words = ['console', 'serve', anyPort, '--', 'cat'];
    const bare = new Running(words, { NODE_OPTIONS: `--require ${hook}` });
    try {
      const place = await bare.listens();
      assert.match(
        bare.errors,
        /^idc: no pseudo-terminal: .*node-pty.*; try: npm install @lydell\/node-pty\n/u,
      );
      assert.match(bare.errors, /^idc: no model of the screen: .*; try: npm install @xterm/mu);
      const first = run('console', 'attach', place);
      first.child.stdin?.write('kept\n');
      await first.prints(/(kept)/u);
      first.child.kill('SIGKILL');
      await first.end();
      const second = run('console', 'attach', place);
      await second.prints(/(kept)/u);
      second.child.stdin?.end();
      assert.equal(await second.end(), 0);
      assert.equal(await bare.end(), 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says in one line what is wrong, with a code', async () => {
    for (const [code, pattern, ...words] of [
      [2, /^idc: nowhere: not an address; expected tcp:.*\n$/u, 'attach', 'nowhere'],
      [2, /^idc: nowhere: not an address; expected tcp:.*\n$/u, 'serve', 'nowhere', 'true'],
      [
        3,
        /^idc: ring:.*: .* for 100 ms; is it served there\?\n$/u,
        'attach',
        'ring://idc-none/x',
        '-t',
        '100',
      ],
      [1, /^idc: cannot listen at tcp:.*\n$/u, 'serve', 'tcp://192.0.2.1:1/x', 'true'],
      [1, /expected ctrl- and a character/u, 'attach', anyPort, '--detach-key', 'x'],
      [1, /expected columns and rows/u, 'serve', anyPort, '--size', '0x9', 'true'],
    ] as const) {
      const wrong = run('console', ...words);
      assert.equal(await wrong.end(), code, words.join(' '));
      assert.match(wrong.errors, pattern);
      assert.equal(wrong.output, '');
    }
  });
});
