/** Endpoints over TCP behave as over memory. */
import { tcp } from '../../transports/tcp/index.js';
import { runEndpointCompliance, type EndpointWorld } from './index.js';
import { TcpWire } from './tcp-wire.js';

function makeWorld(): EndpointWorld {
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

runEndpointCompliance('tcp', makeWorld);
