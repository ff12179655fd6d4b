/**
 * Example 02, run as a person would: with right and wrong images, with full disks, interrupted at
 * every stage. After each run nothing is left: no file, no process.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Program, examplePath } from './program.js';
import { repositoryRoot } from '../source-paths.js';
import { makeTemporaryFolder } from './temporary-folder.js';

const main = '02-copy-disk-image/main';
const longImageBytes = 32 << 20;

/** Where the program puts its copies, and where a test puts its images. */
interface Place {
  readonly scratch: string;
  readonly images: string;
  /** What was started here; a test that fails in the middle leaves none of it. */
  readonly programs: Program[];
}

async function makePlace(context: TestContext): Promise<Place> {
  const folder = await makeTemporaryFolder(context);
  const place: Place = {
    scratch: join(folder, 'scratch'),
    images: join(folder, 'images'),
    programs: [],
  };
  await mkdir(place.scratch);
  await mkdir(place.images);
  context.after(() => {
    for (const program of place.programs) program.killGroup();
  });
  return place;
}

function start(place: Place, ...words: readonly string[]): Program {
  return startCommand(place, process.execPath, [examplePath(main), ...words]);
}

/** With an image that takes a while, though not as long as the Node executable. */
async function startOnImage(place: Place): Promise<Program> {
  return start(place, await makeLongImage(place));
}

async function makeLongImage({ images }: Place): Promise<string> {
  const image = join(images, 'long.img');
  const bytes = await readFile(process.execPath);
  await writeFile(image, bytes.subarray(0, longImageBytes));
  return image;
}

/** For an unusual way to start the program. */
function startCommand(place: Place, command: string, words: readonly string[]): Program {
  const program = new Program(command, words, { TMPDIR: place.scratch, TERM: 'xterm' });
  place.programs.push(program);
  return program;
}

async function assertNothingLeft(program: Program, place: Place): Promise<void> {
  assert.deepEqual(await readdir(place.scratch), []);
  assert.equal(program.hasProcesses(), false);
}

/** Matches text in which matches of `patterns` follow each other. */
function inOrder(...patterns: readonly string[]): RegExp {
  return new RegExp(patterns.join('[^]*'));
}

const rowNames = [
  'memory',
  'ring, two threads',
  'ring',
  'ring, back end killed',
  'tcp',
  'tcp, back end killed',
];

/** All copies were made, the back end was killed in the middle of two, and all are right. */
async function assertAllCopies(program: Program, place: Place, byteLength: number): Promise<void> {
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.errors);
  assert.equal(program.errors, '');
  const title = /^transport +bytes +seconds +GB\/s +transactions\/s$/;
  const lines = program.output.split('\n');
  const rows = lines.slice(lines.findIndex((line) => title.test(line)));
  assert.match(rows[0] ?? '', title);
  assert.equal(rows[rowNames.length + 1], '', 'the table has no other rows');
  assert.match(rows.at(-2) ?? '', /^file to file, one process +[0-9.]+$/);
  const bytes = byteLength.toLocaleString('en');
  for (const [index, name] of rowNames.entries()) {
    const pattern = new RegExp(`^${name} +${bytes} +[0-9.]+ +[0-9.]+ +[0-9,]+$`);
    assert.match(rows[index + 1] ?? '', pattern);
  }
  assert.equal(program.output.match(/^the copy is right$/gm)?.length, rowNames.length);
  const [, ...stories] = program.output.split('is killed in the middle of the copy');
  assert.equal(stories.length, 2);
  for (const story of stories) assertKilledAndBack(story);
  await assertNothingLeft(program, place);
}

function assertKilledAndBack(story: string): void {
  const pattern = inOrder(
    'appear\\n',
    'connect, epoch 1\\n',
    'SIGKILL to the back end, process \\d+, at \\d+ %\\n',
    'disconnect, epoch 1: DISCONNECTED; ',
    'connect, epoch 2\\n',
    'the copy is right\\n',
    'disconnect, epoch 2: DESTROYED; ',
    'disappear\\n',
    'destroyed\\n',
  );
  assert.match(story, pattern);
}

for (const [name, byteLength] of [
  ['1 byte', 1],
  ['1 block', 256 * 1024],
  ['20 blocks and 1 byte', 20 * 256 * 1024 + 1],
] as const) {
  test(`an image of ${name} is copied by all means`, async (t) => {
    const place = await makePlace(t);
    const image = join(place.images, 'disk.img');
    await writeFile(image, randomBytes(byteLength));
    await assertAllCopies(start(place, image), place, byteLength);
  });
}

test('without IMAGE the Node executable is copied; progress is plain lines', async (t) => {
  const place = await makePlace(t);
  const program = start(place);
  const { size } = await stat(process.execPath);
  await assertAllCopies(program, place, size);
  const lines = program.output.split('\n').filter((line) => line.startsWith('copy    '));
  assert.ok(lines.length >= 1 + rowNames.length);
  for (const line of lines.slice(1)) {
    assert.match(line, /^copy +\d+ % {2}.* of [0-9.]+ MB {2}[0-9.]+ [kM]?B\/s {2}\d+:\d\d left$/);
  }
  assert.equal(program.output.includes('\x1B'), false);
});

test('--keep leaves the copy, and nothing else', async (t) => {
  const place = await makePlace(t);
  const bytes = randomBytes(300_000);
  await writeFile(join(place.images, 'disk.img'), bytes);
  const kept = join(place.images, 'new', 'folder');
  const program = start(place, '--keep', kept, join(place.images, 'disk.img'));
  await assertAllCopies(program, place, bytes.byteLength);
  assert.deepEqual(await readdir(kept), ['disk.img.copy']);
  assert.deepEqual(await readFile(join(kept, 'disk.img.copy')), bytes);
});

test('--no-digest copies without one', async (t) => {
  const place = await makePlace(t);
  const bytes = randomBytes(300_000);
  await writeFile(join(place.images, 'disk.img'), bytes);
  const kept = join(place.images, 'kept');
  const image = join(place.images, 'disk.img');
  const program = start(place, '--no-digest', '--keep', kept, image);
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.deepEqual(await readFile(join(kept, 'disk.img.copy')), bytes);
  assert.doesNotMatch(program.output, /SHA-256|the copy is right/);
  assert.match(program.output, /^bare TCP, two processes +[0-9.]+$/m);
});

test('--help explains', async (t) => {
  const program = start(await makePlace(t), '--help');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.match(program.output, /^Usage: npm start/);
});

/** Ends with one line on standard error that matches, and a code that is not 0. */
async function assertOneLine(program: Program, place: Place, pattern: RegExp): Promise<void> {
  const { code } = await program.ended;
  assert.ok(code !== null && code > 0, `exit code ${code ?? 'none'}`);
  assert.match(program.errors, /^copy-disk-image: [^\n]+\n$/);
  assert.match(program.errors, pattern);
  await assertNothingLeft(program, place);
}

interface BadImage {
  readonly name: string;
  readonly says: RegExp;
  readonly make?: (path: string) => Promise<void>;
}

const badImages: readonly BadImage[] = [
  { name: 'missing', says: /no such file/ },
  { name: 'empty', says: /is empty/, make: (path) => writeFile(path, '') },
  {
    name: 'a directory',
    says: /is a directory/,
    make: async (path) => {
      await mkdir(path);
    },
  },
  { name: 'a dangling link', says: /no such file/, make: (path) => symlink('nowhere', path) },
  {
    name: 'a link to itself',
    says: /too many symbolic links/,
    make: (path) => symlink(path, path),
  },
  { name: 'a device', says: /not a regular file/, make: (path) => symlink('/dev/zero', path) },
];

for (const { name, says, make } of badImages) {
  test(`an image that is ${name} is one line and a code`, async (t) => {
    const place = await makePlace(t);
    const image = join(place.images, 'disk.img');
    await make?.(image);
    await assertOneLine(start(place, image), place, says);
  });
}

test('an image that may not be read is one line and a code', async (t) => {
  const place = await makePlace(t);
  const image = join(place.images, 'disk.img');
  await writeFile(image, 'secret');
  await chmod(image, 0);
  const node = [process.execPath, examplePath(main), image] as const;
  // The superuser may read everything, unless it has no capabilities.
  const program =
    process.getuid?.() === 0
      ? startCommand(place, 'setpriv', ['--bounding-set=-all', '--inh-caps=-all', ...node])
      : start(place, image);
  await assertOneLine(program, place, /permission denied/);
});

test('an unknown option, and a second image, are one line and a code', async (t) => {
  const place = await makePlace(t);
  await assertOneLine(start(place, '--frobnicate'), place, /Unknown option '--frobnicate'/);
  await assertOneLine(start(place, 'one', 'two'), place, /one IMAGE only/);
});

test('a destination that cannot be is one line and a code', async (t) => {
  const place = await makePlace(t);
  await assertOneLine(start(place, '--keep', '/dev/null/x'), place, /not a directory/);
});

/** Runs `node` with a TMPDIR on a file system of 1 MiB that no other process sees. */
const onTinyDisk = ['--map-root-user', '--mount', 'sh', '-c'];
const mountTinyDisk = 'mount -t tmpfs -o size=1m tiny "$TMPDIR"';

test('a full disk is one line and a code', async (t) => {
  const place = await makePlace(t);
  const node = `"${process.execPath}" "${examplePath(main)}"`;
  const listing = 'code=$?; ls -A "$TMPDIR" >&2; exit $code';
  const mayMount = spawnSync('unshare', [...onTinyDisk, mountTinyDisk], {
    env: { ...process.env, TMPDIR: place.scratch },
  });
  const program =
    mayMount.status === 0
      ? startCommand(place, 'unshare', [...onTinyDisk, `${mountTinyDisk} && ${node}; ${listing}`])
      : startCommand(place, 'sh', ['-c', `ulimit -f 2000; ${node}; ${listing}`]);
  await assertOneLine(program, place, /no space left|larger than a file may be/);
});

test('npm start hands its signals to the program', async () => {
  // npm signals the shell that it started, which passes nothing on: so the shell has to be gone.
  const manifest = await readFile(join(repositoryRoot, 'package.json'), 'utf8');
  assert.match(manifest, /"start": ".* && exec node dist\/examples\/02-copy-disk-image\/main\.js"/);
});

/** A terminal interrupts the whole group; `kill` reaches the program alone. */
for (const [signal, target, moment, pattern] of [
  ['SIGINT', 'group', 'the copy over memory', /over memory\n[^]* connect, epoch 1\n/],
  ['SIGINT', 'group', 'the copy from a thread', /Two threads[^]* connect, epoch 1\n/],
  ['SIGTERM', 'program', 'the copy from a process', /Two processes[^]* connect, epoch 1\n/],
  ['SIGINT', 'program', 'the absence of the back end', /SIGKILL to the back end/],
  ['SIGTERM', 'program', 'the second epoch', / connect, epoch 2\n/],
] as const) {
  test(`${signal} to the ${target} during ${moment} leaves nothing behind`, async (t) => {
    const place = await makePlace(t);
    const program = await startOnImage(place);
    await program.untilOutput(pattern);
    if (target === 'group') program.interruptGroup(signal);
    else program.interrupt(signal);
    const { code } = await program.ended;
    assert.equal(code, 128 + constants.signals[signal], program.output);
    assert.equal(program.errors, `copy-disk-image: interrupted by ${signal}\n`);
    await assertNothingLeft(program, place);
  });
}

test('output that nobody reads any more ends the program in good order', async (t) => {
  const place = await makePlace(t);
  const program = await startOnImage(place);
  await program.untilOutput(/connect, epoch 1/);
  program.closeOutput();
  await assertOneLine(program, place, /the output is gone/);
});

test('the process of the back end ends with its parent, even by SIGKILL', async (t) => {
  const place = await makePlace(t);
  const program = await startOnImage(place);
  await program.untilOutput(/Two processes[^]* connect, epoch 1\n/);
  program.interrupt('SIGKILL');
  await program.ended;
  // The orphan closed its output, and is about to be gone.
  while (program.hasProcesses()) await setImmediate();
});

test('a back end that ends by itself is one line and a code', async (t) => {
  const place = await makePlace(t);
  const program = await startOnImage(place);
  const [, id] = await program.untilOutput(/the back end is process (\d+) now/);
  process.kill(Number(id), 'SIGKILL');
  await assertOneLine(program, place, /the back end, process \d+, ended by itself/);
});

test('on a terminal progress is a bar with rate and time left', async (t) => {
  const place = await makePlace(t);
  const image = await makeLongImage(place);
  const command = `"${process.execPath}" "${examplePath(main)}" "${image}"`;
  const program = startCommand(place, 'script', ['-qec', command, '/dev/null']);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.errors);
  assert.match(program.output, /copy +[█░]+ +\d+ % {2}[0-9.]+ [kMG]?B\/s {2}\d+:\d\d left/);
  // The cursor is hidden while a bar is drawn, and comes back.
  assert.equal(program.output.split('\x1B[?25l').length, program.output.split('\x1B[?25h').length);
  await assertNothingLeft(program, place);
});
