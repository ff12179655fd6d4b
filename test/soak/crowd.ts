/**
 * Crowd: diallers with fresh ids, each a domain of its own. Each connects and has one transaction
 * answered; then they vanish together, by whatever means their maker has.
 */
import { createDomain, type Domain, type Listener, type TransportFactory } from 'idc';
import type { Quota, TimeLimits } from 'idc';

/** For a stranger who says one thing. */
export const crowdQuota: Partial<Quota> = {
  messages: 2,
  messageBytes: 64,
  transactions: 2,
  parameterBytes: 64,
  statusBytes: 64,
};

/** A minute's soak shall see them come, vanish and be forgotten. */
export const crowdLimits: Partial<TimeLimits> = {
  lingerMs: 50,
  keepAliveMs: 500,
  dialMinMs: 5,
  dialMaxMs: 50,
};
export const crowdForgetMs = 50;
/** So many whole domains in a crowd; the others are sessions alone. */
export const domainCount = 50;
/** Those of one crowd may still be remembered when the next one comes. */
const peersMax = 4096;

/** Resolves when all of them have been answered. */
export async function gatherCrowd(
  address: string,
  makeTransport: () => TransportFactory,
  count: number,
): Promise<Domain[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const domain = createDomain({
        name: 'stranger',
        transports: [makeTransport()],
        quota: crowdQuota,
        limits: crowdLimits,
      });
      await callOnce(domain, address);
      return domain;
    }),
  );
}

function callOnce(domain: Domain, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    domain.createEndpoint(address, {
      connect: (endpoint) => {
        endpoint.submitMessage(new Uint8Array(16));
        endpoint.submitTransaction(new Uint8Array(16)).then(() => {
          resolve();
        }, reject);
      },
    });
  });
}

/** Answers strangers; `onGone` is called once for each that is forgotten. */
export function hostCrowd(domain: Domain, address: string, onGone: () => void): Listener {
  return domain.listen(
    address,
    () => ({
      appear: (endpoint) => {
        endpoint.lifecycle$.subscribe((event) => {
          if (event.type === 'destroyed') onGone();
        });
      },
      message: (message) => {
        message.complete();
      },
      transaction: (transaction) => {
        transaction.complete(transaction.parameters);
      },
    }),
    { forgetMs: crowdForgetMs, quota: crowdQuota, limits: crowdLimits, peersMax },
  );
}
