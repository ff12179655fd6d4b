/** Programs that know nothing of this project use the NBD server: libnbd's, QEMU's and fio. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import {
  countDevice,
  createMemoryDevice,
  openFileDevice,
  serveNbd,
  sliceDevice,
  type BlockDevice,
  type CountingDevice,
} from '../../drivers/block/index.js';
import { itWith, runProgram } from '../drivers/block/programs.js';
import {
  descriptionOfExport,
  imageBytes,
  itServesEach,
  parseInfo,
  type Export,
} from '../drivers/block/workloads.js';
import { makeTemporaryFolder } from '../unit/temporary-folder.js';

const mebibyte = 1 << 20;

const kinds = [
  ['memory, a socket file', 'memory', 'unix'],
  ['a file, TCP', 'file', 'tcp'],
  ['a file without the C library, TCP', 'portable', 'tcp'],
] as const;

for (const [what, kind, medium] of kinds) {
  describe(`an export of ${what}`, () => {
    itServesEach(async ({ run, isSeen }, folder) => {
      const device = countDevice(await makeDevice(kind, folder));
      await serve(device, medium, folder, run);
      assert.ok(isSeen?.(device.counts()) ?? true, JSON.stringify(device.counts()));
    });
  });
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
  body: (place: Export) => Promise<void>,
): Promise<void> {
  const listen = medium === 'unix' ? `${folder}/nbd.sock` : '127.0.0.1:0';
  const server = serveNbd({ exports: [{ device, description: descriptionOfExport }], listen });
  try {
    await body({ uri: await server.ready, folder });
  } finally {
    await server.close();
    await device.close();
  }
  assert.deepEqual(server.statistics(), { connections: 0, turnedAway: 0, payloads: 0 });
}

describe('nbdinfo', () => {
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
      const listed = parseInfo(await runProgram('nbdinfo', '--json', '--list', await server.ready));
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
