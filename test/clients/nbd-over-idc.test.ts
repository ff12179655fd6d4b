/**
 * Programs that know nothing of this project use a block device at the other end of an IDC address:
 * in this process over memory, and through `idc block nbd` over the ring and over TCP. There the
 * back end is also killed, again and again, while fio verifies.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { stat, watch } from 'node:fs/promises';
import { describe } from 'node:test';
import { countDevice, createMemoryDevice, serveNbd } from '../../drivers/block/index.js';
import { Chain, farSchemes, makeFile, type FarScheme } from '../drivers/block/chain.js';
import { itWith } from '../drivers/block/programs.js';
import {
  descriptionOfExport,
  imageBytes,
  itServesEach,
  verifyByFio,
} from '../drivers/block/workloads.js';
import { Stage } from '../drivers/block-remote/stage.js';
import { makeTemporaryFolder } from '../unit/temporary-folder.js';

describe('a device reached over memory', () => {
  itServesEach(async ({ fact, run, isSeen }, folder) => {
    const stage = new Stage('memory', fact);
    const device = countDevice(createMemoryDevice({ byteLength: imageBytes }));
    const backEnd = await stage.serve(device);
    const remote = await stage.open();
    const exports = [{ device: remote, description: descriptionOfExport }];
    const server = serveNbd({ exports, listen: `${folder}/nbd.sock` });
    await run({ uri: await server.ready, folder });
    await server.close();
    await remote.close();
    await backEnd.close();
    await stage.close();
    assert.ok(isSeen?.(device.counts()) ?? true, JSON.stringify(device.counts()));
  });
});

for (const scheme of farSchemes) {
  describe(`a device that idc block nbd reaches over ${scheme}`, () => {
    itServesEach(async ({ run }, folder) => {
      const file = makeFile(`${folder}/served.img`, imageBytes);
      await withChain(scheme, file, ({ uri }) => run({ uri, folder }));
    });

    itWith(['fio'], 'fio verifies, and its back end is killed under it', async (context) => {
      const folder = await makeTemporaryFolder(context);
      const file = makeFile(`${folder}/served.img`, imageBytes);
      await withChain(scheme, file, async (chain) => {
        const verified = verifySlowly(chain.uri);
        const kills = killAsItFills(chain, verified);
        await verified;
        assert.equal(await kills, killsMax);
      });
    });
  });
}

const killsMax = 4;

async function withChain(
  scheme: FarScheme,
  file: string,
  body: (chain: Chain) => Promise<void>,
): Promise<void> {
  const listen = scheme === 'ring' ? `${file}.sock` : '127.0.0.1:0';
  const chain = await Chain.make(scheme, randomUUID(), file, listen);
  try {
    await body(chain);
  } catch (error) {
    await chain.close();
    throw error;
  }
  assert.deepEqual(await chain.close(), { code: 0, signal: null }, chain.gateway.errors);
}

/** Every block is written, at random, and then read and compared. */
function verifySlowly(uri: string): Promise<void> {
  return verifyByFio(uri, '--rw=randwrite', '--bs=4k', '--iodepth=16', `--size=${imageBytes}`);
}

/** Kills the back end each time one more part of the file is written; answers how often. */
async function killAsItFills(chain: Chain, ended: Promise<void>): Promise<number> {
  const over = new AbortController();
  void ended.finally(() => over.abort()).catch(() => undefined);
  let kills = 0;
  try {
    for await (const change of watch(chain.file, { signal: over.signal })) {
      assert.equal(change.eventType, 'change');
      const { blocks } = await stat(chain.file);
      if (blocks * 512 < ((kills + 1) * imageBytes) / (killsMax + 1)) continue;
      await chain.killAndRestart();
      kills += 1;
      if (kills === killsMax) break;
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  }
  return kills;
}
