/** Mistake: how the mistakes of the child are written down. */
import type { EndpointHandlers, OfferHandler } from 'idc';

export type Mistakes = Readonly<Record<string, OfferHandler>>;

/** What the error of a handler says that has nothing to say. */
export class Meant extends Error {
  constructor() {
    super('meant to fail');
    this.name = 'Meant';
  }
}

export function throwMeant(): never {
  throw new Meant();
}

/** Fails after the handler has returned its promise. */
export async function rejectMeant(): Promise<never> {
  await Promise.resolve();
  throw new Meant();
}

/** An ordinary client, apart from `handlers`. */
export function clientWith(handlers: EndpointHandlers): OfferHandler {
  return () => ({
    message: (message) => {
      message.complete();
    },
    transaction: () => undefined,
    ...handlers,
  });
}

/** A client that leaves at the first message, with everything answered. */
export function leaverWith(handlers: EndpointHandlers): OfferHandler {
  return clientWith({
    message: (message, endpoint) => {
      message.complete();
      void endpoint.destroy();
    },
    transaction: (transaction) => {
      transaction.complete();
    },
    ...handlers,
  });
}
