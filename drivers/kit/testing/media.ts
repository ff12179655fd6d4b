/** The transports that a driver is run over, each with an address that nobody else uses. */
import type { TransportFactory } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';

export interface Medium {
  readonly name: 'memory' | 'ring' | 'tcp';
  /** For a first listener; a later one takes the address that this one got. */
  readonly address: string;
  /** For each domain by itself. */
  readonly makeTransport: () => TransportFactory;
}

/** `label` tells one run from another. */
export function listMedia(label: string): readonly Medium[] {
  const network = createMemoryNetwork();
  return [
    {
      name: 'memory',
      address: `memory://${label}/driver`,
      makeTransport: () => memory({ network }),
    },
    {
      name: 'ring',
      address: `ring://driver-test-${process.pid}-${label}/driver`,
      makeTransport: () => ring(),
    },
    // The system chooses a free port.
    { name: 'tcp', address: 'tcp://127.0.0.1:0/driver', makeTransport: () => tcp() },
  ];
}
