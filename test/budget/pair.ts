/** Two connected domains of one thread, by the public API, and counters of what has arrived. */
import { createDomain, type Domain, type Endpoint, type TransportFactory } from 'idc';
import { Payloads } from './measure.js';

export interface Pair {
  readonly front: Domain;
  readonly back: Domain;
  readonly endpoint: Endpoint;
  /** Messages that the back end completed. */
  readonly received: { count: number };
}

/** The back end completes every message, and answers every transaction with a random length. */
export async function openPair(
  transports: readonly TransportFactory[],
  address: string,
): Promise<Pair> {
  const front = createDomain({ name: 'front', transports, wait: 'park' });
  const back = createDomain({ name: 'back', transports, wait: 'park' });
  const received = { count: 0 };
  const statuses = new Payloads(1);
  const listener = back.listen(address, () => ({
    message: (message) => {
      received.count++;
      message.complete();
    },
    transaction: (transaction) => {
      transaction.complete(statuses.current);
      statuses.advance();
    },
  }));
  const bound = await listener.ready;
  const endpoint = await new Promise<Endpoint>((resolve) => {
    front.createEndpoint(bound, { connect: resolve });
  });
  return { front, back, endpoint, received };
}

export async function closePair({ front, back }: Pair): Promise<void> {
  await Promise.all([front.close(), back.close()]);
}

/** The context of completions: no closure for each transaction. */
export class Tally {
  settled = 0;
  wrong = 0;
}

export function countCompletion(tally: Tally, code: string): void {
  tally.settled++;
  if (code !== 'OK') tally.wrong++;
}
