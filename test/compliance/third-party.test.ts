/** A transport written with nothing but the public contract obeys all of its laws. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createRuntime, makeAddress } from '../../core/contract.js';
import { runTransportCompliance, turnEventLoop, type TransportHarness } from './index.js';
import { StreamExchange } from './stream-exchange.js';
import { stream } from './stream-transport.js';

function makeHarness(): TransportHarness {
  const exchange = new StreamExchange();
  const factory = stream(exchange);
  let nameCount = 0;
  return {
    runtime: createRuntime(),
    listener: factory,
    dialler: factory,
    raw: undefined,
    listenAddress: () => makeAddress('stream', `hub-${(nameCount += 1)}`, ''),
    dialAddress: (listening) => Promise.resolve(listening),
    absentAddress: () => Promise.resolve(makeAddress('stream', 'nobody', '')),
    settle: () => turnEventLoop(),
    sever: () => {
      exchange.sever();
    },
    dispose: () => Promise.resolve(),
  };
}

runTransportCompliance('stream', makeHarness);

test('stream: the whole glue is less than 150 lines of code', () => {
  const file = new URL('../../../test/compliance/stream-transport.ts', import.meta.url);
  const lines = readFileSync(file, 'utf8').split('\n');
  const code = lines.filter((line) => !/^\s*(?:\/\/|\/\*|\*|$)/u.test(line));
  assert.ok(code.length < 150, `${code.length} lines`);
});
