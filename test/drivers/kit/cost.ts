/**
 * What the kit adds to a transaction: a typed one and a raw one of 64 bytes, over the ring, in
 * turns of the same process. Processor time of both ends is counted, not time on the clock, so
 * that a busy machine counts for less.
 */
import { createDomain, type Endpoint } from 'idc';
import { createBackEnd, createFrontEnd } from 'idc/drivers/kit';
import { ring } from 'idc/ring';
import { filter, firstValueFrom } from 'rxjs';
import { mover, parameters, status } from './mover.js';

const raw = new Uint8Array(64);

export interface Cost {
  /** Microseconds of both ends' processor time for one transaction. */
  readonly rawUs: number;
  readonly typedUs: number;
  readonly ratio: number;
}

/** One measurement for each round; `depth` transactions are outstanding. */
export async function measureCosts(
  depth: number,
  rounds: number,
  perRound: number,
): Promise<{ readonly costs: readonly Cost[]; readonly byteLength: number }> {
  const back = createDomain({ name: 'back', transports: [ring()], wait: 'spin' });
  const front = createDomain({ name: 'front', transports: [ring()], wait: 'spin' });
  const place = `ring://kit-cost-${process.pid}-${depth}`;
  try {
    const listener = back.listen(`${place}/raw`, () => ({
      transaction: (request) => request.complete(raw),
    }));
    const server = createBackEnd(back, `${place}/typed`, mover, { move: () => status });
    await Promise.all([listener.ready, server.ready]);
    const endpoint = front.createEndpoint(`${place}/raw`, {});
    const device = createFrontEnd(front, `${place}/typed`, mover);
    await Promise.all([device.ready(), untilConnected(endpoint)]);
    const doRaw = (): Promise<unknown> => endpoint.submitTransaction(raw);
    const doTyped = (): Promise<unknown> => device.move(parameters);
    await spend(doRaw, depth, 4 * perRound);
    await spend(doTyped, depth, 4 * perRound);
    const costs: Cost[] = [];
    for (let round = 0; round < rounds; round++) {
      const rawUs = await spend(doRaw, depth, perRound);
      const typedUs = await spend(doTyped, depth, perRound);
      costs.push({ rawUs, typedUs, ratio: typedUs / rawUs });
    }
    return { costs, byteLength: await typedByteLength(device.endpoint) };
  } finally {
    await Promise.all([front.close(), back.close()]);
  }
}

/** Microseconds of processor time for each call. */
async function spend(call: () => Promise<unknown>, depth: number, count: number): Promise<number> {
  let left = count;
  const before = process.cpuUsage();
  const worker = async (): Promise<void> => {
    for (; left > 0; left--) await call();
  };
  await Promise.all(Array.from({ length: depth }, worker));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

/** That of the status, which shows that both cases move as much. */
async function typedByteLength(endpoint: Endpoint): Promise<number> {
  const { encodeRecord } = await import('../../../drivers/kit/item-codec.js');
  const layout = mover.layoutAt(1).transactions[1];
  if (layout === undefined) throw new Error('the protocol has one transaction');
  const typed = Uint8Array.of(1, ...encodeRecord(layout.parameters, parameters));
  return (await endpoint.submitTransaction(typed)).length + typed.length;
}

async function untilConnected(endpoint: Endpoint): Promise<void> {
  if (endpoint.state === 'connected') return;
  await firstValueFrom(endpoint.lifecycle$.pipe(filter(({ type }) => type === 'connect')));
}
