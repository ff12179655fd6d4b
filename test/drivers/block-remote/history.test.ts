/**
 * The witness of recovery: two front ends write and read the same blocks, many operations at once,
 * while the process of the back end is killed again and again. Neither sees an error, and what they
 * saw is what a device would have shown that does one thing after another: no write is lost, done
 * twice or undone.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { RemoteDevice } from '../../../drivers/block/index.js';
import { between, createRandom, seedOfThisRun, type Random } from '../../compliance/random.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';
import { blockBytes, BlockHistories, type Blocks } from './block-histories.js';
import { farSchemes, KilledBackEnd, killNowAndThen } from './killed-back-end.js';

const kills = 12;
/** Of each front end. */
const workers = 4;
/** Few, so that the front ends meet. */
const blockCount = 36;
/** More bytes than travel in a transaction. */
const longCount = 20;
/** Operations of the second front end between two kills. */
const [stepLeast, stepMost] = [10, 40];
/** The second front end comes back late: the first is at work by then, unless it has to wait. */
const lateDialMs = 400;

function chooseBlocks(random: Random): Blocks {
  const isLong = random() % 8 === 0;
  const count = isLong ? longCount : 1;
  // Short operations keep to a few blocks within the long ones.
  const first = isLong ? between(random, 0, blockCount - count) : between(random, 17, 19);
  return { first, count };
}

for (const scheme of farSchemes) {
  const seed = seedOfThisRun();
  it(`${scheme}: two front ends, a back end that dies (IDC_SEED=${seed})`, async (context) => {
    const folder = await makeTemporaryFolder(context);
    const backEnd = new KilledBackEnd(scheme, folder, blockCount * blockBytes, seed);
    const random = createRandom(seed);
    const histories = new BlockHistories(blockCount);
    const doneCounts = [0, 0];
    let isOver = false;
    async function work(device: RemoteDevice, index: number): Promise<void> {
      while (!isOver) {
        const blocks = chooseBlocks(random);
        const choice = random() % 8;
        // Mostly reads: what was undone has to be seen before it is written again.
        if (choice < 2) await histories.write(device, blocks, { fua: choice === 0 });
        else if (choice < 7) await histories.read(device, blocks);
        else await device.flush();
        doneCounts[index] = (doneCounts[index] ?? 0) + 1;
      }
    }
    try {
      await backEnd.start();
      const devices = [await backEnd.open('one', 5), await backEnd.open('other', lateDialMs)];
      const working = Promise.all(
        devices.flatMap((device, index) =>
          Array.from({ length: workers }, () => work(device, index)),
        ),
      );
      const killing = killNowAndThen(
        backEnd,
        kills,
        () => doneCounts[1] ?? 0,
        () => between(random, stepLeast, stepMost),
      );
      await Promise.race([killing, working]);
      isOver = true;
      await working;
      for (const device of devices) await histories.read(device, { first: 0, count: blockCount });
      histories.check();
      assert.equal(backEnd.killCount, kills);
      const counts = devices.map((device) => device.statistics());
      const repeated = counts.reduce((sum, { repeatedUncertain }) => sum + repeatedUncertain, 0);
      context.diagnostic(
        `${doneCounts.join(' and ')} operations, ${repeated} submitted again in doubt`,
      );
      assert.ok(repeated > 0, 'no kill came in the middle');
    } finally {
      isOver = true;
      await backEnd.close();
    }
  });
}
