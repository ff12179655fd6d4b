/** The memory transport obeys the transport contract, with its usual and its smallest rings. */
import { createRuntime, makeAddress } from '../../core/contract.js';
import { createMemoryNetwork, memory } from '../../transports/memory/index.js';
import { runTransportCompliance, turnEventLoop, type TransportHarness } from './index.js';

function makeHarness(limits: { frameBytesMax?: number; ringBytes?: number }): TransportHarness {
  const network = createMemoryNetwork();
  const factory = memory({ network, ...limits });
  let nameCount = 0;
  return {
    runtime: createRuntime(),
    listener: factory,
    dialler: factory,
    raw: undefined,
    listenAddress: () => makeAddress('memory', `hub-${(nameCount += 1)}`, ''),
    dialAddress: (listening) => Promise.resolve(listening),
    absentAddress: () => Promise.resolve(makeAddress('memory', 'nobody', '')),
    settle: () => turnEventLoop(),
    sever: () => {
      network.sever();
    },
    dispose: () => Promise.resolve(),
  };
}

runTransportCompliance('memory', () => makeHarness({}));
runTransportCompliance('tight memory', () => makeHarness({ frameBytesMax: 1024, ringBytes: 4096 }));
