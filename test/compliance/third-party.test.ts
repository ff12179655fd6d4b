/** A transport written with nothing but the public contract obeys all of its laws. */
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
    raw: {
      illegal: [Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 1, 2, 3)],
      dial: ({ authority }) => Promise.resolve(exchange.dial(authority)),
    },
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
