/** The measurements of `idc bench`, over any endpoint that leads to its peer. */
import { RemoteBufferReference, type Domain, type Endpoint } from 'idc';
import { bufferBytes } from './bench-peer.js';
import { quantile } from './quantile.js';

/** One figure of one medium. */
export interface Row {
  readonly medium: string;
  readonly what: string;
  readonly figure: 'rate' | 'p50' | 'p99';
  readonly value: number;
  readonly unit: 'messages/s' | 'transactions/s' | 'us' | 'GB/s';
}

export interface Place {
  readonly medium: string;
  readonly domain: Domain;
  readonly endpoint: Endpoint;
  /** How long each measurement takes, after a warm-up of half as long. */
  readonly runMs: number;
  /** Fires when no more is to be measured. */
  readonly signal: AbortSignal;
}

type Measurement = (place: Place) => Promise<readonly Omit<Row, 'medium'>[]>;

const itemBytes = 64;
const transactionsAtOnce = 32;
const transfersAtOnce = 4;
/** The clock is not read for each message. */
const batch = 64;

export const measurements: readonly Measurement[] = [
  measureRoundTrips,
  measureTransactions,
  measureMessages,
  (place) => measureTransfers(place, 'write'),
  (place) => measureTransfers(place, 'read'),
];

async function measureRoundTrips(place: Place): ReturnType<Measurement> {
  const what = `transaction of ${itemBytes} bytes, one at a time`;
  const bytes = new Uint8Array(itemBytes);
  const samples: number[] = [];
  await repeat(place, async () => {
    const startMs = performance.now();
    await place.endpoint.submitTransaction(bytes);
    samples.push(performance.now() - startMs);
    return 1;
  });
  // Those of the warm-up are the first ones, and a third of the time.
  const settled = samples.slice(Math.floor(samples.length / 3)).sort((a, b) => a - b);
  const at = (share: number): number => quantile(settled, share) * 1e3;
  return [
    { what, figure: 'p50', value: at(0.5), unit: 'us' },
    { what, figure: 'p99', value: at(0.99), unit: 'us' },
  ];
}

async function measureTransactions(place: Place): ReturnType<Measurement> {
  const what = `transactions of ${itemBytes} bytes, ${transactionsAtOnce} at a time`;
  const bytes = new Uint8Array(itemBytes);
  const value = await repeatAtOnce(place, transactionsAtOnce, async () => {
    await place.endpoint.submitTransaction(bytes);
    return 1;
  });
  return [{ what, figure: 'rate', value, unit: 'transactions/s' }];
}

async function measureMessages(place: Place): ReturnType<Measurement> {
  const { endpoint } = place;
  const bytes = new Uint8Array(itemBytes);
  const value = await repeat(place, async () => {
    for (let count = 0; count < batch;) {
      if (endpoint.submitMessage(bytes) >= 0) count += 1;
      else await endpoint.whenWritable({ kind: 'message', byteLength: itemBytes });
    }
    return batch;
  });
  await endpoint.whenFlushed();
  return [{ what: `messages of ${itemBytes} bytes`, figure: 'rate', value, unit: 'messages/s' }];
}

async function measureTransfers(place: Place, way: 'read' | 'write'): ReturnType<Measurement> {
  const { domain, endpoint } = place;
  const status = await endpoint.submitTransaction(new Uint8Array(0));
  const reference = RemoteBufferReference.decode(status, endpoint);
  const local = new Uint8Array(bufferBytes);
  const perSecond = await repeatAtOnce(place, transfersAtOnce, async () => {
    if (way === 'write') await domain.sendToRemoteBuffer(reference, local);
    else await domain.receiveFromRemoteBuffer(reference, local);
    return bufferBytes;
  });
  const what = `${way === 'write' ? 'writes to' : 'reads from'} a remote buffer of 1 MiB`;
  return [{ what, figure: 'rate', value: perSecond / 1e9, unit: 'GB/s' }];
}

/** What `step` answers each time, per second, with several of them under way. */
async function repeatAtOnce(
  place: Place,
  width: number,
  step: () => Promise<number>,
): Promise<number> {
  const rates = await Promise.all(Array.from({ length: width }, () => repeat(place, step)));
  return rates.reduce((sum, rate) => sum + rate, 0);
}

/** What `step` answers each time, per second, after the warm-up. */
async function repeat({ runMs, signal }: Place, step: () => Promise<number>): Promise<number> {
  const warmMs = performance.now() + runMs / 2;
  while (performance.now() < warmMs && !signal.aborted) await step();
  const startMs = performance.now();
  let amount = 0;
  let nowMs = startMs;
  do {
    amount += await step();
    nowMs = performance.now();
  } while (nowMs - startMs < runMs && !signal.aborted);
  return (amount / (nowMs - startMs)) * 1e3;
}
