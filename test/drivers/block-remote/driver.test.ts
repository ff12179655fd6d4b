/** The driver as its kit tests it: over every transport, in the simulation, and by the fuzzer. */
import assert from 'node:assert/strict';
import { createMemoryDevice, serveDevice, type BlockDevice } from 'idc/drivers/block';
import { createFrontEnd, createMemoryJournal, type FrontEnd, type Journal } from 'idc/drivers/kit';
import { testDriver, type BackSite, type FrontSite } from 'idc/drivers/kit/testing';
import { blockProtocol, type BlockSchema } from '../../../drivers/block/remote/protocol.js';
import { RemoteBlockDevice } from '../../../drivers/block/remote/remote-device.js';
import { BlockHistories, blockBytes } from './block-histories.js';
import { SlowDevice } from './slow-device.js';

const blockCount = 4;

/** What outlives a back end. */
interface Medium {
  readonly disk: BlockDevice;
  readonly journal: Journal;
  readonly histories: BlockHistories;
  /** Back ends so far; an earlier one than the last does nothing any more, like a dead process. */
  lives: number;
}

function startBackEnd({ domain, address, medium, runtime }: BackSite<Medium>) {
  medium.lives += 1;
  const life = medium.lives;
  const device = new SlowDevice(medium.disk, () => {
    return new Promise((resolve) => {
      runtime.scheduler.after(1 + 3 * runtime.prng.fraction(), () => {
        if (life === medium.lives) resolve();
      });
    });
  });
  const { journal } = medium;
  return serveDevice(domain, address, device, { journal, runtime });
}

/** By the front end, since that is what the test kit hands on. */
const devices = new WeakMap<FrontEnd<BlockSchema>, Promise<RemoteBlockDevice>>();

function startFrontEnd({ domain, address, runtime }: FrontSite): FrontEnd<BlockSchema> {
  const options = { recover: true, timeoutMs: 120_000, runtime };
  const frontEnd = createFrontEnd(domain, address, blockProtocol, options);
  const device = new RemoteBlockDevice(domain, address, frontEnd);
  const opening = device.start(120_000, undefined).then(() => device);
  // Who gives a front end up before it was open has no use for it.
  opening.catch(() => undefined);
  devices.set(frontEnd, opening);
  return frontEnd;
}

testDriver<BlockSchema, FrontEnd<BlockSchema>, Medium>({
  name: 'block',
  protocol: blockProtocol,
  makeMedium: () => ({
    disk: createMemoryDevice({ byteLength: blockCount * blockBytes, blockBytes }),
    journal: createMemoryJournal(),
    histories: new BlockHistories(blockCount),
    lives: 0,
  }),
  startBackEnd,
  startFrontEnd,
  work: async (frontEnd, { medium, fraction }) => {
    const device = await devices.get(frontEnd);
    assert.ok(device !== undefined);
    const first = Math.floor(fraction() * blockCount);
    const write = medium.histories.write(device, { first, count: 1 }, { fua: fraction() < 0.2 });
    const read = medium.histories.read(device, { first: 0, count: blockCount });
    await Promise.all([write, read, device.flush()]);
  },
  check: ({ histories }) => {
    histories.check();
  },
});
