/** What `npm run simulate` takes, and how it turns away what makes no sense. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OptionError, parseOptions } from './options.js';

const main = fileURLToPath(new URL('main.js', import.meta.url));
const drawSeed = (): number => 77;

describe('options of the simulation', () => {
  it('a seed alone is replayed', () => {
    const options = parseOptions(['--seed', '5'], drawSeed);
    assert.equal(options?.firstSeed, 5);
    assert.equal(options.seedCount, 1);
    assert.ok(options.isReplay);
  });

  it('without a seed it starts at a random one; minutes alone know no number of seeds', () => {
    assert.equal(parseOptions([], drawSeed)?.firstSeed, 77);
    assert.equal(parseOptions([], drawSeed)?.seedCount, 100);
    const options = parseOptions(['--minutes', '0.5'], drawSeed);
    assert.equal(options?.minutesMax, 0.5);
    assert.equal(options.seedCount, Infinity);
  });

  for (const words of [
    ['--seeds', 'many'],
    ['--seeds', '0'],
    ['--seed=-1'],
    ['--seed', '1.5'],
    ['--minutes', '0'],
    ['--minutes', ''],
    ['--without', 'rain'],
    ['--domains', '1'],
    ['--loud'],
    ['7'],
    ['--seed'],
  ]) {
    it(`${words.join(' ')}: is turned away in one line`, () => {
      assert.throws(
        () => parseOptions(words, drawSeed),
        (error) => error instanceof OptionError && !error.message.includes('\n'),
      );
    });
  }

  it('the command: one line and exit code 2; help; a run that prints its seed', () => {
    const wrong = spawnSync(process.execPath, [main, '--loud'], { encoding: 'utf8' });
    assert.equal(wrong.status, 2);
    assert.equal(wrong.stdout, '');
    assert.match(wrong.stderr, /^simulate: .*--loud.*\n$/u);
    const help = execFileSync(process.execPath, [main, '--help'], { encoding: 'utf8' });
    assert.match(help, /--seeds N/u);
    const output = execFileSync(process.execPath, [main, '--seed', '3'], { encoding: 'utf8' });
    assert.match(output, /^trace \d+:[0-9a-f]{8}\n1 seeds from 3, \d+ steps, /u);
  });
});
