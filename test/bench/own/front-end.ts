/** What every near end of ours does: connects, and submits until it is refused. */
import { Refusal, type Domain, type Endpoint, type ErrorCode, type Quota } from 'idc';

import type { Payloads } from '../payloads.js';

export function connect(domain: Domain, address: string, quota: Partial<Quota>): Promise<Endpoint> {
  return new Promise((resolve) => {
    domain.createEndpoint(address, { connect: resolve }, { quota });
  });
}

/** Answers how many messages the endpoint took until it had no more room. */
export function submitUntilRefused(endpoint: Endpoint, payloads: Payloads): number {
  let items = 0;
  let answer = endpoint.submitMessage(payloads.next());
  while (answer >= 0) {
    items += 1;
    answer = endpoint.submitMessage(payloads.next());
  }
  if (answer !== Refusal.Quota && answer !== Refusal.BackPressured) {
    throw new Error(`a message was refused with ${answer}`);
  }
  return items;
}

export function expectOk(code: ErrorCode): void {
  if (code !== 'OK') throw new Error(`a transaction ended with ${code}`);
}

export function expectTaken(ticket: number): void {
  if (ticket < 0) throw new Error(`a transaction was refused with ${ticket}`);
}
