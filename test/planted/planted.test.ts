/** The planted faults fit the sources, so that a refactoring is noticed without a full run. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import { repositoryRoot } from '../source-paths.js';
import { jobsOf, testFiles } from './catcher.js';
import { plantedFaults } from './faults.js';
import { OptionError, parseOptions, usage } from './options.js';
import { plant, type PlantedFault } from './planted-fault.js';
import { ReportReader } from './report-reader.js';
import { transpile } from './transpile.js';

const faultsMin = 36;

function sourceOf(fault: PlantedFault): string {
  return readFileSync(path.join(repositoryRoot, fault.file), 'utf8');
}

describe('planted faults', () => {
  it(`are at least ${faultsMin}, with names of their own`, () => {
    assert.ok(plantedFaults.length >= faultsMin);
    const names = plantedFaults.map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)]);
    for (const name of names) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it('say what they break and which existing test catches them', () => {
    const files = testFiles();
    for (const { name, breaks, caughtBy } of plantedFaults) {
      assert.match(breaks, /^[LVB]\d+\b|^section \d+\b/, name);
      assert.ok(caughtBy.length > 0, name);
      for (const catcher of caughtBy) assert.ok(jobsOf(catcher, files).length > 0, name);
    }
  });

  it('replace text that is in its source exactly once, by something else', () => {
    for (const fault of plantedFaults)
      assert.notEqual(plant(fault, sourceOf(fault)), sourceOf(fault));
  });

  it('leave a source that compiles to a module', () => {
    for (const fault of plantedFaults) {
      const built = transpile(fault.file, plant(fault, sourceOf(fault)));
      assert.match(built, /^export /m, fault.name);
    }
  });
});

describe('plant', () => {
  const fault = { name: 'a', breaks: 'V1', file: 'core/a.ts', replace: 'b', by: 'c', caughtBy: [] };

  it('refuses a text that is missing, and one that is there twice', () => {
    assert.equal(plant(fault, 'abd'), 'acd');
    assert.throws(() => plant(fault, 'ad'), /a: the text to replace is 0 times in core\/a.ts/);
    assert.throws(() => plant(fault, 'abbd'), /is 2 times/);
  });
});

describe('options', () => {
  it('choose faults by several prefixes, or one catcher for all; nothing means everything', () => {
    assert.deepEqual(parseOptions([]), { only: [], by: undefined, lists: false });
    const words = ['--only', 'ring', '--only', 'transfer', '--by', 'simulation 3', '--list'];
    const only = ['ring', 'transfer'];
    assert.deepEqual(parseOptions(words), { only, by: 'simulation 3', lists: true });
  });

  it('--help is answered, and every option is named there; what is none is refused', () => {
    assert.equal(parseOptions(['--only', 'ring', '--help']), undefined);
    for (const name of ['--only', '--by', '--list', '--help']) assert.ok(usage.includes(name));
    assert.throws(() => parseOptions(['--all']), OptionError);
    assert.throws(() => parseOptions(['ring']), OptionError);
  });
});

describe('transpile', () => {
  it('refuses what is no TypeScript', () => {
    assert.throws(() => transpile('core/a.ts', 'export const a = ;'), /core\/a.ts: Expression/);
  });
});

describe('report reader', () => {
  it('knows the first test that failed by all its names, however the text is cut', () => {
    const reader = new ReportReader();
    reader.take('# Subtest: outer\n    # Subtest: one\n    ok 1 - one\n    # Subt');
    reader.take('est: two\n    not ok 2 - two\n    not ok 3 - three\nnot ok 1 - outer\n');
    assert.equal(reader.failure, 'outer > two');
    assert.equal(reader.passCount, 1);
  });

  it('counts nothing that was left out', () => {
    const reader = new ReportReader();
    reader.take('ok 1 - one # SKIP test name does not match pattern\nok 2 - two\n');
    assert.equal(reader.failure, undefined);
    assert.equal(reader.passCount, 1);
  });

  it('knows what the simulation found', () => {
    const reader = new ReportReader();
    reader.take('\nseed 7 FAILED: Error: V3: settled twice\n');
    assert.equal(reader.failure, 'seed 7: Error: V3: settled twice');
  });
});
