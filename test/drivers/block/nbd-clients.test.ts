/** Programs that know nothing of this project use the NBD server: libnbd's, QEMU's and fio. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, type TestContext } from 'node:test';
import {
  countDevice,
  createMemoryDevice,
  openFileDevice,
  serveNbd,
  sliceDevice,
  type BlockDevice,
  type CountingDevice,
} from '../../../drivers/block/index.js';
import { createRandom, randomBytes, seedOfThisRun } from '../../compliance/random.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';
import { fileSystemDevices, fileSystemPrograms, keepFiles } from './file-system.js';
import { itWith, runProgram, type ProgramName } from './programs.js';

const mebibyte = 1 << 20;
const imageBytes = 16 * mebibyte;

interface Place {
  /** Of the default export. */
  readonly uri: string;
  readonly device: CountingDevice;
  readonly folder: string;
}

type Body = (place: Place) => Promise<void>;

const kinds = [
  ['memory, a socket file', 'memory', 'unix'],
  ['a file, a socket file', 'file', 'unix'],
  ['a file, TCP', 'file', 'tcp'],
  ['a file without the C library, TCP', 'portable', 'tcp'],
] as const;

/** A test of one program over every kind of device and medium. */
function check(name: ProgramName, fact: string, body: Body): void {
  checkWith([name], [], fact, body);
}

/** A test of programs that work together and need devices of the kernel. */
function checkWith(
  names: readonly ProgramName[],
  devices: readonly string[],
  fact: string,
  body: Body,
): void {
  for (const [what, kind, medium] of kinds) {
    const run = async (context: TestContext): Promise<void> => {
      const folder = await makeTemporaryFolder(context);
      const device = countDevice(await makeDevice(kind, folder));
      await serve(device, medium, folder, body);
    };
    itWith(names, `${fact} (${what})`, run, devices);
  }
}

async function makeDevice(kind: (typeof kinds)[number][1], folder: string): Promise<BlockDevice> {
  if (kind === 'memory') return createMemoryDevice({ byteLength: imageBytes });
  const options = { createBytes: imageBytes, native: kind === 'file' };
  return openFileDevice(`${folder}/served.img`, options);
}

async function serve(
  device: CountingDevice,
  medium: string,
  folder: string,
  body: Body,
): Promise<void> {
  const listen = medium === 'unix' ? `${folder}/nbd.sock` : '127.0.0.1:0';
  const server = serveNbd({ exports: [{ device, description: 'a disk' }], listen });
  try {
    await body({ uri: await server.ready, device, folder });
  } finally {
    await server.close();
    await device.close();
  }
  assert.deepEqual(server.statistics(), { connections: 0, turnedAway: 0, payloads: 0 });
}

/** Data, a hole, data, and zeroes that are data; not a whole number of anything. */
function makeImage(): Buffer {
  const image = Buffer.alloc(imageBytes);
  const random = createRandom(seedOfThisRun());
  image.set(randomBytes(random, 3 * mebibyte + 12_345), 0);
  image.set(randomBytes(random, 5 * mebibyte), 9 * mebibyte + 512);
  return image;
}

describe('nbdinfo', () => {
  check('nbdinfo', 'understands what is offered', async ({ uri }) => {
    const { exports, ...said } = parse(await runProgram('nbdinfo', '--json', uri));
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
        description: 'a disk',
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
  });

  itWith(
    ['nbdinfo'],
    'lists exports, and sees blocks and what may only be read',
    async (context) => {
      const folder = await makeTemporaryFolder(context);
      const memory = createMemoryDevice({ byteLength: mebibyte, blockBytes: 4096 });
      const exports = [
        { name: 'whole', device: memory },
        { name: 'for reading', device: sliceDevice(memory, { isReadOnly: true }) },
      ];
      const server = serveNbd({ exports, listen: `${folder}/nbd.sock` });
      const listed = parse(await runProgram('nbdinfo', '--json', '--list', await server.ready));
      await server.close();
      assert.deepEqual(
        listed.exports.map((offered) => [
          offered['export-name'],
          offered['is_read_only'],
          offered['block_size_minimum'],
        ]),
        [
          ['whole', false, 4096],
          ['for reading', true, 4096],
        ],
      );
    },
  );

  itWith(['nbdinfo'], 'maps holes and data', async (context) => {
    const folder = await makeTemporaryFolder(context);
    const device = countDevice(createMemoryDevice({ byteLength: imageBytes }));
    await device.write(mebibyte, Buffer.alloc(2 * mebibyte, 1));
    await serve(device, 'unix', folder, async ({ uri }) => {
      const map: unknown = JSON.parse(await runProgram('nbdinfo', '--json', '--map', uri));
      const hole = { type: 3, description: 'hole,zero' };
      assert.deepEqual(map, [
        { offset: 0, length: mebibyte, ...hole },
        { offset: mebibyte, length: 2 * mebibyte, type: 0, description: 'data' },
        { offset: 3 * mebibyte, length: imageBytes - 3 * mebibyte, ...hole },
      ]);
    });
  });
});

/** What `nbdinfo --json` prints. */
function parse(text: string): Record<string, unknown> & { exports: Record<string, unknown>[] } {
  // The tests compare what they take out of it.
  return JSON.parse(text) as ReturnType<typeof parse>;
}

describe('nbdcopy', () => {
  check('nbdcopy', 'copies an image there and back', async ({ uri, device, folder }) => {
    const image = makeImage();
    const [source, target] = [`${folder}/source.img`, `${folder}/target.img`];
    await writeFile(source, image);
    await runProgram('nbdcopy', '--flush', source, uri);
    assert.ok(device.counts().flushes > 0);
    await runProgram('nbdcopy', uri, target);
    assert.ok(image.equals(await readFile(target)));
    const held = Buffer.alloc(imageBytes);
    await device.read(0, held);
    assert.ok(image.equals(held));
  });

  check('nbdcopy', 'copies over one connection, one request at a time', async ({ uri, folder }) => {
    const [source, target] = [`${folder}/source.img`, `${folder}/target.img`];
    const image = makeImage();
    await writeFile(source, image);
    const slow = ['--synchronous', '--connections=1', '--requests=1'];
    await runProgram('nbdcopy', ...slow, '--request-size=4194304', source, uri);
    await runProgram('nbdcopy', ...slow, '--no-extents', uri, target);
    assert.ok(image.equals(await readFile(target)));
  });
});

describe('qemu-img', () => {
  check('qemu-img', 'keeps a qcow2 image there, which stays whole', async ({ uri, folder }) => {
    const source = `${folder}/source.img`;
    await writeFile(source, makeImage().subarray(0, 12 * mebibyte));
    await runProgram('qemu-img', 'create', '-q', '-f', 'qcow2', uri, '12M');
    await runProgram('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'qcow2', source, uri);
    await runProgram('qemu-img', 'check', '-q', '-f', 'qcow2', uri);
    await runProgram('qemu-img', 'compare', '-q', '-f', 'raw', '-F', 'qcow2', source, uri);
  });

  check(
    'qemu-img',
    'converts raw, many requests at once and out of order',
    async ({ uri, folder }) => {
      const source = `${folder}/source.img`;
      await writeFile(source, makeImage());
      const words = ['-n', '-W', '-m', '16', '-f', 'raw', '-O', 'raw'];
      await runProgram('qemu-img', 'convert', ...words, source, uri);
      await runProgram('qemu-img', 'compare', '-q', '-f', 'raw', '-F', 'raw', source, uri);
    },
  );
});

describe('qemu-io', () => {
  check('qemu-io', 'finds its patterns', async ({ uri, device }) => {
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
    const { fuas, discards, zeroWrites } = device.counts();
    assert.ok(fuas > 0 && discards > 0 && zeroWrites > 1, JSON.stringify(device.counts()));
  });
});

describe('fio', () => {
  check('fio', 'verifies what it wrote, 32 requests deep', async ({ uri, device }) => {
    const printed = await runProgram(
      'fio',
      '--name=verify',
      '--ioengine=nbd',
      `--uri=${uri}`,
      '--rw=randrw',
      '--bsrange=512-64k',
      '--iodepth=32',
      '--size=16m',
      '--verify=crc32c',
      '--verify_fatal=1',
      '--verify_state_save=0',
      '--fsync=50',
      `--randseed=${seedOfThisRun()}`,
      '--output-format=json',
    );
    assert.match(printed, /"error" : 0/);
    const { writes, flushes } = device.counts();
    assert.ok(writes > 100 && flushes > 0);
  });
});

describe("the kernel's ext4", () => {
  checkWith(
    fileSystemPrograms,
    fileSystemDevices,
    'keeps files, and e2fsck finds nothing wrong',
    async ({ uri, device, folder }) => {
      await writeFile(`${folder}/long`, makeImage().subarray(0, 5 * mebibyte));
      await writeFile(`${folder}/short`, 'a few words\n');
      await keepFiles(uri, folder, ['long', 'short']);
      assert.ok(device.counts().flushes > 0);
    },
  );
});
