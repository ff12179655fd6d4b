/**
 * A handler that throws what is no failure of its protocol ends its process, as any handler does.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Program } from '../../unit/program.js';

const child = fileURLToPath(new URL('crash-child.js', import.meta.url));

for (const [mistake, pattern] of [
  ['throws', /HANDLER_THREW: the transaction handler threw: a slip/],
  ['rejects', /HANDLER_THREW: the transaction handler threw: a slip/],
  ['answers nonsense', /HANDLER_THREW: the transaction handler threw: total is not a uint53/],
] as const) {
  it(`a handler that ${mistake}`, async () => {
    const program = new Program(process.execPath, [child, mistake]);
    const { code } = await program.ended;
    assert.notEqual(code, 0);
    assert.match(program.errors, pattern);
    assert.doesNotMatch(program.output, /answered/);
  });
}
