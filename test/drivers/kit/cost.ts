/**
 * What the kit adds to a transaction: a typed one and a raw one of 64 bytes, over the ring, in
 * turns of the same process. Processor time of both ends is counted, not time on the clock, so
 * that a busy machine counts for less.
 */
import { createDomain, type Endpoint } from 'idc';
import { createBackEnd, createFrontEnd, defineProtocol } from 'idc/drivers/kit';
import { ring } from 'idc/ring';
import { filter, firstValueFrom } from 'rxjs';

const mover = defineProtocol({
  name: 'mover',
  version: 1,
  transactions: {
    move: {
      parameters: {
        offset: 'uint53',
        byteLength: 'uint32',
        flags: 'uint8',
        data: { bytes: 64, lent: true },
      },
      status: { count: 'uint32', data: { bytes: 64 } },
      effect: 'idempotent',
    },
  },
});

/** With the number, the lengths and the other fields, parameters and status have 64 bytes each. */
const values = { offset: 3_000_000_000, byteLength: 53, flags: 1, data: new Uint8Array(55) };
const status = { count: 2_000_000, data: new Uint8Array(60) };
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
    const doTyped = (): Promise<unknown> => device.move(values);
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
  const parameters = Uint8Array.of(1, ...encodeRecord(layout.parameters, values));
  return (await endpoint.submitTransaction(parameters)).length + parameters.length;
}

async function untilConnected(endpoint: Endpoint): Promise<void> {
  if (endpoint.state === 'connected') return;
  await firstValueFrom(endpoint.lifecycle$.pipe(filter(({ type }) => type === 'connect')));
}
