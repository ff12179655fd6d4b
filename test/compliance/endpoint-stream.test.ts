/** Endpoints over a third party's transport behave as over memory. */
import { runEndpointCompliance, type EndpointWorld } from './index.js';
import { StreamExchange } from './stream-exchange.js';
import { stream } from './stream-transport.js';

function makeWorld(): EndpointWorld {
  const exchange = new StreamExchange();
  let nameCount = 0;
  const newAddress = (service: string): string => `stream://hub-${(nameCount += 1)}/${service}`;
  return {
    transport: stream(exchange),
    listenAddress: newAddress,
    vacantAddress: (service) => Promise.resolve(newAddress(service)),
    sever: () => {
      exchange.sever();
    },
    dispose: () => Promise.resolve(),
  };
}

runEndpointCompliance('stream', makeWorld);
