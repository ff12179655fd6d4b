/** What the suites of endpoints and of buffers need to run over a third party's transport. */
import type { EndpointWorld } from './index.js';
import { StreamExchange } from './stream-exchange.js';
import { stream } from './stream-transport.js';

export function makeStreamWorld(): EndpointWorld {
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
