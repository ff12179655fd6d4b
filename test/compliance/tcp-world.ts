/** What the suites of endpoints and of buffers need to run over TCP. */
import { tcp } from '../../transports/tcp/index.js';
import type { EndpointWorld } from './index.js';
import { TcpWire } from './tcp-wire.js';

export function makeTcpWorld(): EndpointWorld {
  const wire = new TcpWire();
  return {
    transport: tcp(),
    listenAddress: (service) => `tcp://127.0.0.1:0/${service}`,
    vacantAddress: async (service) => {
      const { authority } = await wire.absentAddress();
      return `tcp://${authority}/${service}`;
    },
    sever: () => {
      wire.sever();
    },
    dispose: () => wire.dispose(),
  };
}
