/** What programs that know nothing of this project do to an NBD export: libnbd's, QEMU's, fio. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import type { BlockCounts } from '../../../drivers/block/index.js';
import { createRandom, randomBytes, seedOfThisRun } from '../../compliance/random.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';
import { fileSystemDevices, fileSystemPrograms, keepFiles } from './file-system.js';
import { itWith, runProgram, type ProgramName } from './programs.js';

const mebibyte = 1 << 20;
/** Of the device; at first it is zeroes. */
export const imageBytes: number = 16 * mebibyte;
/** What an export says of itself. */
export const descriptionOfExport = 'a disk';

export interface Export {
  /** Of the default export. */
  readonly uri: string;
  /** Of this workload's own. */
  readonly folder: string;
}

/** A workload checks itself: it fails if what it finds is not what it left there. */
export interface Workload {
  readonly fact: string;
  readonly programs: readonly ProgramName[];
  /** Of the kernel's. */
  readonly devices?: readonly string[];
  readonly run: (place: Export) => Promise<void>;
  /** What the device under the export must have seen of it. */
  readonly isSeen?: (counts: BlockCounts) => boolean;
}

const workloads: readonly Workload[] = [
  { fact: 'nbdinfo understands what is offered', programs: ['nbdinfo'], run: understand },
  {
    fact: 'nbdcopy copies an image there and back',
    programs: ['nbdcopy'],
    run: copy,
    isSeen: ({ flushes }) => flushes > 0,
  },
  {
    fact: 'nbdcopy copies over one connection, one request at a time',
    programs: ['nbdcopy'],
    run: copySlowly,
  },
  {
    fact: 'qemu-img keeps a qcow2 image there, which stays whole',
    programs: ['qemu-img'],
    run: keepImage,
  },
  {
    fact: 'qemu-img converts raw, many requests at once and out of order',
    programs: ['qemu-img'],
    run: convertRaw,
  },
  {
    fact: 'qemu-io finds its patterns',
    programs: ['qemu-io'],
    run: findPatterns,
    isSeen: ({ fuas, discards, zeroWrites }) => fuas > 0 && discards > 0 && zeroWrites > 1,
  },
  {
    fact: 'fio verifies what it wrote, 32 requests deep',
    programs: ['fio'],
    run: verify,
    isSeen: ({ writes, flushes }) => writes > 100 && flushes > 0,
  },
  {
    fact: "the kernel's ext4 keeps files, and e2fsck finds nothing wrong",
    programs: fileSystemPrograms,
    devices: fileSystemDevices,
    run: keepFileSystem,
    isSeen: ({ flushes }) => flushes > 0,
  },
];

/** Each workload is a test with a folder of its own; `body` makes an export and runs it there. */
export function itServesEach(body: (workload: Workload, folder: string) => Promise<void>): void {
  for (const workload of workloads) {
    const { programs, fact, devices } = workload;
    const test = async (context: TestContext): Promise<void> => {
      await body(workload, await makeTemporaryFolder(context));
    };
    itWith(programs, fact, test, devices);
  }
}

/** Data, a hole, data, and zeroes that are data; not a whole number of anything. */
function makeImage(): Buffer {
  const image = Buffer.alloc(imageBytes);
  const random = createRandom(seedOfThisRun());
  image.set(randomBytes(random, 3 * mebibyte + 12_345), 0);
  image.set(randomBytes(random, 5 * mebibyte), 9 * mebibyte + 512);
  return image;
}

async function understand({ uri }: Export): Promise<void> {
  const { exports, ...said } = parseInfo(await runProgram('nbdinfo', '--json', uri));
  assert.equal(said['protocol'], 'newstyle-fixed');
  assert.equal(said['structured'], true);
  const [offered] = exports;
  assert.deepEqual(
    {
      description: offered?.['description'],
      size: offered?.['export-size'],
      readOnly: offered?.['is_read_only'],
      flush: offered?.['can_flush'],
      fua: offered?.['can_fua'],
      trim: offered?.['can_trim'],
      zero: offered?.['can_zero'],
      multi: offered?.['can_multi_conn'],
      fragment: offered?.['can_df'],
      contexts: offered?.['contexts'],
      maximum: offered?.['block_size_maximum'],
    },
    {
      description: descriptionOfExport,
      size: imageBytes,
      readOnly: false,
      flush: true,
      fua: true,
      trim: true,
      zero: true,
      multi: true,
      fragment: true,
      contexts: ['base:allocation'],
      maximum: 32 * mebibyte,
    },
  );
}

/** What `nbdinfo --json` prints. */
export function parseInfo(
  text: string,
): Record<string, unknown> & { exports: Record<string, unknown>[] } {
  // The tests compare what they take out of it.
  return JSON.parse(text) as ReturnType<typeof parseInfo>;
}

async function copy({ uri, folder }: Export): Promise<void> {
  const image = makeImage();
  const [source, target] = [`${folder}/source.img`, `${folder}/target.img`];
  await writeFile(source, image);
  await runProgram('nbdcopy', '--flush', source, uri);
  await runProgram('nbdcopy', uri, target);
  assert.ok(image.equals(await readFile(target)));
}

async function copySlowly({ uri, folder }: Export): Promise<void> {
  const [source, target] = [`${folder}/source.img`, `${folder}/target.img`];
  const image = makeImage();
  await writeFile(source, image);
  const slow = ['--synchronous', '--connections=1', '--requests=1'];
  await runProgram('nbdcopy', ...slow, '--request-size=4194304', source, uri);
  await runProgram('nbdcopy', ...slow, '--no-extents', uri, target);
  assert.ok(image.equals(await readFile(target)));
}

async function keepImage({ uri, folder }: Export): Promise<void> {
  const source = `${folder}/source.img`;
  await writeFile(source, makeImage().subarray(0, 12 * mebibyte));
  await runProgram('qemu-img', 'create', '-q', '-f', 'qcow2', uri, '12M');
  await runProgram('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'qcow2', source, uri);
  await runProgram('qemu-img', 'check', '-q', '-f', 'qcow2', uri);
  await runProgram('qemu-img', 'compare', '-q', '-f', 'raw', '-F', 'qcow2', source, uri);
}

async function convertRaw({ uri, folder }: Export): Promise<void> {
  const source = `${folder}/source.img`;
  await writeFile(source, makeImage());
  const words = ['-n', '-W', '-m', '16', '-f', 'raw', '-O', 'raw'];
  await runProgram('qemu-img', 'convert', ...words, source, uri);
  await runProgram('qemu-img', 'compare', '-q', '-f', 'raw', '-F', 'raw', source, uri);
}

async function findPatterns({ uri }: Export): Promise<void> {
  const commands = [
    'write -P 0x5a 0 64k',
    'write -P 0xa5 -f 64k 1M',
    'aio_write -P 0x11 2M 1M',
    'aio_write -P 0x22 3M 1M',
    'aio_flush',
    'write -z 5M 64k',
    'write -z -u 6M 64k',
    'write -P 0x33 4095 3',
    'flush',
    'read -P 0x5a 0 4095',
    'read -P 0x33 4095 3',
    'read -P 0x5a 4098 61438',
    'read -P 0xa5 64k 1M',
    'read -P 0x11 2M 1M',
    'read -P 0x22 3M 1M',
    'read -P 0 5M 64k',
    'read -P 0 6M 64k',
    'discard 0 64k',
    'write -P 0x77 0 64k',
    'read -P 0x77 0 64k',
  ];
  const words = commands.flatMap((command) => ['-c', command]);
  const printed = await runProgram('qemu-io', '-f', 'raw', '-d', 'unmap', ...words, uri);
  assert.doesNotMatch(printed, /failed/);
}

async function verify({ uri }: Export): Promise<void> {
  const words = ['--rw=randrw', '--bsrange=512-64k', '--iodepth=32', '--size=16m', '--fsync=50'];
  await verifyByFio(uri, ...words);
}

/** fio does what `words` say, and finds what it wrote. */
export async function verifyByFio(uri: string, ...words: readonly string[]): Promise<void> {
  const printed = await runProgram(
    'fio',
    '--name=verify',
    '--ioengine=nbd',
    `--uri=${uri}`,
    ...words,
    '--verify=crc32c',
    '--verify_fatal=1',
    '--verify_state_save=0',
    `--randseed=${seedOfThisRun()}`,
    '--output-format=json',
  );
  assert.match(printed, /"error" : 0/);
}

async function keepFileSystem({ uri, folder }: Export): Promise<void> {
  await writeFile(`${folder}/long`, makeImage().subarray(0, 5 * mebibyte));
  await writeFile(`${folder}/short`, 'a few words\n');
  await keepFiles(uri, folder, ['long', 'short']);
}
