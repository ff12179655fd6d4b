/** The short examples, run as a person would. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startExample } from './program.js';

test('01-hello: the front end prints the answer of the back end, and both end', async () => {
  const back = startExample('01-hello/back', ['tcp://127.0.0.1:0/hello']);
  const [, address = ''] = await back.untilOutput(/^listening at (.*)$/m);
  const front = startExample('01-hello/front', [address]);
  assert.deepEqual(await front.ended, { code: 0, signal: null }, front.errors);
  assert.deepEqual(await back.ended, { code: 0, signal: null }, back.errors);
  assert.equal(front.output, 'hello, world\n');
  assert.equal(front.errors + back.errors, '');
});

for (const [address, pattern] of [
  ['memory://here/entropy', /^memory:\/\/here\/entropy gave [0-9a-f]{32}\n$/],
  [
    `ring://examples-test-${process.pid}/entropy`,
    /^ring:\/\/examples-test-\d+\/entropy gave [0-9a-f]{32}\n$/,
  ],
  ['tcp://127.0.0.1:0/entropy', /^tcp:\/\/127\.0\.0\.1:\d+\/entropy gave [0-9a-f]{32}\n$/],
] as const) {
  test(`03-swap-transport: the driver runs at ${address}`, async () => {
    const program = startExample('03-swap-transport/main', [address]);
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.errors);
    assert.match(program.output, pattern);
    assert.equal(program.errors, '');
  });
}

test('04-simulate-a-driver: the block driver loses nothing that was flushed', async () => {
  const program = startExample('04-simulate-a-driver/main', ['5', '1']);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.errors);
  assert.match(program.output, /^5 seeds from 1: \d+ steps, every flushed sector is there\n$/);
  assert.equal(program.errors, '');
});

test('06-migrate-a-buffer: the peer writes all the time, and the copy is equal', async () => {
  const program = startExample('06-migrate-a-buffer/main', ['16']);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.errors);
  assert.equal(program.errors, '');
  const lines = program.output.trimEnd().split('\n');
  const [last, stop, ...rounds] = lines.toReversed();
  assert.match(last ?? '', /^equal byte for byte after \d+ writes, and the peer writes on$/);
  assert.match(stop ?? '', /^stop: \d+ KiB in [\d.]+ ms$/);
  assert.match(rounds.at(-1) ?? '', /^round 1: 16384 KiB in /);
  assert.ok(rounds.length > 1, 'the peer wrote while the buffer was copied');
});

test('07-lend-a-buffer: what the back end sent is there', async () => {
  const program = startExample('07-lend-a-buffer/main', []);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.errors);
  assert.equal(program.output, 'sector 0\n');
  assert.equal(program.errors, '');
});
