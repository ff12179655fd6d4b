/** Whatever a front end writes is there, in the file too, however often the back end is killed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { between, createRandom, seedOfThisRun } from '../../compliance/random.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';
import { farSchemes, KilledBackEnd, killNowAndThen } from './killed-back-end.js';
import { VerifyingWorkload } from './verifying-workload.js';

const byteLength = 4 << 20;
const kills = 5;
const outstanding = 12;

for (const scheme of farSchemes) {
  const seed = seedOfThisRun();
  it(`${scheme}: a workload that verifies itself (IDC_SEED=${seed})`, async (context) => {
    const folder = await makeTemporaryFolder(context);
    const backEnd = new KilledBackEnd(scheme, folder, byteLength, seed);
    const random = createRandom(seed);
    let isOver = false;
    try {
      await backEnd.start();
      const device = await backEnd.open('front', 5);
      const workload = new VerifyingWorkload(device, random);
      const working = Promise.all(
        Array.from({ length: outstanding }, () => workload.work(() => isOver)),
      );
      const killing = killNowAndThen(
        backEnd,
        kills,
        () => workload.doneCount,
        () => between(random, 30, 90),
      );
      await Promise.race([killing, working]);
      isOver = true;
      await working;
      const all = Buffer.alloc(byteLength);
      await device.read(0, all);
      workload.verify(all);
      await device.flush();
      workload.verify(readFileSync(backEnd.path));
      assert.equal(backEnd.killCount, kills);
    } finally {
      isOver = true;
      await backEnd.close();
    }
  });
}
