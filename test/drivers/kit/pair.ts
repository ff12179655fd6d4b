/** Two domains of one thread, for tests of both ends of a driver. */
import { createDomain, type Domain } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';

export interface Pair {
  readonly front: Domain;
  readonly back: Domain;
  readonly address: string;
  close(): Promise<void>;
}

export function makePair(): Pair {
  const network = createMemoryNetwork();
  const limits = { dialMinMs: 1, dialMaxMs: 20 };
  const make = (name: string): Domain =>
    createDomain({ name, transports: [memory({ network })], limits });
  const [front, back] = [make('front'), make('back')];
  const address = 'memory://back/driver';
  const close = async (): Promise<void> => {
    await Promise.all([front.close(), back.close()]);
  };
  return { front, back, address, close };
}

/** Runs `body` on a pair that is closed afterwards. */
export async function onPair(body: (pair: Pair) => Promise<void>): Promise<void> {
  const pair = makePair();
  try {
    await body(pair);
  } finally {
    await pair.close();
  }
}
