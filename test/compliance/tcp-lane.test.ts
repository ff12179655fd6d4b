/** The lanes of the TCP transport obey the contract of bulk lanes. */
import { createRuntime, parseAddress } from '../../core/contract.js';
import { tcp } from '../../transports/tcp/index.js';
import { runLaneCompliance, turnEventLoop, type TransportHarness } from './index.js';
import { TcpWire } from './tcp-wire.js';

function makeHarness(): TransportHarness {
  const wire = new TcpWire();
  const factory = tcp();
  return {
    runtime: createRuntime(),
    listener: factory,
    dialler: factory,
    raw: wire,
    listenAddress: () => parseAddress('tcp://127.0.0.1:0/'),
    dialAddress: (listening) => Promise.resolve(listening),
    absentAddress: () => wire.absentAddress(),
    settle: () => turnEventLoop(),
    sever: () => {
      wire.sever();
    },
    dispose: () => wire.dispose(),
  };
}

runLaneCompliance('tcp', makeHarness);
