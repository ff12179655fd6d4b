/** What the suites need to run over rings, in mapped or shared memory. */
import { createRuntime, parseAddress } from '../../core/contract.js';
import { ring } from '../../transports/ring/index.js';
import { turnEventLoop, type EndpointWorld, type TransportHarness } from './index.js';
import { RingMedium, ringBytes } from './ring-medium.js';

export function makeRingHarness(memory: 'mapped' | 'shared'): TransportHarness {
  const medium = new RingMedium(memory);
  const factory = ring({ ringBytes, memory });
  return {
    runtime: createRuntime(),
    listener: factory,
    dialler: factory,
    raw: medium,
    listenAddress: () => parseAddress(`ring://${medium.name()}/`),
    dialAddress: (listening) => Promise.resolve(listening),
    absentAddress: () => Promise.resolve(parseAddress(`ring://${medium.name()}/`)),
    settle: () => turnEventLoop(),
    sever: () => {
      medium.sever();
    },
    dispose: () => {
      medium.dispose();
      return Promise.resolve();
    },
  };
}

export function makeRingWorld(memory: 'mapped' | 'shared'): EndpointWorld {
  const medium = new RingMedium(memory);
  return {
    transport: ring({ ringBytes, memory }),
    listenAddress: (service) => `ring://${medium.name()}/${service}`,
    vacantAddress: (service) => Promise.resolve(`ring://${medium.name()}/${service}`),
    sever: () => {
      medium.sever();
    },
    dispose: () => Promise.resolve(),
  };
}
