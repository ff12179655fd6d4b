/**
 * A driver written with the kit costs little more than one written by hand. Measured in a process
 * of its own, since the test runner follows every promise.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Program } from '../../unit/program.js';
import type { Cost } from './cost.js';

/**
 * Of the processor time of a raw transaction, by how many are outstanding. Measured (Node 20.20.2,
 * medians of 9, the machine quiet to busy): 1.06 to 1.15 for one, 1.42 to 1.64 for 32, where the
 * raw one reads nothing of what it gets and costs 0.7 microseconds; the kit adds 0.4 to that.
 */
const ratioMax: Readonly<Record<number, number>> = { 1: 1.5, 32: 2 };

interface Line {
  readonly depth: number;
  readonly byteLength: number;
  readonly best: Cost;
  readonly median: Cost;
}

it(`a typed transaction of 64 bytes costs at most ${ratioMax[1]} raw ones`, async (context) => {
  const program = fileURLToPath(new URL('cost-main.js', import.meta.url));
  const child = new Program(process.execPath, [program]);
  assert.deepEqual(await child.ended, { code: 0, signal: null }, child.errors);
  // The program prints these lines and nothing else.
  const lines = child.output
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as Line);
  assert.equal(lines.length, 2);
  for (const { depth, byteLength, best, median } of lines) {
    assert.equal(byteLength, 2 * 64);
    const { rawUs, typedUs, ratio } = median;
    const told = `${rawUs.toFixed(2)} us raw, ${typedUs.toFixed(2)} us typed, ${ratio.toFixed(2)}`;
    context.diagnostic(`${depth} outstanding: ${told}, at best ${best.ratio.toFixed(2)}`);
    // Whoever costs more does so in every round; a collection or a compilation does not.
    assert.ok(best.ratio <= (ratioMax[depth] ?? 0), told);
  }
});
