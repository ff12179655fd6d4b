/** The handshake in every order of everything that can happen to it, to the depths printed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addCoverage, noCoverage } from './coverage.js';
import { Explorer } from './explorer.js';
import { describeFailure, describeResult, replay, shorten } from './report.js';
import { makeSettings, testReaches } from './settings.js';

describe('exhaustive handshake', () => {
  const coverage = noCoverage();

  for (const setting of makeSettings(testReaches)) {
    const faults = setting.faultsMax < setting.depth ? `${setting.faultsMax} fault` : 'any faults';
    it(`${setting.name}: ${setting.depth} choices, ${faults}`, async (context) => {
      const result = await new Explorer(setting).explore();
      addCoverage(coverage, result.coverage);
      context.diagnostic(describeResult(result));
      if (result.failure === undefined) return;
      const shortest = await shorten(result.failure);
      const found = describeFailure(result.failure);
      assert.fail(`${describeFailure(shortest)}\nfound first: ${found}`);
    });
  }

  it('the cases that matter were among them', (context) => {
    context.diagnostic(JSON.stringify(coverage));
    for (const [name, count] of Object.entries(coverage)) assert.ok(count > 0, name);
  });

  it('words of a sequence replay it, and words that cannot happen are refused', async () => {
    const options = { provesIdentity: false, hasWork: false };
    const lines: string[] = [];
    const words = 'arrive B 1, deliver A 1, deliver B 1, crash A';
    assert.equal(await replay(words, options, (line) => lines.push(line)), undefined);
    assert.ok(lines.includes('deliver B 1 (Hello)'));
    const breach = await replay('deliver A 7', options, () => undefined);
    assert.match(breach ?? '', /cannot happen/);
  });
});
