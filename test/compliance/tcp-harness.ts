/** What the suites of the transport contract need to run over TCP. */
import { createRuntime, parseAddress, type Runtime } from '../../core/contract.js';
import { tcp } from '../../transports/tcp/index.js';
import { turnEventLoop, type TransportHarness } from './harness.js';
import { TcpWire } from './tcp-wire.js';

/** Owns `wire`, which a test may use beside it. */
export function makeTcpHarness(
  wire: TcpWire = new TcpWire(),
  runtime: Runtime = createRuntime(),
): TransportHarness {
  const factory = tcp();
  return {
    runtime,
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
