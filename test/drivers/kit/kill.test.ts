/**
 * A back end in a process of its own is killed again and again while two front ends write and read,
 * several calls at a time: no call fails, and what was seen is linearizable.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createDomain } from 'idc';
import { createFrontEnd, type FrontEnd } from 'idc/drivers/kit';
import { tcp } from 'idc/tcp';
import { makeFraction } from '../../../drivers/kit/sample.js';
import { seedOfThisRun } from '../../compliance/random.js';
import { Program } from '../../unit/program.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';
import { RegisterHistory } from './register-history.js';
import { registers, type RegisterSchema } from './test-drivers.js';

const child = fileURLToPath(new URL('kill-child.js', import.meta.url));
const killsMin = 3;
/** By then some call was under way in a kill, or nothing is repeated at all. */
const killsMax = 40;
const workersPerFrontEnd = 3;
const callsBetweenKills = 60;

async function start(address: string, folder: string): Promise<[Program, string]> {
  const program = new Program(process.execPath, [child, address, folder]);
  const [, real = ''] = await program.untilOutput(/^listening at (.*)$/m);
  return [program, real];
}

class Workload {
  readonly histories = [new RegisterHistory(), new RegisterHistory()];
  readonly #fraction = makeFraction(seedOfThisRun());
  #doneCount = 0;
  #isOver = false;
  #onCall: () => void = () => undefined;

  /** Resolves after so many calls more. */
  async calls(count: number): Promise<void> {
    const wanted = this.#doneCount + count;
    await new Promise<void>((resolve) => {
      this.#onCall = () => {
        if (this.#doneCount >= wanted) resolve();
      };
    });
  }

  end(): void {
    this.#isOver = true;
  }

  async work(frontEnd: FrontEnd<RegisterSchema>): Promise<void> {
    while (!this.#isOver) {
      const place = Math.floor(this.#fraction() * this.histories.length);
      const history = this.histories[place];
      assert.ok(history !== undefined);
      if (this.#fraction() < 0.5) {
        await history.read(async () => (await frontEnd.read({ place })).value);
      } else {
        await history.write(
          (value) => frontEnd.write({ place, count: 1, value }),
          () => false,
        );
      }
      this.#doneCount += 1;
      this.#onCall();
    }
  }
}

it('SIGKILL of a back end with a table in a file: latency, and no error', async (context) => {
  const folder = await makeTemporaryFolder(context);
  const [first, address] = await start('tcp://127.0.0.1:0/registers', folder);
  let program = first;
  const limits = { dialMinMs: 1, dialMaxMs: 20 };
  const domain = createDomain({ name: 'fronts', transports: [tcp()], limits });
  const options = { recover: true, timeoutMs: 120_000 };
  const fronts = [1, 2].map(() => createFrontEnd(domain, address, registers, options));
  const load = new Workload();
  const repeated = (): number =>
    fronts.reduce((sum, front) => sum + front.statistics().repeatedUncertain, 0);
  try {
    const workers = fronts.flatMap((front) =>
      Array.from({ length: workersPerFrontEnd }, () => load.work(front)),
    );
    const all = Promise.all(workers);
    for (let kill = 0; kill < killsMin || (repeated() === 0 && kill < killsMax); kill++) {
      await Promise.race([load.calls(callsBetweenKills), all]);
      program.interrupt('SIGKILL');
      await program.ended;
      assert.equal(program.errors, '');
      [program] = await start(address, folder);
    }
    await Promise.race([load.calls(callsBetweenKills), all]);
    load.end();
    await all;
    assert.ok(repeated() > 0, 'no call was under way when its back end was killed');
    for (const history of load.histories) assert.equal(history.problem(), undefined);
  } finally {
    program.killGroup();
    await domain.close({ drainMs: 0 });
  }
});
